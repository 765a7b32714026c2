"""A small graph computes what the whole one does, and what is dead is gone from it."""

from __future__ import annotations

import pytest
import torch
from graphs import graphs, inputs_of, masked, with_masks
from hypothesis import given, settings

from bandstop.graph import Graph, Node, run, shrink


def numbers(graph: Graph) -> int:
    gained = sum(t.numel() for n, t in graph.tensors.items() if n.endswith(".constant"))
    return sum(t.numel() for t in graph.tensors.values()) - gained


def require_same(whole: Graph, small: Graph, dtype: torch.dtype, allowed: float) -> None:
    whole, small = (
        g.with_tensors({n: t.to(dtype) for n, t in g.tensors.items()}) for g in (whole, small)
    )
    for batch in (1, 2, 5):
        inputs = inputs_of(whole, batch, dtype=dtype)
        for there, now in zip(run(whole, inputs), run(small, inputs), strict=True):
            assert now.shape == there.shape
            assert now.dtype == dtype
            assert (there - now).abs().max() <= allowed * max(1.0, float(there.abs().max()))


def require_small(case) -> None:
    whole = with_masks(*case)
    small = shrink(whole)
    require_same(whole, small, torch.double, 1e-10)
    assert numbers(small) <= numbers(whole)
    low = whole.with_tensors({n: t.float() for n, t in whole.tensors.items()})
    require_same(low, shrink(low), torch.float32, 1e-5)


@settings(max_examples=150)
@given(masked())
def test_a_small_graph_computes_the_same(case):
    require_small(case)


@pytest.mark.slow
@settings(max_examples=1000)
@given(masked())
def test_a_thousand_small_graphs_compute_the_same(case):
    require_small(case)
