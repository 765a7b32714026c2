"""Filters and dense layer in one go, where both skip single weights: h is never written down.

A channel's outputs fit into two vectors of 16 lanes, so the dense layer takes what it wants of them
straight from registers. That saves the memory of h, and the time to write and read it.
"""

from __future__ import annotations

from dataclasses import dataclass

from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import WIDE, class_lanes

MOST_GROUPS = 4
"""Of 16 lanes for the classes: their sums stay in registers."""


@dataclass(frozen=True)
class StreamChannels:
    name: str = "stream the channels into the dense layer"
    needs: tuple[str, ...] = ("filter_relu", "dense_bias")

    def apply(self, graph: Graph) -> Graph:
        filters, dense = graph.node("filter_relu"), graph.node("dense_bias")
        if filters is None or dense is None:
            return graph
        one, other = graph.constant(filters, "filters"), graph.constant(dense, "dense")
        fits = (
            one.storage is not None
            and one.storage.kind == "rows"
            and other.storage is not None
            and other.storage.kind == "lanes"
            and other.data.shape[1] <= 2 * WIDE
            and class_lanes(other.data.shape[2])[0] <= MOST_GROUPS
        )
        if not fits:
            return graph
        made = Node(
            "filter_dense",
            filters.input,
            dense.output,
            {
                **filters.constants,
                "dense": dense.constants["dense"],
                "scale": dense.constants["scale"],
                "class_bias": dense.constants["bias"],
            },
            filters.attributes,
        )
        return graph.replaced((filters, dense), (made,))
