"""Runs trained together are the runs made alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bandstop.errors import BadInput
from bandstop.job import Listener, design, design_together, stack_key
from bandstop.method import METHODS
from bandstop.sweep import Table, expand, sweep
from bandstop.sweep.stacks import stacks


@pytest.fixture
def three(base):
    cells = zip(("1", "2", "3"), (0, 1, 2), (0.5, 0.7, 0.9), strict=True)
    return [replace(base, steps=30, fold=f, seed=s, rate=r) for f, s, r in cells]


def close(one, other) -> None:
    a, b = load_file(one.folder.checkpoint), load_file(other.folder.checkpoint)
    assert a.keys() == b.keys()
    for name in a:
        assert torch.allclose(a[name].float(), b[name].float(), atol=1e-3), name
    assert one.record.masks == other.record.masks
    assert one.record.result["accuracy"] == other.record.result["accuracy"]
    assert one.record.result["weights_kept"] == other.record.result["weights_kept"]


def test_a_stack_gives_the_runs_that_are_made_alone(three, dataset, tmp_path):
    together = design_together(three, tmp_path / "together", dataset)
    for config, made in zip(three, together, strict=True):
        close(design(config, tmp_path / "alone", dataset), made)
        assert made.record.config == config.canonical().to_dict()


PRUNED = [name for name, m in METHODS.items() if m.cut is not None and m.trains and not m.many]


@pytest.fixture(scope="module")
def reference(base, dataset, tmp_path_factory) -> Path:
    """Runs of which there is the dense one alone."""
    runs = tmp_path_factory.mktemp("reference") / "runs"
    design(replace(base, steps=20).dense(), runs, dataset)
    return runs


@pytest.mark.parametrize("method", PRUNED)
def test_every_method_trains_several_rates_together_as_alone(
    method, base, dataset, reference, tmp_path
):
    together, alone = (shutil.copytree(reference, tmp_path / name) for name in ("a", "b"))
    rates = (0.5, 0.75, 0.96)
    runs = [replace(base, method=method, steps=20, rate=rate) for rate in rates]
    if METHODS[method].coarsest:
        with pytest.raises(BadInput, match="may differ in fold, seed"):
            design_together(runs, together, dataset)
        return
    for config, made in zip(runs, design_together(runs, together, dataset), strict=True):
        close(design(config, alone, dataset), made)


def test_runs_of_several_rates_are_a_stack_but_where_their_levels_follow_from_the_rate(base):
    for method in PRUNED:
        one, other = (replace(base, method=method, rate=rate) for rate in (0.5, 0.96))
        assert (stack_key(one) == stack_key(other)) != METHODS[method].coarsest, method


class StopsAfter(Listener):
    def __init__(self, epochs):
        self.left = epochs

    def epoch(self, epoch, seconds_left):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_a_stack_that_was_stopped_goes_on_alone_or_together(three, dataset, tmp_path):
    for folder in ("a", "b"):
        with pytest.raises(KeyboardInterrupt):
            design_together(three, tmp_path / folder, dataset, StopsAfter(4))
    # one run goes on by itself, so that the others stand at another epoch
    design(three[1], tmp_path / "a", dataset)
    rest = design_together(three, tmp_path / "a", dataset)
    whole = design_together(three, tmp_path / "b", dataset)
    for one, other in zip(rest, whole, strict=True):
        close(one, other)
        assert len(one.record.history) == len(other.record.history)


def test_only_runs_of_one_shape_are_stacked(base, dataset):
    plan = expand(
        base, Table(("dense", "mp-finetune", "pmp"), (0.5, 0.9), ("1", "2"), (0, 1)), dataset
    )
    groups = stacks(plan.rest, dataset, size=3)
    assert [len(g) for g in groups] == [3, 3, 2] * 2
    assert {c for g in groups for c in g} == set(plan.rest)
    assert all(len({c.method for c in g}) == 1 for g in groups)
    assert all(len(g) == 1 for g in stacks(plan.rest, dataset))  # a CPU


def test_runs_of_other_shapes_are_refused(base, dataset, tmp_path):
    with pytest.raises(BadInput, match="fold, seed and rate alone"):
        design_together([base, replace(base, filters=9)], tmp_path, dataset)


def test_a_stack_that_fails_does_not_cost_its_runs(base, dataset, tmp_path, monkeypatch):
    from bandstop.sweep import run as sweep_run

    def broken_together(configs, *rest):
        if len(configs) > 1:
            raise RuntimeError("out of memory")
        return design_together(configs, *rest)

    monkeypatch.setattr(sweep_run, "design_together", broken_together)
    plan = expand(base, Table(("pmp",), (0.5, 0.9), ("1",), (0,)), dataset)
    reasons = sweep_run._make(plan.rest, base.data, dataset.fingerprint, tmp_path)
    assert reasons == [None, None]


def test_a_worker_whose_recordings_are_not_those_of_the_sweep_says_so(base, dataset, tmp_path):
    from bandstop.sweep import run as sweep_run

    other = replace(dataset, skeleton=replace(dataset.skeleton, unit="furlong"))
    plan = expand(base, Table(("dense",), (), ("1",), (0,)), other)
    (reason,) = sweep_run._make(plan.dense, base.data, other.fingerprint, tmp_path)
    assert "holds other recordings here than where the sweep was begun" in reason
    assert not list(tmp_path.iterdir())


def test_a_sweep_in_stacks_has_every_record(base, dataset, tmp_path):
    plan = expand(base, Table(("mp", "pmp"), (0.5, 0.9), ("1", "2"), (0,)), dataset)
    done = sweep(plan, dataset, tmp_path, jobs=1, stack=8)
    assert done.failed == ()
    assert len(done.records) == len(plan.runs)
