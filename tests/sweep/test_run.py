"""A plan's runs are made side by side, once each, and one that fails does not cost the others."""

from __future__ import annotations

import os

import pytest
import torch
from safetensors.torch import load_file

from bandstop.errors import BadInput
from bandstop.files import locked
from bandstop.job import design, run_folder
from bandstop.sweep import Table, expand, look, pending, sweep

TABLE = Table(("dense", "mp", "pmp"), (0.5, 0.8), ("1", "2"), (0,))


def test_a_sweep_makes_every_run_and_a_second_one_none(base, dataset, tmp_path):
    plan = expand(base, TABLE, dataset)
    seen = []
    done = sweep(plan, dataset, tmp_path, jobs=2, watch=seen.append)
    assert len(done.records) == len(plan.runs) == 10
    assert done.failed == ()
    assert (seen[0].done, seen[-1].done) == (0, seen[-1].total)
    assert seen[-1].finished == 10
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("record.json")}
    again = sweep(plan, dataset, tmp_path, jobs=2)
    assert again.records == done.records
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("record.json")}


def test_a_run_of_a_sweep_is_the_run_made_alone_bit_for_bit(base, dataset, tmp_path):
    plan = expand(base, TABLE, dataset)
    sweep(plan, dataset, tmp_path / "many", jobs=2)
    config = plan.rest[-1]
    alone = design(config, tmp_path / "alone", dataset)
    together = run_folder(config, dataset, tmp_path / "many")
    one, other = load_file(alone.folder.bundle), load_file(together.bundle)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[k], other[k]) for k in one)


def test_a_sweep_goes_on_from_what_is_finished(base, dataset, tmp_path):
    plan = expand(base, TABLE, dataset)
    design(plan.rest[0], tmp_path, dataset)  # and its dense reference
    assert len(pending(plan.runs, dataset, tmp_path)) == 8
    assert len(sweep(plan, dataset, tmp_path, jobs=2).records) == 10


def test_a_run_that_fails_is_named_and_the_others_are_made(base, dataset, tmp_path):
    plan = expand(base, TABLE, dataset)
    broken = run_folder(plan.rest[0], dataset, tmp_path)
    tmp_path.mkdir(exist_ok=True)
    broken.path.write_text("a file where the run's folder should be")
    done = sweep(plan, dataset, tmp_path, jobs=2)
    assert [failed.config for failed in done.failed] == [plan.rest[0]]
    assert "choose another --runs" in done.failed[0].reason
    assert len(done.records) == 9


def test_two_sweeps_on_one_folder_are_kept_apart(base, dataset, tmp_path):
    plan = expand(base, TABLE, dataset)
    with locked(tmp_path), pytest.raises(BadInput, match=f"in use by process {os.getpid()}"):
        sweep(plan, dataset, tmp_path)


def test_a_log_that_is_not_utf_8_or_a_pipe_does_not_stop_a_sweep(base, dataset, tmp_path):
    plan = expand(base, Table(("mp",), (0.5,), ("1",), (0,)), dataset)
    folders = [run_folder(config, dataset, tmp_path) for config in plan.runs]
    for folder in folders:
        folder.path.mkdir(parents=True)
    folders[0].log.write_bytes(b"\xff\xfe\n" * 10**6)
    os.mkfifo(folders[1].log)
    assert look(plan, dataset, tmp_path).done == 1  # never more than the run's own epochs
    seen = []
    done = sweep(plan, dataset, tmp_path, jobs=1, watch=seen.append)
    assert len(done.records) == 2
    assert seen[-1].finished == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b"\xff"),
        lambda path: path.write_text(path.read_text().replace('"bytes": ', '"bytes": -')),
        lambda path: path.write_text("[" * 100_000),
    ],
)
def test_a_run_whose_record_is_no_good_is_made_again(damage, base, dataset, tmp_path):
    plan = expand(base, Table(("mp",), (0.5,), ("1",), (0,)), dataset)
    first = sweep(plan, dataset, tmp_path, jobs=1)
    damage(run_folder(plan.rest[0], dataset, tmp_path).record)
    assert pending(plan.runs, dataset, tmp_path) == [plan.rest[0]]
    again = sweep(plan, dataset, tmp_path, jobs=1)
    assert [r.confusion for r in again.records] == [r.confusion for r in first.records]


def test_a_record_of_another_version_is_a_failed_run_and_stays(base, dataset, tmp_path):
    plan = expand(base, Table(("mp",), (0.5,), ("1",), (0,)), dataset)
    sweep(plan, dataset, tmp_path, jobs=1)
    path = run_folder(plan.rest[0], dataset, tmp_path).record
    newer = path.read_text().replace('"version": 1', '"version": 2')
    path.write_text(newer)
    done = sweep(plan, dataset, tmp_path, jobs=1)
    assert [failed.config for failed in done.failed] == [plan.rest[0]]
    assert "version 2" in done.failed[0].reason
    assert len(done.records) == 1
    assert path.read_text() == newer
