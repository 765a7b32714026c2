"""Dense networks of other makes beside ours: a record, and no bundle."""

from __future__ import annotations

import time

import torch

from bandstop.job.machine import environment
from bandstop.job.task import Task
from bandstop.job.training import Trained
from bandstop.measure import confusion, predictions, scores, wrong
from bandstop.nn.graph_gcn import GraphGCN
from bandstop.record import Record, RunFolder, write_record
from bandstop.text import shown

FLOAT = 4
"""Bytes of a parameter."""


def record_dense(
    task: Task, trained: Trained, folder: RunFolder, device: torch.device, dense: Record
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
            "macs_dense": dense.result["macs_dense"],
            "macs": net.macs,
            "macs_sparse": net.macs,
            "bytes_dense": dense.result["bytes"],
            "bytes": size,
            "accuracy_dense": dense.result["accuracy"],
            "relative_error": 0.0,
            "parts": {},
            "note": "a dense network to compare with: no bundle; bytes are those of its parameters",
            "by_rate": [],
            "seconds": round(trained.seconds + time.perf_counter() - start, 2),
            "run": shown(folder.path),
        }
        | scores(predicted, labels)
        | {"wrong": wrong(predicted, labels)},
        confusion=confusion(predicted, labels, len(dataset.classes)),
        latents={"edges": [-1.0, 1.0], "counts": {}},
        masks={},
        live_nodes=list(range(dataset.skeleton.nodes)),
    )
    write_record(folder.record, record)
    return record
