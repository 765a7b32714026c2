"""ST-GCN++: a learned adjacency, and temporal branches of several dilations (arXiv 2205.09443)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bandstop.networks.blocks import (
    Bones,
    Latent,
    Residual,
    Stack,
    adjacencies,
    normalised,
    pointwise,
    skip,
    temporal,
)

DILATIONS = (1, 2, 3, 4)


class LearnedGraph(nn.Module):
    """sum over k of A[k] (W[k] x), normalised; A starts as the skeleton's adjacencies.

    Parameters
    ----------
    inputs, outputs : channels
    adjacency : of shape (k, node, node)
    """

    def __init__(self, inputs: int, outputs: int, adjacency: Tensor) -> None:
        super().__init__()
        self.adjacency = Latent(adjacency)
        self.mix = pointwise(inputs, len(adjacency) * outputs)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        adjacency = self.adjacency()
        mixed = self.mix(x).unflatten(1, (len(adjacency), -1))
        return self.norm(torch.einsum("nkctv,kvw->nctw", mixed, adjacency))


class Branches(nn.Module):
    """Convolutions over frames side by side, one a dilation, a maximum, and frames as they are.

    Parameters
    ----------
    channels : in and out
    stride : of frames
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        count = len(DILATIONS) + 2
        width = channels // count
        first = channels - width * (count - 1)
        parts: list[nn.Module] = []
        for number, dilation in enumerate(DILATIONS):
            own = first if number == 0 else width
            start = normalised(pointwise(channels, own), channels=own)
            parts.append(nn.Sequential(start, nn.ReLU(), temporal(own, own, 3, stride, dilation)))
        start = normalised(pointwise(channels, width), channels=width)
        parts.append(nn.Sequential(start, nn.ReLU(), nn.MaxPool2d((3, 1), (stride, 1), (1, 0))))
        parts.append(pointwise(channels, width, stride))
        self.parts = nn.ModuleList(parts)
        end = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), pointwise(channels, channels))
        self.end = normalised(end, channels=channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.end(torch.cat([part(x) for part in self.parts], 1))


def st_gcn_pp(
    nodes: int,
    bones: Bones,
    classes: int,
    channels: int = 3,
    persons: int = 1,
    widths: Sequence[int] = (64, 64, 64, 64, 64, 128),
) -> Stack:
    """ST-GCN++ for recordings (batch, person, frame, node, channel).

    Parameters
    ----------
    nodes, bones : the skeleton of one person; bones as pairs (inner, outer)
    classes : how many
    channels : coordinates of a node
    persons : of a recording
    widths : channels of each block; where they grow, frames are halved

    Returns
    -------
    Stack
    """
    adjacency, blocks, before = adjacencies(nodes, bones), [], channels
    for number, width in enumerate(widths):
        stride = 2 if number and width > before else 1
        graph = Residual(LearnedGraph(before, width, adjacency), skip(before, width))
        around = skip(before, width, stride) if number else None
        blocks.append(Residual(nn.Sequential(graph, Branches(width, stride)), around))
        before = width
    return Stack(blocks, nodes, channels, persons, before, classes)
