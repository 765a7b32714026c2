"""How large a signal may be so that nothing can overflow, whoever computes the network and in what order."""

from __future__ import annotations

import torch

from bandstop.nn.attention_gcn import AttentionGCN

LARGEST = 2.0**64
"""Of any network: far beyond every recording, and squares of it still fit into a float32."""
ROOM = 2.0**120
"""What intermediate values may grow to; the 2^8 to the largest float32 are for sums of several terms
and for weights that are rounded to 8 bits, at most to twice their size."""


@torch.no_grad()
def reach(net: AttentionGCN) -> float:
    """The largest |signal| that every engine takes: min(2^64, 2^120 / (a w d b c)).

    a, w, d are the largest sums of |weights| that meet in one output of each tensor, b and c the
    largest |bias|es, all at least 1. Every partial sum of (A U) W, A (U W) or the products multiplied
    out is at most a w max|U|, and of the dense layer d times that, biases added. Below 1 where the
    weights are so large that even that may overflow; NaN for weights that are.
    """
    w = {name: weight.double().abs() for name, weight in net.weights().items()}
    parts = (
        w["attention"].sum(dim=2),
        w["filters"].sum(dim=(0, 1)),
        w["dense"].sum(dim=(0, 1)),
        net.filter_bias.double().abs(),
        net.class_bias.double().abs(),
    )
    gain = torch.stack([part.max().clamp(min=1) for part in parts]).prod()
    return float((ROOM / gain).clamp(max=LARGEST))
