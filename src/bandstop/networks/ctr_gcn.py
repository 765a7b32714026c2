"""CTR-GCN: an adjacency that every channel refines by what it reads (arXiv 2107.12213)."""

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

TAPS, DILATIONS = 5, (1, 2)
REDUCTION, LEAST = 8, 8
"""Channels that nodes are compared in: an eighth of those that come in, at least so many."""


class Refined(nn.Module):
    """sum over k of (A_k + alpha_k R_k(x)) W_k x, normalised.

    R_k[c, u, v] = b_k[c] + sum over r of V_k[c, r] tanh(p_k[r, u] - q_k[r, v]); p and q are pointwise maps
    of x, averaged over frames; alpha and b start at 0.

    Parameters
    ----------
    inputs, outputs : channels
    adjacency : of shape (k, node, node); A starts there
    """

    def __init__(self, inputs: int, outputs: int, adjacency: Tensor) -> None:
        super().__init__()
        count, compared = len(adjacency), max(LEAST, inputs // REDUCTION)
        self.from_ = pointwise(inputs, count * compared)
        self.to_ = pointwise(inputs, count * compared, bias=False)  # a bias would fall to p's
        start = torch.randn(count, outputs, compared, device="cpu") * compared**-0.5
        self.refine = Latent(start)
        self.shift = nn.Parameter(torch.zeros(count * outputs))
        self.mix = pointwise(inputs, count * outputs)
        self.adjacency = Latent(adjacency)
        self.alpha = nn.Parameter(torch.zeros(count))
        self.norm = nn.BatchNorm2d(outputs)

    def parts(self, x: Tensor) -> Tensor:
        """Channels as (k, channel)."""
        return x.unflatten(1, (len(self.alpha), -1))

    def forward(self, x: Tensor) -> Tensor:
        """(sample, channel, frame, node), channels as asked for."""
        one, other = self.parts(self.from_(x).mean(2)), self.parts(self.to_(x).mean(2))
        apart = torch.tanh(one[..., :, None] - other[..., None, :])
        refined = torch.einsum("nkruv,kcr->nkcuv", apart, self.refine())
        refined = refined + self.shift.view(len(self.alpha), -1, 1, 1)
        edges = refined * self.alpha.view(-1, 1, 1, 1) + self.adjacency()[:, None]
        return self.norm(torch.einsum("nkcuv,nkctv->nctu", edges, self.parts(self.mix(x))))


class Scales(nn.Module):
    """Convolutions over frames side by side, one a dilation, a maximum, and frames as they are.

    Parameters
    ----------
    channels : in and out
    stride : of frames
    """

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        width = channels // (len(DILATIONS) + 2)
        first = channels - width * (len(DILATIONS) + 1)

        parts: list[nn.Module] = []
        for number, dilation in enumerate(DILATIONS):
            own = first if number == 0 else width
            start = normalised(pointwise(channels, own), channels=own)
            over = normalised(temporal(own, own, TAPS, stride, dilation), channels=own)
            parts.append(nn.Sequential(start, nn.ReLU(), over))
        start = normalised(pointwise(channels, width), channels=width)
        pool = normalised(nn.MaxPool2d((3, 1), (stride, 1), (1, 0)), channels=width)
        parts.append(nn.Sequential(start, nn.ReLU(), pool))
        parts.append(normalised(pointwise(channels, width, stride), channels=width))
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([part(x) for part in self.parts], 1)


def ctr_gcn(
    nodes: int,
    bones: Bones,
    classes: int,
    channels: int = 3,
    persons: int = 1,
    widths: Sequence[int] = (64, 64, 64, 64, 128, 128, 128, 256, 256, 256),
) -> Stack:
    """CTR-GCN for recordings (batch, person, frame, node, channel).

    Parameters
    ----------
    nodes, bones : the skeleton of one person; bones as pairs (inner, outer)
    classes : how many
    channels : coordinates of a node
    persons : of a recording
    widths : channels of each block; where they grow, frames are halved. The default is the paper's,
        1.4 million weights

    Returns
    -------
    Stack
    """
    adjacency, blocks, before = adjacencies(nodes, bones), [], channels
    for number, width in enumerate(widths):
        stride = 2 if number and width > before else 1
        graph = Residual(Refined(before, width, adjacency), skip(before, width))
        around = skip(before, width, stride) if number else None
        blocks.append(Residual(nn.Sequential(graph, Scales(width, stride)), around))
        before = width
    return Stack(blocks, nodes, channels, persons, before, classes)
