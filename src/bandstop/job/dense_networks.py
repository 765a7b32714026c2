"""Dense networks of other makes beside ours: made, trained and recorded, without a bundle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bandstop.job.machine import environment
from bandstop.job.task import Task
from bandstop.measure import accuracy, confusion, predictions
from bandstop.nn.graph_gcn import GraphGCN
from bandstop.record import Record, RunFolder, write_record

if TYPE_CHECKING:
    from bandstop.job.deliver import Outcome
    from bandstop.job.training import Trained

FLOAT = 4
"""Bytes of a parameter."""


def edges_of(task: Task) -> Tensor:
    """(2, edges): every bone of every body, both ways."""
    skeleton = task.dataset.skeleton
    joints = len(skeleton.joints)
    bones = [
        (b * joints + i, b * joints + j) for b in range(skeleton.bodies) for i, j in skeleton.bones
    ]
    one_way = torch.tensor(bones, dtype=torch.long).reshape(-1, 2).t()
    return torch.cat([one_way, one_way.flip(0)], dim=1)


def graph_network(kind: str, task: Task, generator: torch.Generator) -> GraphGCN:
    """The network on the skeleton's graph, at its seeded start."""
    return GraphGCN(kind, task.shape, edges_of(task), generator)


def record_dense(
    task: Task, trained: Trained, folder: RunFolder, device: torch.device, dense: Outcome
) -> Record:
    """Evaluate and write the record. Its bytes are those of the parameters, for there is no bundle; it
    has no masks, and no latents that others could be compared with."""
    start, net = time.perf_counter(), trained.net.cpu()
    assert isinstance(net, GraphGCN)
    config, dataset = task.config, task.dataset
    predicted = predictions(net, task.test.signals.cpu())
    labels = task.test.labels.cpu()
    size = FLOAT * sum(p.numel() for p in net.parameters())
    record = Record(
        config=config.to_dict(),
        data=task.facts,
        skeleton=dataset.skeleton.to_dict(),
        environment=environment(device),
        history=trained.history,
        result={
            "method": config.method,
            "rate_target": config.rate,
            "rate_observed": None,
            "rate": 0.0,
            "weights": net.weights,
            "weights_kept": net.weights,
            "macs_dense": dense.record.result["macs_dense"],
            "macs": net.macs,
            "macs_sparse": net.macs,
            "bytes_dense": dense.record.result["bytes"],
            "bytes": size,
            "accuracy_dense": dense.record.result["accuracy"],
            "accuracy": accuracy(predicted, labels),
            "relative_error": 0.0,
            "parts": {},
            "note": "a dense network to compare with: no bundle; bytes are those of its parameters",
            "by_rate": [],
            "seconds": round(trained.seconds + time.perf_counter() - start, 2),
            "run": str(folder.path),
        },
        confusion=confusion(predicted, labels, len(dataset.classes)),
        latents={"edges": [-1.0, 1.0], "counts": {}},
        masks={},
        live_nodes=list(range(dataset.skeleton.nodes)),
    )
    write_record(folder.record, record)
    return record
