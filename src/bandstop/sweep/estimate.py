"""What a plan would take: time by timing a few real steps, disk by counting what a run writes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch

from bandstop.data import Dataset
from bandstop.job import stack_key
from bandstop.job.batches import Batches
from bandstop.job.machine import calm_torch, device_named
from bandstop.job.memory import weights_of
from bandstop.job.networks import example_of, new_network
from bandstop.job.task import Task
from bandstop.method import METHODS, Pruning
from bandstop.record import Config
from bandstop.train import Alone, Clock, Learner, adam, train

STEPS = 6
OTHER_BYTES = 60_000
"""Of a run: record, log and configuration, about."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of all runs together, at `jobs` at a time, and bytes on the disk."""

    seconds: float
    bytes: int


def seconds_a_step(config: Config, dataset: Dataset) -> float:
    """The median of a few steps of this run on this machine, the first of them not counted."""
    with calm_torch():
        device = device_named(config.device)
        task = Task.of(dataset, replace(config, fold=dataset.folds[0].name), device)
        net = new_network(task, device)
        pruning, times = Pruning(net, config, example_of(config, dataset)), []

        def before_step(step: int) -> None:
            times.append(time.perf_counter())
            pruning.before_step(step)

        clock = Clock(STEPS + 1)
        learner = Learner(net, pruning.objective(), adam(net, 1e-3))
        train(
            Alone(learner), Batches([task]), clock, 1e-3, before_step,
            observe=lambda: [{}], after_epoch=lambda epochs: None,
        )  # fmt: skip
        if device.type == "cuda":
            torch.cuda.synchronize()
    gaps = [b - a for a, b in pairwise(times[1:])]
    return statistics.median(gaps)


def estimate(todo: Sequence[Config], dataset: Dataset, jobs: int) -> Estimate:
    """Runs alike but for fold, seed and rate are timed once; those that do not train cost nothing."""
    trained = {c: stack_key(c) for c in todo if METHODS[c.method].trains}
    kinds = {kind: config for config, kind in trained.items()}
    pace = {kind: seconds_a_step(config, dataset) for kind, config in kinds.items()}
    seconds = sum(pace[kind] * config.steps for config, kind in trained.items())
    return Estimate(seconds / jobs, sum(_bytes(c, dataset) for c in todo))


def _bytes(config: Config, dataset: Dataset) -> int:
    """Checkpoint (weights and two moments), bundle, record."""
    weights = weights_of(config, dataset)
    checkpoint = 3 * 4 * weights if METHODS[config.method].trains else 0
    bundle = round(4 * weights * (1 - config.rate)) + weights // 8
    return checkpoint + bundle + OTHER_BYTES
