"""Which runs are trained together as one batched computation, and how many at a time."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from bandstop.data import Dataset
from bandstop.errors import BadInput
from bandstop.job import stack_key
from bandstop.job.machine import device_named
from bandstop.job.memory import bytes_of_a_step
from bandstop.record import Config

MOST = 64
"""Runs in a stack on a GPU, memory permitting."""


def stacks(todo: Sequence[Config], dataset: Dataset, size: int = 0) -> list[list[Config]]:
    """The runs in groups of those that can be trained together, in the order given.

    size  runs in a group at most; 0: one on a CPU, where a single run fills a core already
          (docs/decisions/0005), as many as memory allows on a GPU, at most 64
    """
    if size < 0:
        raise BadInput(f"stack must be at least 0, not {size}")
    alike: dict[Config, list[Config]] = {}
    for config in todo:
        alike.setdefault(stack_key(config), []).append(config)
    groups = []
    for runs in alike.values():
        single = not runs[0].closed  # layers that know no run axis
        most = 1 if single else size or _fitting(runs[0], dataset)
        count = -(-len(runs) // most)
        groups += [runs[i::count] for i in range(count)]  # of nearly equal length
    return groups


def _fitting(config: Config, dataset: Dataset) -> int:
    device = device_named(config.device)
    if device.type == "cpu":
        return 1
    free, _ = torch.cuda.mem_get_info(device)
    return max(1, min(MOST, free // 2 // bytes_of_a_step(config, dataset, config.batch)))
