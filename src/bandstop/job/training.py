"""One training from its first step, or its last checkpoint, to the final masks."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import Any

import torch

from bandstop.errors import Failure
from bandstop.files import write_atomically
from bandstop.job.listener import Listener
from bandstop.job.task import Task, stream
from bandstop.measure import accuracy, predictions
from bandstop.method import Pruning
from bandstop.nn import AttentionGCN
from bandstop.prune import Masks
from bandstop.record import RunFolder, run_identity
from bandstop.train import (
    Clock,
    Epoch,
    adam,
    read_checkpoint,
    restore_checkpoint,
    save_checkpoint,
    train,
)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network with its masks; `seconds` counts all sessions of a resumed training."""

    net: AttentionGCN
    masks: Masks
    observed: float | None
    history: list[dict[str, float]]
    seconds: float


def new_network(task: Task, device: torch.device) -> AttentionGCN:
    """The network at its seeded start."""
    generator = torch.Generator().manual_seed(stream(task.config.seed, -1))
    return AttentionGCN(task.shape, generator).to(device)


def load_weights(net: AttentionGCN, folder: RunFolder) -> None:
    """Take over the weights that a finished dense run left in its checkpoint."""
    saved = read_checkpoint(folder.checkpoint)
    if saved is None:
        raise Failure(
            f"{folder.checkpoint} is missing or damaged; delete {folder.path} and run again"
        )
    restore_checkpoint(saved, net, adam(net, 1.0))


def train_network(
    task: Task, folder: RunFolder, device: torch.device, listener: Listener
) -> Trained:
    """Train with the configured method; resume from the folder's checkpoint if there is a fitting one."""
    config = task.config
    start = time.perf_counter()
    net = new_network(task, device)
    optimiser = adam(net, config.learning_rate)
    pruning = Pruning(net, config)
    clock = Clock(config.steps)
    history: list[dict[str, float]] = []
    first, before = 0, 0.0
    identity = run_identity(config.to_dict(), task.dataset.fingerprint)
    saved = read_checkpoint(folder.checkpoint)
    if saved is not None and saved.facts.get("run") == identity:
        facts = saved.facts
        pruning.restore(facts["pruning"])
        restore_checkpoint(saved, net, optimiser)
        pruning.loaded()
        first, history, before = facts["epoch"], facts["history"], facts["seconds"]
        listener.say(f"resumed after epoch {first} of {clock.epochs}")

    def observe() -> dict[str, float]:
        part, name = task.validation, "validation"
        if part is None:
            part, name = task.train, "training"
        net.eval()
        right = accuracy(predictions(net, part.signals), part.labels)
        net.train()
        return {"observed_rate": pruning.observed_rate(), f"{name}_accuracy": right}

    def after_epoch(epoch: Epoch) -> None:
        history.append(epoch.to_dict())
        spent = time.perf_counter() - start
        done = epoch.epoch + 1
        facts = {
            "run": identity,
            "epoch": done,
            "history": history,
            "seconds": before + spent,
            "pruning": pruning.facts(),
        }
        save_checkpoint(folder.checkpoint, net, optimiser, facts)
        write_log(folder, history)
        listener.epoch(epoch, spent / (done - first) * (clock.epochs - done))

    listener.begin(config, clock, first)
    try:
        train(
            net, optimiser, pruning.objective(), task.batch, clock, config.learning_rate,
            pruning.before_step, observe, after_epoch, first,
        )  # fmt: skip
    finally:
        listener.end()
    masks = pruning.finish()
    seconds = before + time.perf_counter() - start
    return Trained(net.eval(), masks, pruning.observed, history, seconds)


def take_dense(task: Task, dense: RunFolder, device: torch.device) -> Trained:
    """For a method that does not train: the dense reference's network, cut."""
    start = time.perf_counter()
    net = new_network(task, device)
    load_weights(net, dense)
    pruning = Pruning(net, task.config)
    masks = pruning.finish()
    return Trained(net.eval(), masks, pruning.observed, [], time.perf_counter() - start)


def write_log(folder: RunFolder, history: list[dict[str, Any]]) -> None:
    """One JSON object an epoch, for whoever plots it himself."""
    write_atomically(folder.log, "".join(json.dumps(row) + "\n" for row in history))
