"""What temporal graph networks are made of: signals (sample, channel, frame, node).

A weight is scale * latent, and latents start with a mean square of 1, as in `nn.AttentionGCN`: one
threshold, one prior and one learning rate then mean the same in every layer (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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
        Columns sum to 1, or are 0; on the CPU, whatever the default device is. Source: arXiv 1801.07455,
        partition by distance to the root.
    """
    graph = torch.zeros(3, nodes, nodes, device="cpu")
    graph[0] = torch.eye(nodes, device="cpu")
    for inner, outer in bones:
        graph[1, inner, outer] = graph[2, outer, inner] = 1.0
    return graph / graph.sum(1, keepdim=True).clamp(min=1.0)


class Convolution(nn.Conv2d):
    """A two-dimensional convolution with the weights scale * latent; parameters as `nn.Conv2d`."""

    def __init__(self, *sizes: Any, **options: Any) -> None:
        super().__init__(*sizes, **options)
        self.scale = self.weight[0].numel() ** -0.5

    def reset_parameters(self) -> None:
        start(self)

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, self.scale * self.weight, self.bias)


class Dense(nn.Linear):
    """A dense layer with the weights scale * latent; parameters as `nn.Linear`."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs)
        self.scale = inputs**-0.5

    def reset_parameters(self) -> None:
        start(self)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.linear(x, self.scale * self.weight, self.bias)


def start(layer: nn.Conv2d | nn.Linear) -> None:
    """Latents of unit variance, biases of 0; with scale = fan-in^(-1/2) outputs are as large as inputs."""
    nn.init.normal_(layer.weight)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class Latent(nn.Module):
    """A tensor that is learned, scale * latent.

    Parameters
    ----------
    start : what it starts from
    """

    def __init__(self, start: Tensor) -> None:
        super().__init__()
        self.scale = float(start.square().mean().sqrt())
        self.weight = nn.Parameter(start / self.scale)

    def forward(self) -> Tensor:
        return self.scale * self.weight


def unscaled(net: nn.Module) -> nn.Module:
    """The network with every scale 1, so that its latents are the weights themselves."""
    for module in net.modules():
        if isinstance(module, Convolution | Dense | Latent):
            with torch.no_grad():
                module.weight.mul_(module.scale)
            module.scale = 1.0
    return net


def pointwise(inputs: int, outputs: int, stride: int = 1, bias: bool = True) -> Convolution:
    """A 1 x 1 convolution that takes every `stride`-th frame."""
    return Convolution(inputs, outputs, 1, (stride, 1), bias=bias)


def temporal(
    channels: int, outputs: int, taps: int, stride: int = 1, dilation: int = 1
) -> Convolution:
    """A convolution over frames that keeps their number, but for the stride."""
    padding = (dilation * (taps - 1)) // 2
    return Convolution(channels, outputs, (taps, 1), (stride, 1), (padding, 0), (dilation, 1))


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
        self.dense = Dense(channels, classes)

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
