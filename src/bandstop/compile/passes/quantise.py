"""Weights of 8 bits: whole numbers from -127 to 127, and one scale a head, a filter and a class.

The scales of heads and filters cost nothing when the network runs: A_k's goes into W_k, and a filter's
through the relu (which keeps positive factors) into its bias and its dense weights. What remains is one
factor a class:

    W_k <- scale_k W_k,   A_k <- A_k / scale_k rounded
    D_f <- scale_f D_f,   b_f <- b_f / scale_f,   W_f <- W_f / scale_f rounded
    logits_c = scale_c (D_c / scale_c rounded) h + d_c

Each scale is the one, of some below max |w| / 127, that loses least: sum of E[x^2] (w - scale q)^2 with
x what the weight is multiplied with, its square averaged over the signals given.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.interpret import run
from bandstop.compile.ir import Constant, Graph, Node

LARGEST = 127
SHRUNK = np.linspace(0.5, 1.0, 26)


def best_scale(weights: np.ndarray, importance: np.ndarray) -> float:
    """The scale of one group of weights; 1 where all are zero."""
    most = float(np.abs(weights).max(initial=0))
    if most == 0:
        return 1.0
    scales = most * SHRUNK / LARGEST
    losses = [
        float((importance * (weights - scale * rounded(weights, scale)) ** 2).sum())
        for scale in scales
    ]
    return float(scales[int(np.argmin(losses))])


def rounded(weights: np.ndarray, scale: float) -> np.ndarray:
    return np.clip(np.rint(weights / scale), -LARGEST, LARGEST)


@dataclass(frozen=True, eq=False)
class Quantise:
    """signals  normalised, (batch, node, feature): what the network is used on."""

    signals: np.ndarray
    name: str = "weights of 8 bits"
    needs: tuple[str, ...] = ("mix", "filter", "join", "dense")

    def apply(self, graph: Graph) -> Graph:
        mix, filters, join = (graph.the(op) for op in ("mix", "filter", "join"))
        last, summed = graph.the("dense"), join.attributes["fusion"] == "sum"
        a, w = graph.data("mix", "attention").copy(), graph.data("filter", "filters").copy()
        d, bias = graph.data("dense", "dense").copy(), graph.constants["filter_bias"].data.copy()
        u, mixed, h = self._squares(graph, mix.input, mix.output, last.input)

        for k in range(len(a)):
            scale = best_scale(a[k], np.broadcast_to(u.sum(1), a[k].shape))
            a[k] = rounded(a[k], scale)
            w[k] *= scale
            mixed[k] /= scale**2
        channels = list(np.ndindex(1 if summed else len(w), w.shape[2]))
        for k, f in channels:
            own = w[:, :, f] if summed else w[k, :, f]
            scale = best_scale(own, mixed.sum(1) if summed else mixed[k].sum(0))
            own[...] = rounded(own, scale)
            channel = k * w.shape[2] + f
            bias[channel] /= scale
            d[channel] *= scale
            h[channel] /= scale**2
        scales = np.ones(d.shape[2])
        for c in range(d.shape[2]):
            scales[c] = best_scale(d[:, :, c], h)
            d[:, :, c] = rounded(d[:, :, c], scales[c])

        after = graph.nodes[graph.nodes.index(last) + 1]
        scale_node = Node("scale", last.output, "scaled", {"scale": "class_scale"})
        moved = Node(after.operation, "scaled", after.output, after.constants, after.attributes)
        return graph.replaced(
            (last, after),
            (last, scale_node, moved),
            Constant(mix.constants["attention"], a, bits=8),
            Constant(filters.constants["filters"], w, bits=8),
            Constant(last.constants["dense"], d, bits=8),
            Constant("filter_bias", bias),
            Constant("class_scale", scales),
        )

    def _squares(self, graph: Graph, *values: str) -> list[np.ndarray]:
        """Mean square of every element of some values."""
        sums = [np.zeros(1)] * len(values)
        for signal in self.signals:
            found = run(graph, "signal", signal)
            sums = [s + found[v] ** 2 for s, v in zip(sums, values, strict=True)]
        return [s / len(self.signals) for s in sums]
