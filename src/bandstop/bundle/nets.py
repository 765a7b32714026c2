"""What a bundle must know of its network, whichever kind it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from bandstop.errors import BadInput
from bandstop.graph import GraphNet
from bandstop.graph.cost import macs
from bandstop.graph.limits import largest_input
from bandstop.measure import dense_macs, kept_weights, sparse_macs
from bandstop.nn import CompactGCN, reach

Net = CompactGCN | GraphNet
"""A network that is delivered: reads normalised signals (batch, node, feature), gives logits."""


@dataclass(frozen=True)
class Facts:
    """What a network reads and gives.

    Parameters
    ----------
    signal : nodes and features that it reads
    classes : that it gives a logit each
    limit : the largest signal with which nothing overflows
    """

    signal: tuple[int, int]
    classes: int
    limit: float


def facts_of(net: Net) -> Facts:
    """What a network reads and gives.

    Raises
    ------
    BadInput
        For a graph that does not read one signal, or gives anything but logits.
    """
    if isinstance(net, CompactGCN):
        return Facts((net.nodes, net.all_features), net.shape.classes, reach(net.net))
    graph = net.graph_now
    shapes = list(graph.inputs.values())
    if len(shapes) != 1 or len(shapes[0]) != 3 or len(graph.outputs) != 1:
        raise BadInput(
            f"bundle: its graph reads {shapes}, and must read one signal (1, node, feature)"
        )
    out = net(torch.zeros(shapes[0]))
    assert isinstance(out, Tensor)
    if out.ndim != 2:
        raise BadInput(f"bundle: its graph gives {tuple(out.shape)}, and must give (1, class)")
    return Facts((shapes[0][1], shapes[0][2]), out.shape[1], largest_input(graph))


def sizes_of(net: Net, kept: int | None = None) -> dict[str, int]:
    """What a network holds and costs.

    Parameters
    ----------
    net : as it is delivered
    kept : the weights that stayed of a graph's, which may have been multiplied into others since

    Returns
    -------
    dict
        `weights_kept`, `macs` of a dense runtime and `macs_sparse` where zeros are skipped.
    """
    if isinstance(net, CompactGCN):
        return {
            "weights_kept": kept_weights(net.net),
            "macs": dense_macs(net.shape),
            "macs_sparse": sparse_macs(net.net),
        }
    graph = net.graph_now
    left = sum(int(torch.count_nonzero(t)) for t in graph.tensors.values())
    return {
        "weights_kept": left if kept is None else kept,
        "macs": macs(graph),
        "macs_sparse": macs(graph, {}),
    }


def weights_of(net: Net) -> Mapping[str, Tensor]:
    """Name -> tensor of everything that may hold zeros."""
    if isinstance(net, CompactGCN):
        return net.net.weights()
    return {n: t for n, t in net.tensors.items() if t.ndim >= 2}
