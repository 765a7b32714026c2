"""Six small networks in the manner of those that people publish, for `bench_foreign.py`: written here from
the papers' descriptions, with names, layers and starting values that pruning meets in the field.

| network   | after                       | what pruning meets there                              |
|-----------|-----------------------------|-------------------------------------------------------|
| `stgcn`   | ST-GCN (arXiv 1801.07455)   | edge weights that are all 1, on a fixed adjacency     |
| `stgcnpp` | ST-GCN++ (arXiv 2205.09443) | an adjacency that is a parameter, temporal branches   |
| `ctrgcn`  | CTR-GCN (arXiv 2107.12213)  | a topology for each channel, layers of few channels   |
| `agcn`    | 2s-AGCN (arXiv 1805.07694)  | an adjacency that starts at 1e-6, attention           |
| `msg3d`   | MS-G3D (arXiv 2003.14111)   | adjacencies within 1e-6 of 0, windows of three frames |
| `tcn`     | Res-TCN (arXiv 1704.04516)  | no graph: coordinates are channels, wide kernels      |

All read (batch, 3, frame, node) and give logits; all have BatchNorm and residual connections.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

Bones = Sequence[tuple[int, int]]


def normalised(adjacency: Tensor) -> Tensor:
    """A D^-1: every column sums to 1, or is 0."""
    return adjacency / adjacency.sum(-2, keepdim=True).clamp(min=1e-6)


def partitions(nodes: int, bones: Bones) -> Tensor:
    """(3, node, node): each node itself, its inward and its outward neighbours."""
    graph = torch.zeros(3, nodes, nodes)
    graph[0] = torch.eye(nodes)
    for inner, outer in bones:
        graph[1, inner, outer] = graph[2, outer, inner] = 1
    return torch.stack([normalised(part) for part in graph])


def scales(nodes: int, bones: Bones, count: int) -> Tensor:
    """(count, node, node): the nodes exactly k bones away, k from 0, with self-loops."""
    near = partitions(nodes, bones).sum(0) > 0
    reached = [torch.eye(nodes, dtype=torch.bool)]
    for _ in range(1, count):
        reached.append((reached[-1].float() @ near.float()) > 0)
    exact = [reached[0]] + [b & ~a for a, b in pairwise(reached)]
    return torch.stack(
        [normalised((e | torch.eye(nodes, dtype=torch.bool)).float()) for e in exact]
    )


def temporal(
    inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1
) -> nn.Module:
    """A convolution over time alone, and its BatchNorm."""
    padding = (kernel - 1) * dilation // 2
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, (kernel, 1), (stride, 1), (padding, 0), (dilation, 1)),
        nn.BatchNorm2d(outputs),
    )


def residual(inputs: int, outputs: int, stride: int) -> nn.Module:
    """The identity, or a 1 x 1 convolution where sizes change."""
    return (
        nn.Identity() if (inputs, stride) == (outputs, 1) else temporal(inputs, outputs, 1, stride)
    )


class Branches(nn.Module):
    """Temporal convolutions of two dilations, a maximum and a plain path, side by side."""

    def __init__(self, channels: int, stride: int) -> None:
        super().__init__()
        width = channels // 4

        def into() -> nn.Module:
            return nn.Sequential(temporal(channels, width, 1), nn.ReLU())

        self.branches = nn.ModuleList(
            [
                nn.Sequential(into(), temporal(width, width, 3, stride, 1)),
                nn.Sequential(into(), temporal(width, width, 3, stride, 2)),
                nn.Sequential(
                    into(), nn.MaxPool2d((3, 1), (stride, 1), (1, 0)), nn.BatchNorm2d(width)
                ),
                temporal(channels, channels - 3 * width, 1, stride),
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class EdgeWeights(nn.Module):
    """Spatial part of ST-GCN: sum_k (A_k * M_k) x W_k, the edge weights M all 1 at the start."""

    def __init__(self, inputs: int, outputs: int, graph: Tensor) -> None:
        super().__init__()
        self.register_buffer("graph", graph)
        self.importance = nn.Parameter(torch.ones_like(graph))
        self.conv = nn.Conv2d(inputs, outputs * len(graph), 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).unflatten(1, (len(self.graph), -1))
        return torch.einsum("nkctv,kvw->nctw", y, self.graph * self.importance)


class LearnedGraph(nn.Module):
    """Spatial part of ST-GCN++: the adjacency itself is the parameter; a residual around it."""

    def __init__(self, inputs: int, outputs: int, graph: Tensor) -> None:
        super().__init__()
        self.graph = nn.Parameter(graph.clone())
        self.conv = nn.Conv2d(inputs, outputs * len(graph), 1)
        self.norm = nn.BatchNorm2d(outputs)
        self.around = residual(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x).unflatten(1, (len(self.graph), -1))
        y = torch.einsum("nkctv,kvw->nctw", y, self.graph)
        return torch.relu(self.norm(y) + self.around(x))


class ChannelGraphs(nn.Module):
    """Spatial part of CTR-GCN: for each channel the shared graph refined by tanh of node differences."""

    def __init__(self, inputs: int, outputs: int, graph: Tensor) -> None:
        super().__init__()
        few = max(4, inputs // 8)
        self.graph = nn.Parameter(graph.clone())
        self.alpha = nn.Parameter(torch.zeros(1))
        for name, sizes in [
            ("one", (inputs, few)),
            ("other", (inputs, few)),
            ("refine", (few, outputs)),
            ("value", (inputs, outputs)),
        ]:
            setattr(self, name, nn.ModuleList(nn.Conv2d(*sizes, 1) for _ in graph))
        self.norm = nn.BatchNorm2d(outputs)
        self.around = residual(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(2, keepdim=True)
        y = torch.zeros((), device=x.device)
        for k, graph in enumerate(self.graph):
            relation = torch.tanh(self.one[k](mean).transpose(2, 3) - self.other[k](mean))
            own = self.refine[k](relation) * self.alpha + graph  # (batch, channel, node, node)
            y = y + torch.einsum("ncuv,nctv->nctu", own, self.value[k](x))
        return torch.relu(self.norm(y) + self.around(x))


class AdaptiveGraph(nn.Module):
    """Spatial part of 2s-AGCN: fixed graph + one that starts at 1e-6 + attention between nodes."""

    def __init__(self, inputs: int, outputs: int, graph: Tensor) -> None:
        super().__init__()
        few = max(4, outputs // 4)
        self.register_buffer("graph", graph)
        self.learned = nn.Parameter(torch.full_like(graph, 1e-6))
        self.left = nn.ModuleList(nn.Conv2d(inputs, few, 1) for _ in graph)
        self.right = nn.ModuleList(nn.Conv2d(inputs, few, 1) for _ in graph)
        self.value = nn.ModuleList(nn.Conv2d(inputs, outputs, 1) for _ in graph)
        self.norm = nn.BatchNorm2d(outputs)
        nn.init.constant_(self.norm.weight, 1e-6)
        self.around = residual(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros((), device=x.device)
        for k, graph in enumerate(self.graph + self.learned):
            left = self.left[k](x).flatten(1, 2)
            right = self.right[k](x).flatten(1, 2)
            attention = torch.softmax(left.transpose(1, 2) @ right / len(left[0]), dim=-2)
            y = y + self.value[k](torch.einsum("nctv,nvw->nctw", x, graph + attention))
        return torch.relu(self.norm(y) + self.around(x))


class Window(nn.Module):
    """Spatial part of MS-G3D: several distances at once, over windows of frames, and a residual graph
    within 1e-6 of 0."""

    def __init__(self, inputs: int, outputs: int, graph: Tensor, window: int) -> None:
        super().__init__()
        self.window = window
        self.register_buffer("graph", graph.repeat(1, window, window) / window)
        self.residual = nn.Parameter(torch.empty_like(self.graph).uniform_(-1e-6, 1e-6))
        self.conv = nn.Conv2d(inputs * len(graph), outputs, 1)
        self.out = nn.Conv2d(outputs, outputs, (1, window))
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        n, c, t, v = x.shape
        if self.window > 1:
            x = nn.functional.unfold(x, (self.window, 1), padding=(self.window // 2, 0))
            x = x.view(n, c, self.window, t, v).transpose(2, 3).flatten(3)
        mixed = torch.einsum("kuv,nctv->nkctu", self.graph + self.residual, x).flatten(1, 2)
        y = torch.relu(self.conv(mixed)).view(n, -1, t, self.window, v)
        y = y.transpose(3, 4).flatten(2, 3)
        return self.norm(self.out(y).view(n, -1, t, v))


class Distances(nn.Module):
    """MS-G3D's two ways beside each other: single frames, and windows of three."""

    def __init__(self, inputs: int, outputs: int, graph: Tensor) -> None:
        super().__init__()
        self.frames = Window(inputs, outputs, graph, 1)
        self.windows = Window(inputs, outputs, graph[:2], 3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.frames(x) + self.windows(x))


class Block(nn.Module):
    """Spatial, then temporal, a residual around both."""

    def __init__(self, space: nn.Module, time: nn.Module, around: nn.Module) -> None:
        super().__init__()
        self.space, self.time, self.around = space, time, around

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.time(self.space(x)) + self.around(x))


class Recogniser(nn.Module):
    """BatchNorm of the coordinates, blocks, the mean over frames and nodes, a linear layer."""

    def __init__(self, nodes: int, blocks: Sequence[nn.Module], width: int, classes: int) -> None:
        super().__init__()
        self.start = nn.BatchNorm1d(3 * nodes)
        self.blocks = nn.Sequential(*blocks)
        self.classify = nn.Linear(width, classes)
        nn.init.normal_(self.classify.weight, 0, math.sqrt(2 / classes))

    def forward(self, x: Tensor) -> Tensor:
        n, c, t, v = x.shape
        flat = self.start(x.transpose(2, 3).reshape(n, c * v, t))
        x = flat.view(n, c, v, t).transpose(2, 3)
        return self.classify(self.blocks(x).mean((2, 3)))


class FrameBlock(nn.Module):
    """Res-TCN's unit: BatchNorm, ReLU, a convolution over time, and a residual; nodes are channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(inputs)
        self.conv = nn.Conv1d(inputs, outputs, 7, stride, 3)
        plain = (inputs, stride) == (outputs, 1)
        self.around = nn.Identity() if plain else nn.Conv1d(inputs, outputs, 1, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(torch.relu(self.norm(x))) + self.around(x)


class Frames(nn.Module):
    """Res-TCN: temporal convolutions over all coordinates of a frame."""

    def __init__(
        self, nodes: int, bones: Bones, classes: int, widths: Sequence[int] = (32, 32, 48)
    ):
        super().__init__()
        self.start = nn.Sequential(
            nn.BatchNorm1d(3 * nodes), nn.Conv1d(3 * nodes, widths[0], 7, 1, 3)
        )
        pairs = zip((widths[0], *widths), widths, strict=False)
        self.blocks = nn.Sequential(*(FrameBlock(a, b, 1 if a == b else 2) for a, b in pairs))
        self.end = nn.BatchNorm1d(widths[-1])
        self.classify = nn.Linear(widths[-1], classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.blocks(self.start(x.transpose(2, 3).flatten(1, 2)))
        return self.classify(torch.relu(self.end(x)).mean(2))


def graph_network(
    space: Callable[[int, int, Tensor], nn.Module],
    time: Callable[[int, int], nn.Module],
    graph: Callable[[int, Bones], Tensor] = partitions,
    widths: Sequence[int] = (16, 16, 32, 32),
) -> Callable[[int, Bones, int], nn.Module]:
    """A maker of networks of blocks such as these; frames are halved wherever the width grows."""

    def make(nodes: int, bones: Bones, classes: int) -> nn.Module:
        adjacency, blocks = graph(nodes, bones), []
        for inputs, outputs in zip((3, *widths), widths, strict=False):
            stride = 2 if inputs < outputs else 1
            around = residual(inputs, outputs, stride)
            blocks.append(Block(space(inputs, outputs, adjacency), time(outputs, stride), around))
        return Recogniser(nodes, blocks, widths[-1], classes)

    return make


def plain_time(channels: int, stride: int) -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(channels), nn.ReLU(), temporal(channels, channels, 9, stride)
    )


NETWORKS: dict[str, Callable[[int, Bones, int], nn.Module]] = {
    "stgcn": graph_network(EdgeWeights, plain_time),
    "stgcnpp": graph_network(LearnedGraph, Branches, widths=(24, 24, 48)),
    "ctrgcn": graph_network(ChannelGraphs, Branches, widths=(16, 16, 32)),
    "agcn": graph_network(AdaptiveGraph, plain_time, widths=(16, 16, 32)),
    "msg3d": graph_network(Distances, Branches, lambda n, b: scales(n, b, 4), widths=(16, 16, 32)),
    "tcn": Frames,
}
"""Name -> function of (nodes, bones, classes)."""
