"""The trained network with its final masks, and the small ones that come out of it."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bandstop import gate, prune
from bandstop.bundle.nets import Net
from bandstop.graph import Graph, GraphNet, trace
from bandstop.graph.cost import macs
from bandstop.graph.reach import needed
from bandstop.measure import dense_macs
from bandstop.nn import AttentionGCN, CompactGCN, Network
from bandstop.prune import Masks


class Whole(ABC):
    """A masked network, on the CPU and in eval mode, as delivery sees it."""

    net: Network

    @property
    @abstractmethod
    def weights(self) -> int:
        """Prunable weights, before anything was removed."""

    @property
    @abstractmethod
    def macs(self) -> int:
        """Multiply-accumulates of one sequence, before anything was removed."""

    @abstractmethod
    def small(self, masks: Masks) -> tuple[Net, int | None]:
        """The compacted network; and how many weights stay, where that can no longer be counted in it."""

    @abstractmethod
    def ordered(self, masks: Masks, ranks: Mapping[str, Tensor]) -> tuple[Net, dict[str, Tensor]]:
        """The network that holds every rate, and the ranks as they lie in its tensors."""

    @abstractmethod
    def parts(self, net: Net) -> dict[str, list[int]]:
        """Part of a network -> how many are left, and of how many."""

    @abstractmethod
    def nodes_read(self, net: Net) -> list[int]:
        """The nodes that a small network still reads."""


@dataclass(frozen=True, eq=False)
class AttentionWhole(Whole):
    """Of an attention GCN.

    Parameters
    ----------
    net : baked
    """

    net: AttentionGCN

    @property
    def weights(self) -> int:
        return self.net.shape.weights

    @property
    def macs(self) -> int:
        return dense_macs(self.net.shape)

    def small(self, masks: Masks) -> tuple[Net, int | None]:
        return prune.compact(self.net, masks), None

    def ordered(self, masks: Masks, ranks: Mapping[str, Tensor]) -> tuple[Net, dict[str, Tensor]]:
        return prune.compact(self.net, masks), prune.compact_ranks(ranks, self.net.shape)

    def parts(self, net: Net) -> dict[str, list[int]]:
        assert isinstance(net, CompactGCN)
        a, b = net.shape, self.net.shape
        return {
            "heads": [a.heads, b.heads],
            "nodes read": [a.nodes, b.nodes],
            "nodes computed": [a.outputs, b.outputs],
            "features": [a.features, b.features],
            "filters": [a.filters, b.filters],
        }

    def nodes_read(self, net: Net) -> list[int]:
        assert isinstance(net, CompactGCN)
        return list(net.joints.tolist())


@dataclass(frozen=True, eq=False)
class GraphWhole(Whole):
    """Of any other network.

    Parameters
    ----------
    net : baked
    graph : what it computes
    """

    net: Network
    graph: Graph

    @classmethod
    def of(cls, net: Network, example: Tensor) -> GraphWhole:
        """Follow a baked network, in double precision: what is multiplied out is rounded once."""
        return cls(net, trace(copy.deepcopy(net).double(), example.double()))

    @property
    def weights(self) -> int:
        return sum(t.numel() for t in gate.prunable(self.net).values())

    @property
    def macs(self) -> int:
        return macs(self.graph)

    def small(self, masks: Masks) -> tuple[Net, int | None]:
        made = prune.shrunk(self.graph, masks)
        return made.net.float(), made.kept

    def ordered(self, masks: Masks, ranks: Mapping[str, Tensor]) -> tuple[Net, dict[str, Tensor]]:
        graph = prune.masked_graph(self.graph, masks)
        there = {n: torch.where(graph.tensors[n] != 0, r, prune.NEVER) for n, r in ranks.items()
                 if n in graph.tensors}  # fmt: skip
        return GraphNet(graph).float().eval().requires_grad_(False), there

    def parts(self, net: Net) -> dict[str, list[int]]:
        (shape,) = self.graph.inputs.values()
        return {"nodes read": [len(self.nodes_read(net)), shape[1]]}

    def nodes_read(self, net: Net) -> list[int]:
        assert isinstance(net, GraphNet)
        (name,) = net.graph.inputs
        read = needed(net.graph_now, {})[name]
        return [int(node) for node in read[0].any(1).nonzero().flatten()]


def whole_of(net: Network, example: Tensor) -> Whole:
    """A baked network as delivery sees it.

    Parameters
    ----------
    net : on the CPU
    example : a signal, with the batch first
    """
    return AttentionWhole(net) if isinstance(net, AttentionGCN) else GraphWhole.of(net, example)
