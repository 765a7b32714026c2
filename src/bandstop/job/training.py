"""One training, or several together, from the first step or a checkpoint to the final masks."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from bandstop.errors import BadInput, Failure
from bandstop.files import write_atomically
from bandstop.job.batches import Batches
from bandstop.job.listener import Listener
from bandstop.job.machine import products
from bandstop.job.networks import example_of, new_network
from bandstop.job.task import Task
from bandstop.job.taught import Taught
from bandstop.measure import accuracy, predictions
from bandstop.method import Pruning, after_step, before_step
from bandstop.nn import Network
from bandstop.prune import Masks
from bandstop.record import RunFolder, run_identity
from bandstop.schema import (
    FRACTION,
    Any_,
    Fields,
    Many,
    Maybe,
    Named,
    Number,
    OneOf,
    Text,
    Whole,
)  # fmt: skip
from bandstop.train import (
    Alone,
    Checkpoint,
    Clock,
    Epoch,
    Learner,
    Stack,
    adam,
    read_checkpoint,
    restore_checkpoint,
    save_checkpoint,
    train,
)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network with its masks; `seconds` counts all sessions of a resumed training.

    ranks  of a method of many rates: which of what the masks keep stays at which rate
    """

    net: Network
    masks: Masks
    ranks: dict[str, Tensor] | None
    observed: float | None
    note: str | None
    history: list[dict[str, float]]
    seconds: float


def load_weights(net: Network, folder: RunFolder) -> None:
    """Take over the weights that a finished dense run left in its checkpoint."""
    saved = read_checkpoint(folder.checkpoint)
    if saved is None:
        raise Failure(
            f"{folder.checkpoint} is missing or damaged; delete {folder.path} and run again"
        )
    try:
        restore_checkpoint(saved, net, adam(net, 1.0))
    except BadInput as error:
        raise Failure(f"{folder.path}: {error}") from error


FACTS = Fields(
    {
        "run": Named(Any_()),
        "epoch": Whole(1, 10**9),
        "seconds": Number(0, 1e18),
        "history": Many(Named(Maybe(Number()))),
        "pruning": Fields(
            {"stage": OneOf(("open", "gated", "fixed")), "observed": Maybe(FRACTION)},
            {"note": Maybe(Text())},
        ),
    },
)
"""What a checkpoint says beside its tensors."""


@dataclass(eq=False)
class Training:
    """One run in the middle of its training: what it is made of and how far it has come.

    epoch   how many are made; before  seconds of earlier sessions
    """

    task: Task
    folder: RunFolder
    net: Network
    pruning: Pruning
    learner: Learner
    epoch: int = 0
    before: float = 0.0
    spent: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)

    @staticmethod
    def begin(task: Task, folder: RunFolder, device: torch.device) -> Training:
        """At its seeded start, or where the folder's checkpoint left it if there is a fitting one."""
        self = Training._new(task, folder, device)
        saved = read_checkpoint(folder.checkpoint)
        if saved is None or saved.facts.get("run") != self.identity:
            return self
        try:
            self._resume(saved)
        except BadInput:  # of this run, and yet not what this run writes
            return Training._new(task, folder, device)
        return self

    @staticmethod
    def _new(task: Task, folder: RunFolder, device: torch.device) -> Training:
        net = new_network(task, device)
        pruning = _pruning(net, task)
        # of the gates' parameters too
        optimiser = adam(
            net, task.config.learning_rate, task.config.weight_decay, pruning.tensors.values()
        )
        objective = replace(
            pruning.objective(), weights=task.class_weights, temperature=task.config.temperature
        )
        return Training(task, folder, net, pruning, Learner(net, objective, optimiser))

    def _resume(self, saved: Checkpoint) -> None:
        facts = saved.facts
        FACTS.check(facts)
        if not facts["epoch"] == len(facts["history"]) <= Clock(self.task.config.steps).epochs:
            raise BadInput(f"epoch {facts['epoch']} and {len(facts['history'])} rows of history")
        self.pruning.restore(facts["pruning"])
        restore_checkpoint(saved, self.net, self.learner.optimiser)
        self.pruning.loaded()
        self.epoch, self.history, self.before = facts["epoch"], facts["history"], facts["seconds"]

    @property
    def identity(self) -> dict[str, Any]:
        return run_identity(self.task.config.to_dict(), self.task.dataset.fingerprint)

    def observe(self) -> dict[str, float]:
        """The rate now, and the accuracy on what is held out (or learned from, if nothing is)."""
        part, name = self.task.validation, "validation"
        if part is None:
            part, name = self.task.train, "training"
        self.net.eval()
        right = accuracy(predictions(self.net, part.signals), part.labels)
        self.net.train()
        return {"observed_rate": self.pruning.observed_rate(), f"{name}_accuracy": right}

    def save(self, epoch: Epoch, spent: float) -> None:
        """Write checkpoint and log; `spent` is this session's share of seconds so far."""
        self.epoch, self.spent = epoch.epoch + 1, spent
        self.history.append(epoch.to_dict())
        facts: dict[str, Any] = {
            "run": self.identity,
            "epoch": self.epoch,
            "history": self.history,
            "seconds": self.before + spent,
            "pruning": self.pruning.facts(),
        }
        save_checkpoint(self.folder.checkpoint, self.net, self.learner.optimiser, facts)
        # one JSON object an epoch, for whoever plots it himself
        lines = (json.dumps(row) + "\n" for row in self.history)
        write_atomically(self.folder.log, "".join(lines))

    def finish(self) -> Trained:
        masks = self.pruning.finish()
        seconds = self.before + self.spent
        return Trained(
            self.net.eval(), masks, self.pruning.ranks, self.pruning.observed, self.pruning.note,
            self.history, seconds,
        )  # fmt: skip


def train_together(
    runs: Sequence[Training], listener: Listener, teachers: Sequence[Sequence[RunFolder]] = ()
) -> list[Trained]:
    """Train runs that stand at the same epoch and differ in fold, seed and rate alone, as one
    computation; a run by itself is trained the plain way. Seconds are shared out evenly.

    teachers  for each run the finished dense runs that it learns from; none where it does not
    """
    start = time.perf_counter()
    config, first = runs[0].task.config, runs[0].epoch
    clock = Clock(config.steps)
    if first:
        listener.say(f"resumed after epoch {first} of {clock.epochs}")

    def after_epoch(epochs: list[Epoch]) -> None:
        spent = time.perf_counter() - start
        for run, epoch in zip(runs, epochs, strict=True):
            run.save(epoch, spent / len(runs))
            listener.run_epoch(run.folder, epoch)
        done = epochs[0].epoch + 1
        listener.epoch(epochs[0], spent / (done - first) * (clock.epochs - done))

    batches: Callable[[int], tuple[Tensor, Tensor]] = Batches([run.task for run in runs])
    if config.distil > 0:
        batches = Taught(
            batches, [_nets(r.task, t) for r, t in zip(runs, teachers, strict=True)], config
        )
    learners = [run.learner for run in runs]
    prunings = [run.pruning for run in runs]
    listener.begin(config, clock, first)
    try:
        with products(config.precision):
            train(
                Alone(learners[0]) if len(runs) == 1 else Stack(learners),
                batches,
                clock,
                config.learning_rate,
                before_step=lambda step: before_step(prunings, step),
                observe=lambda: [run.observe() for run in runs],
                after_epoch=after_epoch,
                first_epoch=first,
                after_step=lambda step: after_step(prunings, step),
            )
    finally:
        listener.end()
    return [run.finish() for run in runs]


def _nets(task: Task, folders: Sequence[RunFolder]) -> list[Network]:
    """The trained networks of finished dense runs, on the task's device."""
    dense = replace(task, config=task.config.dense())
    nets = []
    for folder in folders:
        nets.append(new_network(dense, task.train.signals.device))
        load_weights(nets[-1], folder)
    return nets


def _pruning(net: Network, task: Task) -> Pruning:
    return Pruning(net, task.config, example_of(task.config, task.dataset))


def take_dense(task: Task, dense: RunFolder, device: torch.device) -> Trained:
    """For a method that does not train: the dense reference's network, cut."""
    start = time.perf_counter()
    net = new_network(task, device)
    load_weights(net, dense)
    pruning = _pruning(net, task)
    masks = pruning.finish()
    return Trained(
        net.eval(), masks, None, pruning.observed, pruning.note, [], time.perf_counter() - start,
    )  # fmt: skip
