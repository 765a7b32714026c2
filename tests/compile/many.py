"""Bundles of many rates, small and random."""

from __future__ import annotations

import torch
from hypothesis import strategies as st
from making import FUSIONS, normalisation, seeded

from bandstop.budget import Budget
from bandstop.bundle import Bundle, Order
from bandstop.data.describe import Description
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import NEVER, compact, compact_ranks, order_of

from .conftest import skeleton_of


def many_of(
    shape: Shape, description: Description, lowest: float, highest: float, seed: int = 0
) -> Bundle:
    """A random network whose weights are ranked by magnitude, live paths first."""
    generator = seeded(seed)
    net = AttentionGCN(shape, generator)
    with torch.no_grad():
        net.filter_bias.copy_(torch.randn(shape.channels, generator=generator))
        net.class_bias.copy_(torch.randn(shape.classes, generator=generator))
    scores = {n: getattr(net, n).detach().abs() for n in shape.tensors}
    ranks = order_of(scores, Budget(lowest), Budget(highest), shape)
    small = compact(net, {n: r < NEVER for n, r in ranks.items()})
    return Bundle(
        small.requires_grad_(False),
        description,
        normalisation(description, seed),
        tuple(f"class {c}" for c in range(shape.classes)),
        {"method": "mrmp", "rate": lowest},
        Order(compact_ranks(ranks, shape), shape.weights, lowest, highest),
    )


@st.composite
def many(draw: st.DrawFn) -> Bundle:
    """Of any sizes, large enough that a live path to every class fits into the highest rate."""
    joints = draw(st.sampled_from([3, 9, 17, 40]))
    description = Description(
        skeleton_of(joints, 1), chunks=draw(st.integers(1, 3)), speeds=draw(st.booleans())
    )
    nodes, features = description.size
    classes = draw(st.sampled_from([1, 2, 5, 17]))
    shape = Shape(
        heads=draw(st.integers(1, 3)),
        nodes=nodes,
        features=features,
        filters=draw(st.sampled_from([3, 8, 13])),
        classes=classes,
        fusion=draw(st.sampled_from(FUSIONS)),
    )
    highest = min(draw(st.sampled_from([0.6, 0.9, 0.98])), 1 - (3 * classes + 2) / shape.weights)
    lowest = draw(st.sampled_from([0.0, 0.3, 0.5]))
    return many_of(shape, description, min(lowest, highest), highest, draw(st.integers(0, 99)))
