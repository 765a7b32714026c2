"""Compaction: the same function with fewer weights. What is dead is removed, not stored as zero.

Heads, filters, features and nodes that no path uses disappear from the tensors' shapes; single weights
inside what stays remain zeros. A dead weight of the dense layer may still carry a constant (the relu of
a filter's bias), which moves into the class bias, so that nothing changes but rounding.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bandstop.nn import AttentionGCN, CompactGCN, Shape
from bandstop.prune.choose import Masks
from bandstop.prune.liveness import live


def masks_of(net: AttentionGCN) -> Masks:
    """Which weights of a baked network are not zero."""
    return {name: w.detach() != 0 for name, w in net.weights().items()}


@torch.no_grad()
def compact(net: AttentionGCN, masks: Mapping[str, Tensor] | None = None) -> CompactGCN:
    """The network that computes what `net` does with its weights masked, in the smallest tensors.

    `masks`: name -> 0/1, applied to the weights as the network uses them, gates included; default:
    what is not zero.
    Where nothing at all is alive, one weight of each kind is kept as a zero: a network that answers
    with its biases.
    """
    shape = net.shape
    masks = masks_of(net) if masks is None else masks
    alive = live({n: m.bool() for n, m in masks.items()}, shape)
    whole = net.weights()
    weights = {name: weight * alive[name] for name, weight in whole.items()}

    dead = masks["dense"].bool() & ~alive["dense"]
    constant = torch.relu(net.filter_bias)[:, None, None] * whole["dense"]
    class_bias = net.class_bias + (constant * dead).sum(dim=(0, 1))

    heads = _some(alive["attention"].any(2).any(1) & alive["filters"].any(2).any(1))
    outputs = _some(alive["dense"].any(2).any(0))
    joints = _some(alive["attention"].any(1).any(0))
    features = _some(alive["filters"].any(2).any(0))
    a = weights["attention"][heads][:, outputs][:, :, joints]
    w = weights["filters"][heads][:, features]
    if shape.fusion == "sum":
        channels = _some(alive["dense"].any(2).any(1))
        w = w[:, :, channels]
    else:
        # each head keeps its own filters; padded to the head that keeps most
        table = alive["dense"].any(2).any(1).view(shape.heads, shape.filters)[heads]
        count = max(1, int(table.sum(1).max()))
        own = torch.argsort(table, dim=1, descending=True, stable=True)[:, :count]
        w = w.gather(2, own[:, None, :].expand(-1, w.shape[1], -1))
        channels = (heads[:, None] * shape.filters + own).flatten()
    small = AttentionGCN(
        Shape(
            heads=len(heads), nodes=len(joints), features=len(features), filters=w.shape[2],
            classes=shape.classes, fusion=shape.fusion, outputs=len(outputs),
        ),
        scales=dict.fromkeys(shape.tensors, 1.0),
    ).to(class_bias)  # fmt: skip
    d = weights["dense"][channels][:, outputs]
    for name, value in [("attention", a), ("filters", w), ("dense", d)]:
        getattr(small, name).copy_(value)
    small.filter_bias.copy_(net.filter_bias[channels])
    small.class_bias.copy_(class_bias)
    return CompactGCN(
        small, joints, features, nodes=shape.nodes, all_features=shape.features
    ).eval()


def _some(alive: Tensor) -> Tensor:
    """Indices of what is alive; the first where nothing is, for a tensor cannot be empty."""
    index = alive.nonzero().flatten()
    return index if len(index) else torch.zeros(1, dtype=torch.long, device=alive.device)
