"""The main job, whole, on small networks; and on the real recordings where they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bandstop.bundle import load_bundle
from bandstop.data import Dataset, load
from bandstop.errors import BadInput, Failure
from bandstop.job import Listener, all_folds, design
from bandstop.method import METHODS
from bandstop.record import Config, read_record

SBU = Path(__file__).parents[3] / "shared" / "data" / "SBU"


class Heard(Listener):
    def __init__(self):
        self.said, self.epochs = [], []

    def say(self, text):
        self.said.append(text)

    def epoch(self, epoch, seconds_left):
        self.epochs.append((epoch, seconds_left))


@pytest.mark.parametrize("method", [*METHODS])
def test_every_method_delivers_a_network_within_its_budget(method, dataset, tiny, compared):
    config = replace(tiny, method=method)
    outcome = design(config, compared, dataset)
    result = outcome.record.result
    if method == "dense":
        assert result["weights_kept"] == result["weights"]
    else:
        assert 0 < result["weights_kept"] <= round((1 - config.rate) * result["weights"])
    assert result["relative_error"] <= 1e-5
    assert result["macs_sparse"] <= result["macs"] <= result["macs_dense"]
    assert 0 <= result["accuracy"] <= 1
    assert sum(map(sum, outcome.record.confusion)) == outcome.record.data["test"]


def test_the_run_directory_holds_what_the_architecture_says(dataset, tiny, compared):
    outcome = design(tiny, compared, dataset)
    names = {p.name for p in outcome.folder.path.iterdir()} - {".lock"}
    wanted = {"config.json", "record.json", "log.jsonl", "checkpoint.safetensors", "net.bandstop"}
    assert names == wanted
    assert json.loads(outcome.folder.config.read_text()) == tiny.canonical().to_dict()
    assert read_record(outcome.folder.record) == outcome.record
    log = [json.loads(line) for line in outcome.folder.log.read_text().splitlines()]
    assert log == outcome.record.history
    assert len(log) == 3


def test_the_bundle_alone_predicts_what_the_run_measured(dataset, tiny, compared):
    outcome = design(tiny, compared, dataset)
    bundle = load_bundle(outcome.folder.bundle)
    test = dataset.fold(tiny.fold).test
    right = [
        bundle.predict(dataset.sequences[i]).label == dataset.classes[dataset.sequences[i].label]
        for i in test
    ]
    assert np.mean(right) == pytest.approx(outcome.record.result["accuracy"])


def test_progress_tells_epoch_terms_observed_rate_accuracy_and_time_left(dataset, tiny, tmp_path):
    heard = Heard()
    design(tiny, tmp_path, dataset, heard)
    pruned = heard.epochs[3:]
    assert [epoch.epoch for epoch, _ in pruned] == [0, 1, 2]
    assert set(pruned[0][0].terms) == {"cross_entropy", "alignment_wasserstein"}
    assert set(pruned[0][0].extra) == {"observed_rate", "training_accuracy"}
    assert pruned[-1][1] == 0


def test_a_finished_run_is_not_done_again(dataset, tiny, compared):
    first = design(tiny, compared, dataset)
    heard = Heard()
    again = design(tiny, compared, dataset, heard)
    assert again.record == first.record
    assert heard.epochs == []


def test_one_dense_reference_serves_several_rates(dataset, tiny, tmp_path):
    design(tiny, tmp_path, dataset)
    heard = Heard()
    design(replace(tiny, rate=0.5), tmp_path, dataset, heard)
    assert len(heard.epochs) == 3


def test_the_same_seed_gives_the_same_network_and_another_seed_another(dataset, tiny, tmp_path):
    runs = [
        design(replace(tiny, seed=seed), tmp_path / folder, dataset).bundle.net
        for seed, folder in [(0, "a"), (0, "b"), (1, "c")]
    ]
    same, other = [torch.equal(runs[0].net.class_bias, run.net.class_bias) for run in runs[1:]]
    assert same
    assert not other


@pytest.mark.parametrize("threshold", ["empirical", "prior"])
@pytest.mark.parametrize("prior", ["gaussian", "laplace", "uniform"])
def test_every_prior_and_threshold_meets_the_budget_exactly(
    prior, threshold, dataset, tiny, compared
):
    config = replace(tiny, prior=prior, threshold=threshold, alignment="kl")
    result = design(config, compared, dataset).record.result
    assert result["weights_kept"] == round((1 - config.rate) * result["weights"])


def test_a_layers_own_rate_and_an_exempt_layer_are_honoured(dataset, tiny, compared):
    config = replace(tiny, rate=0.5, exempt=("dense",), layer_rate=("attention=0.9",))
    outcome = design(config, compared, dataset)
    kept = {name: int((w != 0).sum()) for name, w in outcome.bundle.net.net.weights().items()}
    assert kept["dense"] > 0.9 * 6 * 30 * 8
    assert kept["attention"] == round(0.1 * 2 * 30 * 30)
    assert sum(kept.values()) <= round(0.5 * outcome.record.result["weights"])


def test_a_rate_that_keeps_no_path_is_refused_before_training(dataset, tiny, tmp_path):
    heard = Heard()
    with pytest.raises(BadInput, match=r"budget unreachable.*lower the rate"):
        design(replace(tiny, rate=0.999), tmp_path, dataset, heard)
    assert heard.epochs == []


def test_at_rate_099_the_output_still_depends_on_the_input_for_every_class(dataset, tmp_path):
    config = Config(steps=50, batch=48, heads=4, filters=16, chunks=4, rate=0.99)
    bundle = design(config, tmp_path, dataset).bundle
    signal = bundle.signal(list(dataset.sequences[:8])).requires_grad_()
    for k in range(len(dataset.classes)):
        (gradient,) = torch.autograd.grad(bundle.net(signal)[:, k].sum(), signal, retain_graph=True)
        # a path ends in a relu, which may be closed for these recordings, but never for all classes
        if gradient.abs().sum() > 0:
            break
    else:
        pytest.fail("no logit depends on the input")


def test_all_folds_are_expanded_by_name(dataset, tiny):
    assert [c.fold for c in all_folds(replace(tiny, fold="all"), dataset)] == list("12345")
    with pytest.raises(BadInput, match="has no fold '9'"):
        dataset.fold("9")


def test_by_default_it_trains_on_everything_and_says_training_accuracy(dataset, tiny, compared):
    record = design(tiny, compared, dataset).record
    assert record.data["validation"] == 0
    assert record.data["train"] == len(dataset.fold(tiny.fold).train)
    assert "training_accuracy" in record.history[0]


def test_what_is_held_out_is_watched_and_not_learned_from(dataset, tiny, tmp_path):
    record = design(replace(tiny, validation=0.2), tmp_path, dataset).record
    assert record.data["validation"] >= 0.2 * (record.data["train"] + record.data["validation"])
    assert "validation_accuracy" in record.history[0]


def test_validation_holds_out_whole_groups_and_nothing_of_the_test_part(dataset, tiny):
    from bandstop.data.protocols import hold_out

    for fold in dataset.folds:
        inner = hold_out(fold, dataset.sequences, 0.1, seed=3)
        groups = [{dataset.sequences[i].group for i in part} for part in (inner.train, inner.test)]
        assert not groups[0] & groups[1]
        assert set(inner.train) | set(inner.test) == set(fold.train)
        assert inner.test


def test_a_full_disk_leaves_no_half_written_file_and_one_sentence(
    dataset, tiny, tmp_path, monkeypatch
):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Failure, match="No space left on device"):
        design(tiny, tmp_path, dataset)
    left = [p.name for p in tmp_path.rglob("*") if p.is_file()]
    assert set(left) <= {".lock"}


def test_a_loss_that_is_not_finite_is_named(dataset, tiny, tmp_path):
    with pytest.raises(Failure, match=r"no longer finite.*lower the learning rate"):
        design(replace(tiny, method="dense", rate=0.0, learning_rate=1e18), tmp_path, dataset)


@pytest.mark.sbu
@pytest.mark.skipif(not SBU.is_dir(), reason="the SBU recordings are not beside the checkout")
def test_on_the_real_recordings_a_short_run_recognises_most_of_fold_5(tmp_path):
    data: Dataset = load("sbu", SBU)
    assert [len(f.test) for f in data.folds] == [55, 52, 56, 54, 65]
    config = Config(data=f"sbu:{SBU}", fold="5", steps=100, rate=0.9)
    result = design(config, tmp_path, data).record.result
    assert result["weights_kept"] == round(0.1 * 43040)
    assert result["accuracy"] > 0.8


def test_the_recorded_latents_are_those_before_the_mask_was_applied(dataset, tiny, compared):
    record = design(tiny, compared, dataset).record
    counts = np.sum(list(record.latents["counts"].values()), axis=0)
    assert counts.sum() == record.result["weights"]
    assert counts[59:61].sum() < 0.5 * counts.sum()  # no spike of zeros
