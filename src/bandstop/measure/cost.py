"""What a network costs: weights, multiply-accumulates (MACs), bytes. MACs are for one sequence.

Two counts are kept apart, for they answer different questions: what a dense runtime must compute with
the tensors as they are shaped, and what is left for a kernel that skips zeros.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from bandstop.nn import AttentionGCN, CompactGCN, Shape


def dense_macs(shape: Shape) -> int:
    """heads x features x outputs x nodes + heads x features x filters x outputs
    + channels x outputs x classes: the three products, zeros included, biases not.

    >>> dense_macs(Shape(heads=16, nodes=30, features=12, filters=128, classes=8))
    940800
    """
    attention = shape.heads * shape.features * shape.outputs * shape.nodes
    filters = shape.heads * shape.features * shape.filters * shape.outputs
    dense = shape.channels * shape.outputs * shape.classes
    return attention + filters + dense


@torch.no_grad()
def sparse_macs(net: AttentionGCN) -> int:
    """MACs with weights that are not zero, in the order (A U) W, D.

    An attention weight works once for each feature that its head's filters read; a filter weight once
    for each output that its head's attention reaches; a dense weight once.
    """
    weights = {name: w != 0 for name, w in net.weights().items()}
    attention, filters = weights["attention"], weights["filters"]
    features_read = filters.any(dim=2).sum(dim=1)
    outputs_reached = attention.any(dim=2).sum(dim=1)
    return int(
        (attention.sum(dim=(1, 2)) * features_read).sum()
        + (filters.sum(dim=(1, 2)) * outputs_reached).sum()
        + weights["dense"].sum()
    )


def kept_weights(net: AttentionGCN) -> int:
    """Prunable weights that are not zero."""
    return sum(int((w != 0).sum()) for w in net.weights().values())


def counted_macs(net: AttentionGCN | CompactGCN, signal: Tensor) -> int:
    """MACs of one forward pass a sequence, as torch's FlopCounterMode counts them: the cross-check."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net(signal)
    return counter.get_total_flops() // 2 // len(signal)
