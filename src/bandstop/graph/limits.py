"""How large an input may be so that nothing in a graph can overflow."""

from __future__ import annotations

import torch

from bandstop.graph.graph import Graph
from bandstop.graph.run import values

LARGEST, ROOM = 2.0**64, 2.0**120
"""The largest input of any network; what values may grow to, with 2^8 to the largest float32 left."""


@torch.no_grad()
def largest_input(graph: Graph) -> float:
    """The largest power of two, up to 2^64, that inputs may have so that no value exceeds 2^120.

    Parameters
    ----------
    graph : of which network

    Returns
    -------
    float
        0 where even inputs of 1 may exceed it. Judged by a run in double precision with the magnitudes of
        all weights on inputs that are all as large: a bound for sums, products and functions that grow
        with their argument; where a network divides, an estimate (our choice).
    """
    tensors = {name: t.double().abs() for name, t in graph.tensors.items() if t.is_floating_point()}
    bound = graph.with_tensors({**graph.tensors, **tensors})
    size = LARGEST
    while size >= 1.0:
        inputs = [torch.full(shape, size).double() for shape in graph.inputs.values()]
        found = values(bound, inputs)
        if all(bool((v.abs() <= ROOM).all()) for v in found.values()):
            return size
        size /= 2.0**4
    return 0.0
