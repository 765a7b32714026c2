"""Learning from dense networks that were trained before."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from bandstop.data import load
from bandstop.errors import BadInput
from bandstop.job import design, design_together, run_folder
from bandstop.job.networks import new_network
from bandstop.job.task import Task
from bandstop.job.taught import Taught
from bandstop.objective import NO_LABEL
from bandstop.record import Config

SMALL = Config(
    data="synthetic:gestures", steps=20, batch=40, heads=2, filters=6, chunks=3, rate=0.8,
    distil=0.7, teachers=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def dataset():
    return load("synthetic", "gestures")


def test_the_teachers_are_dense_runs_that_are_made_first_and_shared(tmp_path, dataset):
    outcome = design(SMALL, tmp_path, dataset)
    folders = {run_folder(each, dataset, tmp_path).path.name for each in SMALL.taught_by}
    assert len(folders) == 2
    assert folders < {path.name for path in tmp_path.iterdir()}
    again = design(replace(SMALL, rate=0.9), tmp_path, dataset)
    assert again.record.result["accuracy"] is not None
    assert outcome.record.config["distil"] == 0.7


def test_what_they_say_is_the_mean_of_their_probabilities(dataset):
    task = Task.of(dataset, SMALL, torch.device("cpu"))
    nets = [
        [new_network(replace(task, config=replace(SMALL, seed=s + run)), torch.device("cpu")) for s in (1, 2)]
        for run in range(2)
    ]  # fmt: skip
    signals = torch.randn(2, 5, *task.description.size)
    labels = torch.tensor([[0, 1, 2, NO_LABEL, 0], [1, 1, 1, 1, 1]])
    config = replace(SMALL, temperature=2.0)
    both = Taught(lambda step: (signals, labels), nets, config)
    with torch.no_grad():
        expected = torch.stack(
            [
                torch.stack([(net(x) / 2).softmax(1) for net in own]).mean(0)
                for own, x in zip(nets, signals, strict=True)
            ]
        )
    assert torch.allclose(both.say(signals), expected, atol=1e-6)
    alone = Taught(lambda step: (signals[1:], labels[1:]), nets[1:], config)
    assert torch.allclose(alone.say(signals[1:]), expected[1:], atol=1e-6)
    _, parts = both(0)
    assert torch.allclose(parts.sum((-1, -2)), (labels != NO_LABEL).float())


@pytest.mark.parametrize("method", ["pmp", "mrmp", "gradual", "mp-finetune", "dense"])
def test_every_kind_of_training_can_be_taught(method, tmp_path, dataset):
    outcome = design(replace(SMALL, method=method).canonical(), tmp_path, dataset)
    assert all(math.isfinite(row["cross_entropy"]) for row in outcome.record.history)


def test_runs_of_two_folds_are_taught_together_as_each_alone(tmp_path, dataset):
    configs = [replace(SMALL, fold=fold) for fold in ("1", "2")]
    together = design_together(configs, tmp_path / "a", dataset)
    alone = [design(config, tmp_path / "b", dataset) for config in configs]
    for one, other in zip(together, alone, strict=True):
        a, b = (o.record.history[-1]["cross_entropy"] for o in (one, other))
        assert a == pytest.approx(b, abs=0.02)


def test_the_dense_reference_is_taught_by_nobody():
    assert SMALL.dense().distil == 0
    assert Config(method="mp", distil=0.5).canonical().distil == 0
    with pytest.raises(BadInput, match="teachers must be a whole number from 1"):
        Config(teachers=0)
