"""Delivery: from a trained network to a verified bundle and a record of everything."""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bandstop import gate, prune
from bandstop.bundle import Bundle, Order
from bandstop.bundle.nets import Net, sizes_of
from bandstop.graph import GraphNet
from bandstop.job.machine import environment
from bandstop.job.networks import example_of
from bandstop.job.task import Task
from bandstop.job.training import Trained
from bandstop.job.whole import Whole, whole_of
from bandstop.measure import (
    confusion,
    predictions,
    require_agreement,
    scores,
    wrong,
)
from bandstop.nn import Network
from bandstop.record import Config, Record, RunFolder, pack, write_record
from bandstop.text import shown

BEYOND = (0.985, 0.99, 0.995)
"""Rates above the highest that was trained, at which a network of many rates is shown to fall."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A finished run: its record, where it lies, and the delivered model."""

    record: Record
    folder: RunFolder
    bundle: Bundle


@dataclass(frozen=True, eq=False)
class Examined:
    """A delivered network on the test part: what it says, and how far it is from the masked one.

    scores  accuracy and mean_class_accuracy, None where there is nothing to test on, and the places of
            the test sequences that are named `wrong`
    """

    net: Net
    predicted: Tensor
    scores: dict[str, Any]
    error: float


def deliver(
    task: Task, trained: Trained, folder: RunFolder, device: torch.device, dense: Outcome | None
) -> Outcome:
    """Compact, verify, evaluate, write: bundle first, record last, so a record means a whole run.

    What is delivered for many rates is examined at each of them; the record's own figures are those of
    the highest.
    """
    start = time.perf_counter()
    config, dataset = task.config, task.dataset
    # copies: baking writes zeros into the parameters themselves
    latents = {name: v.detach().cpu().clone() for name, v in gate.prunable(trained.net).items()}
    gate.bake(trained.net, trained.masks)
    whole = whole_of(trained.net.cpu().eval(), example_of(config, dataset))
    masks = {name: m.cpu() for name, m in trained.masks.items()}
    ranks = None if trained.ranks is None else {n: r.cpu() for n, r in trained.ranks.items()}
    if ranks is None:
        net, kept = whole.small(masks)
        bundle = delivered = _bundle(task, whole, net, None, kept, device)
        found, by_rate = examine(whole.net, net, task), []
    else:
        net, there = whole.ordered(masks, ranks)
        order = Order(there, whole.weights, config.seen_rates[0], config.seen_rates[-1])
        delivered = _bundle(task, whole, net, order, None, device)
        examined = {rate: at_rate(whole, delivered, ranks, rate, task) for rate in rates_of(config)}
        bundle, found = examined[config.rate]
        by_rate = [
            {"rate_target": rate, "seen": rate in config.seen_rates} | e.scores | sizes(b, whole)
            for rate, (b, e) in examined.items()
        ]
        masks = prune.masks_at(ranks, prune.kept_at(config.rate, whole.weights))
    delivered = _with_accuracy(delivered, found.scores["accuracy"])
    delivered.save(folder.bundle)
    result: dict[str, Any] = (
        {
            "method": config.method,
            "rate_target": config.rate,
            "rate_observed": trained.observed,
            "weights": whole.weights,
            "macs_dense": whole.macs,
            "bytes_dense": dense.record.result["bytes"] if dense else delivered.bytes,
            "accuracy_dense": (dense.record.result if dense else found.scores)["accuracy"],
            "relative_error": found.error,
            "parts": whole.parts(found.net),
            "note": "; ".join(filter(None, [trained.note, task.untested])) or None,
            "by_rate": by_rate,
            "seconds": round(trained.seconds + time.perf_counter() - start, 2),
            "run": shown(folder.path),
        }
        | found.scores
        | sizes(bundle if by_rate else delivered, whole)
    )
    labels = task.test.labels.cpu()
    record = Record(
        config=config.to_dict(),
        data=task.facts,
        skeleton=dataset.skeleton.to_dict(),
        environment=environment(device),
        history=trained.history,
        result=result,
        confusion=confusion(found.predicted, labels, len(dataset.classes)),
        latents=_histograms(latents),
        masks={name: pack(m.numpy()) for name, m in masks.items()},
        live_nodes=whole.nodes_read(found.net),
    )
    write_record(folder.record, record)
    return Outcome(record, folder, delivered)


def _bundle(
    task: Task,
    whole: Whole,
    net: Net,
    order: Order | None,
    kept: int | None,
    device: torch.device,
) -> Bundle:
    config, dataset = task.config, task.dataset
    count = sizes_of(net, kept)["weights_kept"]
    facts = {
        "method": config.method,
        "rate": 1 - count / whole.weights,
        "provenance": {
            "config": config.to_dict() | {"data": shown(config.data)},  # a path may hold anything
            "data": dataset.name,
            "fingerprint": dataset.fingerprint,
            "fold": task.fold.name,
            "environment": environment(device),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
        },
    }
    if kept is not None:
        facts["weights_kept"] = kept
    return Bundle(
        net.requires_grad_(False),
        task.description,
        task.normalisation.to("cpu"),
        dataset.classes,
        facts,
        order,
    )


def _with_accuracy(bundle: Bundle, value: float | None) -> Bundle:
    """The bundle with its accuracy on the test part among its facts: of many rates, at the highest."""
    if value is None:
        return bundle
    facts = {**bundle.facts, "accuracy": value}
    return Bundle(
        bundle.net, bundle.description, bundle.normalisation, bundle.classes, facts, bundle.order
    )


def examine(masked: Network, small: Net, task: Task) -> Examined:
    """Errors: Failure where the compacted network is not the masked one, on the test part and on noise."""
    test = task.test.signals.cpu()
    noise = torch.randn(64, *test.shape[1:], generator=torch.Generator().manual_seed(0))
    signals, words = torch.cat([test, noise]), "masked and compacted network"
    if isinstance(small, GraphNet):  # deep enough for single precision to differ from itself
        one, other = copy.deepcopy(masked).double(), copy.deepcopy(small).double()
        error = require_agreement(one, other, signals.double(), words)
    else:
        error = require_agreement(masked, small, signals, words)
    predicted = predictions(small, test)
    labels = task.test.labels.cpu()
    found = scores(predicted, labels) | {"wrong": wrong(predicted, labels)}
    return Examined(small, predicted, found, error)


def at_rate(
    whole: Whole, bundle: Bundle, ranks: dict[str, Tensor], rate: float, task: Task
) -> tuple[Bundle, Examined]:
    """The bundle of one rate, taken out of that of many, and how it does."""
    part, alone = bundle.at(rate, force=True), copy.deepcopy(whole.net)
    gate.bake(alone, prune.masks_at(ranks, prune.kept_at(rate, whole.weights)))
    return part, examine(alone, part.net, task)


def rates_of(config: Config) -> list[float]:
    """Those that were trained, every whole percent between them, and a few beyond."""
    seen = config.seen_rates
    percents = [p / 100 for p in range(100) if seen[0] <= p / 100 <= seen[-1]]
    return sorted({*seen, *percents, *(rate for rate in BEYOND if rate > seen[-1])})


def sizes(bundle: Bundle, whole: Whole) -> dict[str, Any]:
    """What is left of the network, and what it costs."""
    found = bundle.sizes
    return {"rate": 1 - found["weights_kept"] / whole.weights, **found, "bytes": bundle.bytes}


def _histograms(latents: dict[str, torch.Tensor]) -> dict[str, Any]:
    """Counts of the latents by tensor on 120 bins from -6 to 6; what lies beyond is in the end bins."""
    edges = np.linspace(-6, 6, 121)
    counts = {
        name: np.histogram(v.numpy().clip(-5.999, 5.999), edges)[0].tolist()
        for name, v in latents.items()
    }
    return {"edges": edges.round(6).tolist(), "counts": counts}
