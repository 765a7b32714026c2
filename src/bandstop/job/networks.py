"""What is trained: our network, or the one that a method is to be compared with."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bandstop.job.batches import stream
from bandstop.job.task import Task
from bandstop.method import METHODS
from bandstop.nn import AttentionGCN, Network
from bandstop.nn.graph_gcn import GraphGCN


def new_network(task: Task, device: torch.device) -> Network:
    """The network at its seeded start: ours, or the one that a method is to be compared with."""
    generator = torch.Generator().manual_seed(stream(task.config.seed, -1))
    if (kind := METHODS[task.config.method].network) is not None:
        edges = both_ways(task.dataset.skeleton.node_bones)
        return GraphGCN(kind, task.shape, edges, generator).to(device)
    return AttentionGCN(task.shape, generator).to(device)


def both_ways(bones: Sequence[tuple[int, int]]) -> Tensor:
    """(2, edges): every bone from parent to child, then every bone back."""
    one_way = torch.tensor(bones, dtype=torch.long).reshape(-1, 2).t()
    return torch.cat([one_way, one_way.flip(0)], dim=1)
