"""Whatever happened to a runs folder, the same command brings the run back, or says what to do."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save

from bandstop.digest import digest
from bandstop.errors import BadInput
from bandstop.files import locked
from bandstop.job import Listener, all_folds, design, run_folder
from bandstop.record import RunFolder, run_name
from bandstop.train import read_checkpoint


class Heard(Listener):
    def __init__(self):
        self.said, self.epochs = [], []

    def say(self, text):
        self.said.append(text)

    def epoch(self, epoch, seconds_left):
        self.epochs.append(epoch.epoch)


@pytest.fixture(scope="module")
def made(dataset, tiny, tmp_path_factory):
    """Finished runs, to be copied and damaged."""
    runs = tmp_path_factory.mktemp("made")
    return runs, design(tiny, runs, dataset)


@pytest.fixture
def runs(made, tmp_path) -> Path:
    return Path(shutil.copytree(made[0], tmp_path / "runs"))


DAMAGE = {
    "no record": lambda f: f.record.unlink(),
    "a record cut short": lambda f: f.record.write_text(f.record.read_text()[:100]),
    "a record of zeros": lambda f: f.record.write_bytes(bytes(3000)),
    "no bundle": lambda f: f.bundle.unlink(),
    "a bundle cut short": lambda f: f.bundle.write_bytes(f.bundle.read_bytes()[:1000]),
    "an altered bundle": lambda f: f.bundle.write_bytes(f.bundle.read_bytes()[:-4] + b"\0\1\2\3"),
}


@pytest.mark.parametrize("method", ["pmp", "dense"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_run_is_delivered_again_from_its_checkpoint(
    damage, method, dataset, tiny, runs, made
):
    config = replace(tiny, method=method).canonical()
    folder = RunFolder(runs / run_name(config, dataset.fingerprint))
    DAMAGE[damage](folder)
    heard = Heard()
    design(config, runs, dataset, heard)
    assert heard.epochs == []
    whole = load_file(RunFolder(made[0] / folder.path.name).bundle)
    again = load_file(folder.bundle)
    assert again.keys() == whole.keys()
    assert all(torch.equal(again[key], whole[key]) for key in whole)
    heard = Heard()
    design(config, runs, dataset, heard)
    assert heard.said == [f"{folder.path} is finished already"]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_dense_reference_is_no_obstacle(damage, dataset, tiny, runs, made):
    DAMAGE[damage](RunFolder(runs / run_name(tiny.dense(), dataset.fingerprint)))
    RunFolder(runs / run_name(tiny, dataset.fingerprint)).record.unlink()
    heard = Heard()
    again = design(tiny, runs, dataset, heard)
    assert heard.epochs == []
    assert again.record.result["accuracy_dense"] == made[1].record.result["accuracy_dense"]


def test_a_record_of_a_newer_bandstop_is_not_overwritten(dataset, tiny, runs):
    folder = RunFolder(runs / run_name(tiny, dataset.fingerprint))
    newer = folder.record.read_text().replace('"version": 1', '"version": 2')
    folder.record.write_text(newer)
    with pytest.raises(BadInput, match=r"of version 2.*another folder for the runs"):
        design(tiny, runs, dataset)
    assert folder.record.read_text() == newer


def test_the_same_recordings_under_another_path_are_the_same_run(dataset, tiny, runs):
    heard = Heard()
    design(replace(tiny, data="sbu:elsewhere").canonical(), runs, dataset, heard)
    count = len(list(runs.iterdir()))
    heard = Heard()
    design(replace(tiny, data="sbu:../elsewhere").canonical(), runs, dataset, heard)
    assert heard.epochs == []
    assert len(list(runs.iterdir())) == count


def test_a_finished_run_is_told_where_it_lies_now(dataset, tiny, runs, made):
    outcome = design(tiny, runs, dataset)
    assert outcome.record.result["run"] == str(outcome.folder.path)
    assert outcome.record.result["run"] != made[1].record.result["run"]


def _hold(folder: Path, seconds: float, holding) -> None:
    with locked(folder):
        holding.set()
        time.sleep(seconds)


def test_a_dense_reference_in_the_making_is_waited_for(dataset, tiny, tmp_path):
    folder = tmp_path / run_name(tiny.dense(), dataset.fingerprint)
    spawn = multiprocessing.get_context("spawn")
    holding = spawn.Event()
    process = spawn.Process(target=_hold, args=(folder, 1.0, holding))
    process.start()
    assert holding.wait(60)
    heard = Heard()
    outcome = design(tiny, tmp_path, dataset, heard)
    process.join()
    assert f"waiting for process {process.pid}, which is making it" in heard.said
    assert outcome.folder.record.exists()
    assert process.pid != os.getpid()


def test_all_folds_of_data_without_folds_is_refused_with_the_remedy(dataset, tiny):
    plain = replace(dataset, folds=())
    (config,) = all_folds(replace(tiny, fold="all"), plain)
    with pytest.raises(BadInput, match="has no split"):
        plain.fold(config.fold)


def test_too_few_sequences_to_train_on_are_counted_with_the_remedy(dataset, tiny, tmp_path):
    fold = dataset.folds[0]
    few = replace(dataset, folds=(replace(fold, train=fold.train[:2]),))
    with pytest.raises(BadInput, match=r"leaves 1 of 2 sequences .* or give --validation 0"):
        design(replace(tiny, fold=fold.name, validation=0.1), tmp_path, few)


def test_where_everything_is_exempt_and_nothing_is_removed_training_goes_on(
    dataset, tiny, tmp_path
):
    config = replace(tiny, rate=0.0, exempt=("*",))
    result = design(config, tmp_path, dataset).record.result
    assert result["weights_kept"] > 0.99 * result["weights"]


class Stop(Exception):
    pass


class Stopping(Listener):
    def epoch(self, epoch, seconds_left):
        raise Stop


@pytest.fixture(scope="module")
def stopped(dataset, tiny, made, tmp_path_factory):
    """The checkpoint of a run that was stopped after its first epoch."""
    runs = Path(shutil.copytree(made[0], tmp_path_factory.mktemp("stopped") / "runs"))
    shutil.rmtree(run_folder(tiny, dataset, runs).path)
    with pytest.raises(Stop):
        design(tiny, runs, dataset, Stopping())
    return read_checkpoint(run_folder(tiny, dataset, runs).checkpoint)


FACTS = {
    "no pruning": lambda f: f.pop("pruning"),
    "pruning that is null": lambda f: f.update(pruning=None),
    "an unknown stage": lambda f: f["pruning"].update(stage="cut"),
    "a stage of other gates": lambda f: f["pruning"].update(stage="fixed"),
    "an epoch of text": lambda f: f.update(epoch="1"),
    "an epoch beyond the training": lambda f: f.update(epoch=10**6),
    "an epoch that never was": lambda f: f.update(epoch=0, history=[]),
    "a history of numbers": lambda f: f.update(history=[1]),
    "a history of text": lambda f: f["history"][0].update(step="x"),
    "seconds of text": lambda f: f.update(seconds="1"),
    "something more": lambda f: f.update(more=1),
}


@pytest.mark.parametrize("kind", FACTS)
def test_a_checkpoint_that_is_wrong_under_a_right_checksum_starts_the_training_anew(
    kind, dataset, tiny, runs, made, stopped
):
    folder = run_folder(tiny, dataset, runs)
    facts = json.loads(json.dumps(stopped.facts))
    FACTS[kind](facts)
    text = json.dumps(facts)
    folder.record.unlink()
    folder.checkpoint.write_bytes(
        save(stopped.tensors, {"facts": text, "sha256": digest(text, stopped.tensors)})
    )
    heard = Heard()
    again = design(tiny, runs, dataset, heard)
    assert not any("resumed" in words for words in heard.said)
    assert load_file(again.folder.bundle).keys() == load_file(made[1].folder.bundle).keys()
    assert again.record.confusion == made[1].record.confusion
