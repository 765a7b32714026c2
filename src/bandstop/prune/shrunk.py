"""A small network out of a graph and masks: what `compact` is for the attention GCN, for any other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bandstop.graph import Graph, GraphNet, shrink
from bandstop.graph.simplify import simplify
from bandstop.prune.choose import Masks


@dataclass(frozen=True, eq=False)
class Shrunk:
    """A network that was made smaller.

    Parameters
    ----------
    net : computes the same, in eval mode
    masks : name -> which of the weights it was made of stay
    """

    net: GraphNet
    masks: Masks

    @property
    def kept(self) -> int:
        """How many weights stay: at most so many are left, for what is dead goes."""
        return sum(int(mask.sum()) for mask in self.masks.values())


def masked_graph(graph: Graph, masks: Mapping[str, Tensor]) -> Graph:
    """The graph with the weights that do not stay at 0.

    Parameters
    ----------
    graph : with the weights under their own names
    masks : name -> which weights stay

    Returns
    -------
    Graph
    """
    here = {
        n: graph.tensors[n] * m.to(graph.tensors[n]) for n, m in masks.items() if n in graph.tensors
    }
    return graph.with_tensors(here)


@torch.no_grad()
def shrunk(graph: Graph, masks: Mapping[str, Tensor]) -> Shrunk:
    """The smallest network that computes what the masked one does.

    Parameters
    ----------
    graph : with the weights under their own names
    masks : name -> which weights stay

    Returns
    -------
    Shrunk
    """
    there = {n: m.cpu().bool() for n, m in masks.items() if n in graph.tensors}
    # what only adds a constant is no path, and yet part of the function: shrink moves the constant
    small = shrink(simplify(masked_graph(graph, there)))
    return Shrunk(GraphNet(small).eval().requires_grad_(False), there)
