"""The order of the two products: (A U) W, A (U W), or both multiplied out.

(A U) W reads each attention weight once a feature, A (U W) once a filter: the second pays where a head
has fewer filters than features. Multiplied out, z[f,i] = sum over k, j, s of (A[k,i,j] W[k,s,f]) U[j,s]
is one sparse product with the signal, whose number of terms falls with the square of what is left: at
0.98 and above there are fewer terms than the two products have multiplications, and only the pairs
(f, i) that some class wants are computed at all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile import cost
from bandstop.compile.ir import Constant, Graph, Node
from bandstop.compile.layout import Channels
from bandstop.errors import Failure

ORDERS = ("mix first", "filter first", "multiplied out")
MOST_TERMS = 200_000


def term_counts(a: np.ndarray, w: np.ndarray, d: np.ndarray, fusion: str) -> np.ndarray:
    """(channel, output): terms of each pair, before those of one source are added up; 0 where no class
    wants it."""
    by_head = np.einsum("ki,kf->kfi", (a != 0).sum(2), (w != 0).sum(1))
    counts = by_head.sum(0) if fusion == "sum" else by_head.reshape(-1, a.shape[1])
    return np.where((d != 0).any(2), counts, 0)


def multiplied_out(
    a: np.ndarray, w: np.ndarray, wanted: np.ndarray, fusion: str
) -> tuple[np.ndarray, ...]:
    """weights, sources (flat positions in U), starts and pairs of the wanted pairs, longest first."""
    filters = w.shape[2]
    found: list[tuple[tuple[int, int], np.ndarray, np.ndarray]] = []
    for channel, output in np.argwhere(wanted):
        k = slice(None) if fusion == "sum" else slice(channel // filters, channel // filters + 1)
        f = channel % filters if fusion == "concat" else channel
        table = np.einsum("kj,ks->js", a[k, output], w[k, :, f])
        at = np.flatnonzero(table)
        found.append(((int(channel), int(output)), at, table.ravel()[at]))
    found.sort(key=lambda pair: -len(pair[1]))
    sources = [at for _, at, _ in found] or [np.zeros(0, dtype=np.int64)]
    weights = [values for _, _, values in found] or [np.zeros(0)]
    starts = np.concatenate([[0], np.cumsum([len(at) for _, at, _ in found])]).astype(np.int64)
    pairs = np.array([pair for pair, _, _ in found], dtype=np.int64).reshape(-1, 2)
    return np.concatenate(weights), np.concatenate(sources), starts, pairs


def costs(a: np.ndarray, w: np.ndarray, d: np.ndarray, fusion: str) -> dict[str, float]:
    """Cycles of each order, each with its best storage."""
    summed = fusion == "sum"
    _, outputs, nodes = a.shape
    features, filters = w.shape[1], w.shape[2]

    def channels_cost(channels: Channels, width: int) -> float:
        sparse = (cost.channel_blocks(channels, width, size) for size in (1, 4))
        return min(*sparse, cost.channel_dense(channels, width))

    def mix_cost(width: int) -> float:
        return min(cost.mix_dense(a, width), cost.mix_lanes(a, width))

    layers = min(cost.dense_dense(d), cost.dense_rows(d), cost.dense_lanes(d))
    found = {
        "mix first": mix_cost(features)
        + channels_cost(Channels.of(w, summed, shared=False), outputs)
        + layers,
        "filter first": channels_cost(Channels.of(w, summed=False, shared=True), nodes)
        + mix_cost(filters)
        + layers,
    }
    terms = term_counts(a, w, d, fusion)
    if terms.sum() <= MOST_TERMS:
        found["multiplied out"] = cost.paths(terms[(d != 0).any(2)]) + cost.dense_rows(d)
    return found


def costs_of(graph: Graph) -> dict[str, float]:
    """Cycles of each order that this graph can take."""
    a, w = graph.data("mix", "attention"), graph.data("filter", "filters")
    found = costs(a, w, graph.data("dense", "dense"), graph.the("join").attributes["fusion"])
    if graph.constant(graph.the("mix"), "attention").bits == 8:  # products of bytes are no bytes
        found.pop("multiplied out", None)
    return found


@dataclass(frozen=True)
class ChooseOrder:
    """order: one of ORDERS, or "" for the cheapest."""

    order: str = ""
    name: str = "choose the order of the products"
    needs: tuple[str, ...] = ("mix", "filter", "join", "dense")

    def apply(self, graph: Graph) -> Graph:
        if self.order and self.order not in ORDERS:
            raise Failure(f"order must be one of {', '.join(ORDERS)}, not {self.order!r}")
        mix, filters, join = (graph.the(op) for op in ("mix", "filter", "join"))
        fusion = join.attributes["fusion"]
        a, w = graph.data("mix", "attention"), graph.data("filter", "filters")
        d = graph.data("dense", "dense")
        found = {} if self.order else costs_of(graph)
        order = self.order or min(found, key=found.__getitem__)
        if order == "mix first":
            return graph
        if order == "filter first":
            first = Node("filter", mix.input, mix.output, filters.constants)
            second = Node("mix", filters.input, filters.output, mix.constants)
            return graph.replaced((mix, filters), (first, second))
        at = graph.nodes.index(mix)
        old = graph.nodes[at : at + 5]
        bias, relu = old[3], old[4]
        weights, sources, starts, pairs = multiplied_out(a, w, (d != 0).any(2), fusion)
        made = [
            Constant("path_weights", weights),
            Constant("path_sources", sources),
            Constant("path_starts", starts),
            Constant("path_pairs", pairs),
        ]
        node = Node(
            "paths",
            mix.input,
            relu.output,
            {
                "weights": "path_weights",
                "sources": "path_sources",
                "starts": "path_starts",
                "pairs": "path_pairs",
                "bias": bias.constants["bias"],
            },
            {"channels": d.shape[0], "outputs": d.shape[1]},
        )
        return graph.replaced(old, (node,), *made)
