"""Dead groups: heads, filters, outputs, nodes and features that no path from input to class uses.

Compaction removes most of them from the network already. What is left for here: filters of a
concatenated head that were padded to the longest head, and networks that were never compacted. A dead
weight of the dense layer may carry a constant, the relu of its channel's bias; it moves into the class
bias, so that the function stays the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from bandstop.compile.ir import Constant, Graph


def live(a: np.ndarray, w: np.ndarray, d: np.ndarray, fusion: str) -> tuple[np.ndarray, ...]:
    """Which entries lie on a path; d is (channel, output, class)."""
    heads, _, count = w.shape
    by_head = d[None] if fusion == "sum" else d.reshape(heads, count, *d.shape[1:])
    wanted = np.broadcast_to((by_head != 0).any(3), (heads, count, d.shape[1]))
    reads = (a != 0).any(2)
    live_w = (w != 0) & (wanted & reads[:, None]).any(2)[:, None, :]
    arrives = live_w.any(1)
    reached = arrives[:, :, None] & reads[:, None, :]
    channels = reached.any(0) if fusion == "sum" else reached.reshape(-1, d.shape[1])
    live_d = (d != 0) & channels[:, :, None]
    live_a = (a != 0) & (wanted & arrives[:, :, None]).any(1)[:, :, None]
    return live_a, live_w, live_d


def some(alive: Any) -> np.ndarray:
    """Indices of what is alive; the first where nothing is, for a tensor cannot be empty."""
    return np.flatnonzero(alive) if alive.any() else np.zeros(1, dtype=np.int64)


@dataclass(frozen=True)
class DropDeadGroups:
    name: str = "drop dead groups"
    needs: tuple[str, ...] = ("mix", "filter", "join", "dense")

    def apply(self, graph: Graph) -> Graph:
        fusion = graph.the("join").attributes["fusion"]
        a, w, d = (graph.constants[n].data for n in ("attention", "filters", "dense"))
        filter_bias, class_bias = (graph.constants[n].data for n in ("filter_bias", "class_bias"))
        live_a, live_w, live_d = live(a, w, d, fusion)
        constant = np.maximum(filter_bias, 0)[:, None, None] * d
        class_bias = class_bias + np.where(live_d, 0, constant).sum((0, 1))
        a, w, d = a * live_a, w * live_w, d * live_d

        heads = some(live_a.any((1, 2)) & live_w.any((1, 2)))
        outputs, nodes = some(live_d.any((0, 2))), some(live_a.any((0, 1)))
        features = some(live_w.any((0, 2)))
        if fusion == "sum":
            filters = channels = some(live_d.any((1, 2)))
        else:  # a filter can go only where it is dead in every head: heads stay of one size
            filters = some(live_d.any((1, 2)).reshape(len(w), -1)[heads].any(0))
            channels = (heads[:, None] * w.shape[2] + filters).ravel()
        before = graph.constants["joints"].data, graph.constants["features"].data
        made = [
            Constant("attention", a[np.ix_(heads, outputs, nodes)]),
            Constant("filters", w[np.ix_(heads, features, filters)]),
            Constant("dense", d[np.ix_(channels, outputs)]),
            Constant("filter_bias", filter_bias[channels]),
            Constant("class_bias", class_bias),
            Constant("joints", before[0][nodes]),
            Constant("features", before[1][features]),
        ]
        if "offset" in graph.constants:
            offset = graph.constants["offset"].data[np.ix_(nodes, features)]
            made.append(Constant("offset", offset))
        return graph.with_constants(*made)
