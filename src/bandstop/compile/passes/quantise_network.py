"""Weights of 8 bits in a network that is a graph."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from bandstop.compile.ir import Graph
from bandstop.compile.lower import steps_between
from bandstop.compile.network.lower import lower
from bandstop.compile.network.quantise import quantised
from bandstop.graph.simplify import simplify


@dataclass(frozen=True, eq=False)
class QuantiseNetwork:
    """signals  normalised, (batch, node, feature): what the network is used on."""

    signals: np.ndarray
    name: str = "weights of 8 bits in a graph"
    needs: tuple[str, ...] = ("network",)

    def apply(self, graph: Graph) -> Graph:
        node = graph.the("network")
        joints, features = (graph.data("read", role) for role in ("joints", "features"))
        read = torch.from_numpy(self.signals[:, joints][:, :, features]).double()
        exact = quantised(simplify(node.attributes["graph"]), read)
        program = lower(exact.float(), steps_between(exact, len(joints)), bits=8)
        made = replace(node, attributes={**node.attributes, "graph": exact, "program": program})
        return graph.replaced((node,), (made,))
