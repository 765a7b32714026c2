"""What temporal graph networks are made of: signals (sample, channel, frame, node)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

Bones = Sequence[tuple[int, int]]


def adjacencies(nodes: int, bones: Bones) -> Tensor:
    """Each node itself, its neighbours towards the root, and those away from it.

    Parameters
    ----------
    nodes : how many
    bones : pairs (inner, outer)

    Returns
    -------
    Tensor of shape (3, node, node)
        Columns sum to 1, or are 0. Source: arXiv 1801.07455, partition by distance to the root.
    """
    graph = torch.zeros(3, nodes, nodes)
    graph[0] = torch.eye(nodes)
    for inner, outer in bones:
        graph[1, inner, outer] = graph[2, outer, inner] = 1.0
    return graph / graph.sum(1, keepdim=True).clamp(min=1.0)


def pointwise(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 1 x 1 convolution that takes every `stride`-th frame."""
    return nn.Conv2d(inputs, outputs, 1, (stride, 1))


def temporal(
    channels: int, outputs: int, taps: int, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """A convolution over frames that keeps their number, but for the stride."""
    padding = (dilation * (taps - 1)) // 2
    return nn.Conv2d(channels, outputs, (taps, 1), (stride, 1), (padding, 0), (dilation, 1))


def normalised(*layers: nn.Module, channels: int) -> nn.Sequential:
    """Layers, then batch normalisation."""
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))


class Frames(nn.Module):
    """Recordings as signals: batch normalisation of every coordinate of every node, persons as samples.

    Parameters
    ----------
    nodes, channels : of a frame of one person
    """

    def __init__(self, nodes: int, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(nodes * channels)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, person, frame, node, channel) -> (batch x person, channel, frame, node)."""
        batch, persons, frames, nodes, channels = x.shape
        flat = x.permute(0, 1, 3, 4, 2).reshape(batch * persons, nodes * channels, frames)
        return self.norm(flat).view(-1, nodes, channels, frames).permute(0, 2, 3, 1)


class Head(nn.Module):
    """Mean over frames, nodes and persons, then a dense layer.

    Parameters
    ----------
    channels, classes : what comes in and goes out
    persons : of a recording
    """

    def __init__(self, channels: int, classes: int, persons: int) -> None:
        super().__init__()
        self.persons = persons
        self.dense = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """(batch x person, channel, frame, node) -> (batch, class)."""
        pooled = x.mean((2, 3)).view(-1, self.persons, x.shape[1]).mean(1)
        return self.dense(pooled)


class Stack(nn.Module):
    """Frames, blocks, head: the frame of every temporal graph network here.

    Parameters
    ----------
    blocks : signals to signals
    nodes, channels, persons : of a recording's frames
    width : channels that the last block makes
    classes : how many
    """

    def __init__(
        self,
        blocks: Sequence[nn.Module],
        nodes: int,
        channels: int,
        persons: int,
        width: int,
        classes: int,
    ) -> None:
        super().__init__()
        self.frames = Frames(nodes, channels)
        self.blocks = nn.Sequential(*blocks)
        self.head = Head(width, classes, persons)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, person, frame, node, channel) -> (batch, class)."""
        return self.head(self.blocks(self.frames(x)))


class Residual(nn.Module):
    """relu(inner(x) + around(x)).

    Parameters
    ----------
    inner : what is learned
    around : None for nothing, or a layer; `nn.Identity()` for x itself
    """

    def __init__(self, inner: nn.Module, around: nn.Module | None) -> None:
        super().__init__()
        self.inner, self.around = inner, around

    def forward(self, x: Tensor) -> Tensor:
        made = self.inner(x)
        return torch.relu(made if self.around is None else made + self.around(x))


def skip(inputs: int, outputs: int, stride: int = 1) -> nn.Module:
    """x itself, or as many channels and frames as come out."""
    if inputs == outputs and stride == 1:
        return nn.Identity()
    return normalised(pointwise(inputs, outputs, stride), channels=outputs)
