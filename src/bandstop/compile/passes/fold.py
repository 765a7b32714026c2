"""Constant folding of the normalisation: one multiplication and one addition for what is read.

    (x - mean) / std  ->  x scale + offset,   scale = 1 / std,  offset = -mean / std

and the same around the logarithm of a speed.

Computed in double precision and rounded once. Folding on into A and W would be exact too, but it would
make a bias of its own for every filter at every node, which is more than the offsets it replaces.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.integral import offset
from bandstop.compile.ir import Constant, Graph, Node


@dataclass(frozen=True)
class FoldNormalisation:
    name: str = "fold the normalisation"
    needs: tuple[str, ...] = ("normalise", "read")

    def apply(self, graph: Graph) -> Graph:
        old = graph.node("normalise")
        if old is None:
            return graph
        read = graph.the("read")
        mean, std = graph.constant(old, "mean").data, graph.constant(old, "std").data
        joints, features = (read.constants[role] for role in ("joints", "features"))
        index = np.ix_(graph.constants[joints].data, graph.constants[features].data)
        new = Node(
            "affine",
            old.input,
            old.output,
            {"scale": "scale", "offset": "offset", "joints": joints, "features": features},
        )
        shift = Constant("offset", offset(mean, 1 / std)[index])
        return graph.replaced((old,), (new,), Constant("scale", 1 / std), shift)
