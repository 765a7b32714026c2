"""What a graph costs: multiply-accumulates of one sample."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from bandstop.graph.graph import Graph
from bandstop.graph.operations import OPERATIONS
from bandstop.graph.reach import needed
from bandstop.graph.run import values

PRODUCTS = ("einsum", "convolve")
"""Operations that multiply and accumulate."""


@torch.no_grad()
def macs(graph: Graph, masks: Mapping[str, Tensor] | None = None) -> int:
    """Multiply-accumulates of all sums of products, for one sample.

    Parameters
    ----------
    graph : of which network
    masks : None counts every product, as a dense runtime computes them; else name -> which weights stay
        (an empty one: those that are not 0), and only products of what matters are counted

    Returns
    -------
    int
    """
    return round(sum(float(count) for count in _products(graph, masks).values()))


@torch.no_grad()
def uses(graph: Graph) -> dict[str, float]:
    """How many multiply-accumulates a weight of each tensor causes, on average.

    Parameters
    ----------
    graph : of which network

    Returns
    -------
    dict of str to float
        Tensors that no sum of products reads, directly or by way of other tensors, are left out.
    """
    tensors, roots = set(graph.tensors), {name: {name} for name in graph.tensors}
    for node in graph.nodes:
        if all(name in tensors for name in node.inputs):
            tensors.add(node.output)
            roots[node.output] = set().union(*(roots[name] for name in node.inputs))
    found: dict[str, float] = {}
    counts = _products(graph, None)
    for node in graph.nodes:
        if node.output not in counts or node.output in tensors:
            continue
        for name in set().union(*(roots.get(n, set()) for n in node.inputs)):
            each = float(counts[node.output]) / graph.tensors[name].numel()
            found[name] = found.get(name, 0.0) + each
    return found


def _products(graph: Graph, masks: Mapping[str, Tensor] | None) -> dict[str, Tensor]:
    """Node's output -> how many products of two numbers it adds up."""
    if masks is None:
        there = {name: torch.ones_like(v) for name, v in _values(graph).items()}
    else:
        there = needed(graph, masks)
    found = {}
    for node in graph.nodes:
        if node.operation in PRODUCTS and len(node.inputs) == 2:
            ones = [there[name].double() for name in node.inputs]
            found[node.output] = OPERATIONS[node.operation].run(ones, node.attributes, 1).sum()
    return found


def _values(graph: Graph) -> dict[str, Tensor]:
    like = next((t for t in graph.tensors.values() if t.is_floating_point()), torch.zeros(()))
    return values(graph, [torch.zeros(shape).to(like) for shape in graph.inputs.values()])
