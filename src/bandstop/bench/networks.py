"""The networks that are compared: what a bundle holds, the same in its first size, and a dense one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from bandstop.bundle import Bundle
from bandstop.bundle.nets import Net
from bandstop.graph import GraphNet
from bandstop.nn import AttentionGCN, CompactGCN, Shape

LARGEST = 2**26
"""Weights of the largest network that is made again on a bundle's word alone."""


@dataclass(frozen=True, eq=False)
class Networks:
    """pruned   the bundle's
    masked   the same function with its zeros stored, in the size that the training began with
    dense    of that size, with no zero at all: only its speed means anything
    known    False where the bundle does not say that size, and what is left is taken
    """

    pruned: Net
    masked: Net
    dense: Net
    known: bool

    def __getitem__(self, name: str) -> Net:
        return {"pruned": self.pruned, "masked": self.masked, "dense": self.dense}[name]


def first_shape(net: CompactGCN, facts: Mapping[str, Any]) -> tuple[Shape, bool]:
    """The size before pruning: what the provenance says, or else what is left."""
    small = net.shape
    config = facts.get("provenance", {}).get("config", {})
    size = net.nodes, net.all_features
    heads, filters = config.get("heads"), config.get("filters")
    whole = type(heads) is int and type(filters) is int
    if whole and heads >= small.heads and filters >= small.filters:
        before = Shape(heads, *size, filters, small.classes, small.fusion)
        if before.weights <= LARGEST:
            return before, True
    return Shape(small.heads, *size, small.filters, small.classes, small.fusion), False


def _without_zeros(net: GraphNet) -> GraphNet:
    """The same graph with weights drawn at random."""
    random = torch.Generator().manual_seed(0)
    drawn = {n: torch.randn(t.shape, generator=random) / max(1, t[0].numel()) ** 0.5
             for n, t in net.tensors.items() if t.ndim >= 2}  # fmt: skip
    return GraphNet(net.graph_now.with_tensors(drawn)).eval().requires_grad_(False)


@torch.no_grad()
def networks(bundle: Bundle) -> Networks:
    """All three, of one bundle."""
    net = bundle.net
    if isinstance(net, GraphNet):
        return Networks(net, net, _without_zeros(net), False)
    shape, known = first_shape(net, bundle.facts)
    small, own = net.shape, net.net.weights()
    masked = AttentionGCN(shape, scales=dict.fromkeys(shape.tensors, 1.0))
    place = {name: getattr(masked, name).data.zero_() for name in shape.tensors}
    heads, filters, outputs = (slice(n) for n in (small.heads, small.filters, small.outputs))
    place["attention"][heads, outputs, :].index_copy_(2, net.joints, own["attention"])
    place["filters"][heads, :, filters].index_copy_(1, net.features, own["filters"])
    before = shape.heads if shape.fusion == "concat" else 1
    left = small.heads if shape.fusion == "concat" else 1
    table = torch.arange(shape.channels).view(before, shape.filters)[:left, filters].flatten()
    place["dense"][table, outputs] = own["dense"]
    masked.filter_bias[table] = net.net.filter_bias
    masked.class_bias.copy_(net.net.class_bias)
    dense = AttentionGCN(shape, torch.Generator().manual_seed(0))
    return Networks(
        net,
        CompactGCN.whole(masked).eval().requires_grad_(False),
        CompactGCN.whole(dense).eval().requires_grad_(False),
        known,
    )
