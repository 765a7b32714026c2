"""Channels in the order of how many weights they have: loops of like length stand together.

A processor guesses when a short loop ends by how the last ones ended. Nothing but the order of
additions changes: bias and dense weights move with their channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.ir import Constant, Graph


@dataclass(frozen=True)
class ArrangeChannels:
    name: str = "arrange the channels"
    needs: tuple[str, ...] = ("filter", "join", "dense")

    def apply(self, graph: Graph) -> Graph:
        filters, dense = graph.data("filter", "filters"), graph.data("dense", "dense")
        bias = graph.constants["filter_bias"].data
        heads, _, count = filters.shape
        left = filters != 0
        wanted = dense != 0
        if graph.the("join").attributes["fusion"] == "sum":
            order = np.lexsort((wanted.sum((1, 2)), left.sum((0, 1))))
            moved, channels = filters[:, :, order], order
        else:  # each head has its own
            order = np.lexsort((wanted.sum((1, 2)).reshape(heads, count), left.sum(1)), axis=1)
            moved = np.take_along_axis(filters, order[:, None, :], axis=2)
            channels = (np.arange(heads)[:, None] * count + order).ravel()
        return graph.with_constants(
            Constant("filters", moved),
            Constant("dense", dense[channels]),
            Constant("filter_bias", bias[channels]),
        )
