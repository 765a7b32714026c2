"""ST-GCN: the skeleton's adjacency with a learned weight for each edge, and one temporal convolution
(arXiv 1801.07455)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bandstop.networks.blocks import (
    Bones,
    Residual,
    Stack,
    adjacencies,
    normalised,
    pointwise,
    skip,
    temporal,
)

TAPS = 9


class EdgeGraph(nn.Module):
    """sum over k of (A[k] * importance[k]) (W[k] x), normalised and rectified.

    Parameters
    ----------
    inputs, outputs : channels
    adjacency : of shape (k, node, node); where it is 0 it stays so, every other edge has an importance of
        its own, which is no weight to be pruned
    """

    edges: Tensor

    def __init__(self, inputs: int, outputs: int, adjacency: Tensor) -> None:
        super().__init__()
        places = adjacency.flatten().nonzero().flatten()
        edges = adjacency.new_zeros(adjacency.numel(), len(places))
        edges[places, places.new_ones(len(places)).cumsum(0) - 1] = adjacency.flatten()[places]
        self.register_buffer("edges", edges.view(*adjacency.shape, len(places)))
        self.importance = nn.Parameter(torch.ones(len(places)))
        self.mix = pointwise(inputs, len(adjacency) * outputs)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        mixed = self.mix(x).unflatten(1, (len(self.edges), -1))
        adjacency = (self.edges * self.importance).sum(-1)
        return torch.relu(self.norm(torch.einsum("nkctv,kvw->nctw", mixed, adjacency)))


def st_gcn(
    nodes: int,
    bones: Bones,
    classes: int,
    channels: int = 3,
    persons: int = 1,
    widths: Sequence[int] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
) -> Stack:
    """ST-GCN for recordings (batch, person, frame, node, channel).

    Parameters
    ----------
    nodes, bones : the skeleton of one person; bones as pairs (inner, outer)
    classes : how many
    channels : coordinates of a node
    persons : of a recording
    widths : channels of each block; where they grow, frames are halved. The default is the paper's,
        3.1 million weights

    Returns
    -------
    Stack
    """
    adjacency, blocks, before = adjacencies(nodes, bones), [], channels
    for number, width in enumerate(widths):
        stride = 2 if number and width > before else 1
        time = normalised(temporal(width, width, TAPS, stride), channels=width)
        inner = nn.Sequential(EdgeGraph(before, width, adjacency), time)
        blocks.append(Residual(inner, skip(before, width, stride) if number else None))
        before = width
    return Stack(blocks, nodes, channels, persons, before, classes)
