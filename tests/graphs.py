"""Random graphs for tests: blocks that a network is made of, on values (sample, channel, frame)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from hypothesis import strategies as st
from torch import Tensor

from bandstop.graph import Graph, Node
from bandstop.graph.operations import OPERATIONS


class Builder:
    """A graph in the making. `names` is the value that the next block works on.

    Parameters
    ----------
    draw : hypothesis's
    blocks : names in BLOCKS that may be used
    biases : whether layers have them
    """

    def __init__(self, draw: st.DrawFn, blocks: list[str], biases: bool = True) -> None:
        self.draw, self.blocks, self.biases = draw, blocks, biases
        self.inputs: dict[str, tuple[int, ...]] = {}
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.random = torch.Generator().manual_seed(draw(st.integers(0, 999)))

    def number(self, low: int, high: int) -> int:
        return self.draw(st.integers(low, high))

    def input(self, *shape: int) -> str:
        name = f"in{len(self.inputs)}"
        self.inputs[name] = self.shapes[name] = (1, *shape)
        return name

    def tensor(self, *shape: int, weight: bool = True) -> str:
        """Weights may be masked; other tensors may not."""
        name = f"{'w' if weight else 'b'}{len(self.tensors)}"
        self.tensors[name] = torch.randn(*shape, generator=self.random, dtype=torch.double)
        self.shapes[name] = shape
        return name

    def add(self, operation: str, *inputs: str, **attributes) -> str:
        output = f"v{len(self.nodes)}"
        self.nodes.append(Node(operation, inputs, output, attributes))
        there = [torch.zeros(self.shapes[name]) for name in inputs]
        self.shapes[output] = tuple(OPERATIONS[operation].run(there, attributes, 1).shape)
        return output

    def view(self, x: str, *shape: int) -> str:
        return self.add("view", x, shape=(1, *shape), batch=0)

    def bias(self, x: str) -> str:
        return (
            self.add("add", x, self.tensor(1, self.shapes[x][1], 1, weight=False))
            if self.biases
            else x
        )

    def conv(self, x: str, filters: int, kernel: int = 1, groups: int = 1, **how) -> str:
        how = {"stride": 1, "padding": 0, "dilation": 1} | how
        weight = self.tensor(filters, self.shapes[x][1] // groups, kernel)
        y = self.add("convolve", x, weight, groups=groups, **{k: (v,) for k, v in how.items()})
        return self.bias(y)

    def some(self, x: str, depth: int) -> str:
        """A few blocks behind x."""
        for _ in range(self.number(1, 3)):
            x = BLOCKS[self.draw(st.sampled_from(self.blocks))](self, x, depth)
        return x

    def like(self, x: str, y: str) -> str:
        """y in x's shape, by a layer in each axis that differs."""
        (_, c, t), (_, d, u) = self.shapes[x], self.shapes[y]
        y = y if c == d else self.conv(y, c)
        return y if t == u else self.add("einsum", y, self.tensor(u, t), equation="nct,tu->ncu")

    def graph(self, *outputs: str) -> Graph:
        return Graph(self.inputs, tuple(self.nodes), self.tensors, outputs)


Block = Callable[[Builder, str, int], str]


def _dense(b: Builder, x: str, _: int) -> str:
    return b.conv(x, b.number(1, 4))


def _conv(b: Builder, x: str, _: int) -> str:
    t = b.shapes[x][2]
    kernel = b.number(1, 3)
    padding, dilation = b.number(0, 2), b.number(1, 2)
    if t + 2 * padding < dilation * (kernel - 1) + 1:
        kernel = 1
    return b.conv(
        x, b.number(1, 4), kernel, padding=padding, dilation=dilation, stride=b.number(1, 2)
    )


def _groups(b: Builder, x: str, _: int) -> str:
    c = b.shapes[x][1]
    groups = c if b.number(0, 1) else 1 + (c % 2 == 0)
    return b.conv(x, groups * b.number(1, 2), 1, groups)


def _function(name: str, **attributes) -> Block:
    return lambda b, x, _: b.add(name, x, **attributes)


def _norm(b: Builder, x: str, _: int) -> str:
    return b.bias(b.add("multiply", x, b.tensor(1, b.shapes[x][1], 1, weight=False)))


def _residual(b: Builder, x: str, depth: int) -> str:
    return b.add("add", x, b.like(x, b.some(x, depth - 1))) if depth else x


def _branches(b: Builder, x: str, depth: int) -> str:
    if not depth:
        return x
    one, other = b.some(x, depth - 1), b.some(x, depth - 1)
    dim = b.number(1, 2)
    shape = list(b.shapes[other])
    if b.shapes[one][3 - dim] != shape[3 - dim]:
        other = b.like(one, other)
    return b.add("concatenate", one, other, dim=dim)


def _product(b: Builder, x: str, depth: int) -> str:
    if not depth:
        return x
    one = b.some(x, depth - 1)
    return b.add("multiply", one, b.like(one, b.some(x, depth - 1)))


def _graph(b: Builder, x: str, _: int) -> str:
    t, u = b.shapes[x][2], b.number(1, 4)
    edges = b.add("multiply", b.tensor(t, u), b.tensor(t, u, weight=False))
    return b.add("einsum", x, edges, equation="nct,tu->ncu")


def _topologies(b: Builder, x: str, _: int) -> str:
    """Several graphs: channels are (graph, channel)."""
    t = b.shapes[x][2]
    k, c, u = b.number(1, 2), b.number(1, 3), b.number(1, 4)
    y = b.view(b.conv(x, k * c), k, c, t)
    return b.add("einsum", y, b.tensor(k, t, u), equation="nkct,ktu->ncu")


def _attention(b: Builder, x: str, _: int) -> str:
    few = b.number(1, 2)
    scores = b.add("einsum", b.conv(x, few), b.conv(x, few), equation="nct,ncu->ntu")
    scores = b.add("softmax", b.add("scale", scores, scale=0.5, shift=0.0), dims=(b.number(1, 2),))
    return b.add("einsum", scores, b.conv(x, b.number(1, 3)), equation="ntu,ncu->nct")


def _relations(b: Builder, x: str, _: int) -> str:
    """Attention without softmax: sums of products of two values."""
    few = b.number(1, 2)
    scores = b.add("einsum", b.conv(x, few), b.conv(x, few), equation="nct,ncu->ntu")
    return b.add("einsum", scores, b.conv(x, b.number(1, 3)), equation="ntu,ncu->nct")


def _joined(b: Builder, x: str, _: int) -> str:
    """A scale for each (channel, frame) on one axis, in either order."""
    _, c, t = b.shapes[x]
    if b.number(0, 1):
        x, c, t = b.add("permute", x, order=(0, 2, 1)), t, c
    y = b.add("multiply", b.view(x, c * t), b.tensor(1, c * t, weight=False))
    if b.biases:
        y = b.add("add", y, b.tensor(1, c * t, weight=False))
    return b.view(y, c, t)


def _flattened(b: Builder, x: str, _: int) -> str:
    """A dense layer over (channel, frame)."""
    _, c, t = b.shapes[x]
    d, u = b.number(1, 3), b.number(1, 3)
    y = b.add("einsum", b.view(x, c * t), b.tensor(d * u, c * t), equation="ny,zy->nz")
    return b.view(y, d, u)


def _regrouped(b: Builder, x: str, _: int) -> str:
    """Another division of (channel, frame)."""
    _, c, t = b.shapes[x]
    d = b.draw(st.sampled_from([d for d in range(1, c * t + 1) if c * t % d == 0 and d <= 6]))
    return b.view(x, d, c * t // d)


def _part(b: Builder, x: str, _: int) -> str:
    dim = b.number(1, 2)
    size = b.shapes[x][dim]
    start, step = b.number(0, size - 1), b.number(1, 2)
    return b.add("take", x, dim=dim, index=list(range(start, size, step)))


def _pool(operation: str) -> Block:
    def block(b: Builder, x: str, _: int) -> str:
        t, kernel, stride = b.shapes[x][2], b.number(1, 3), b.number(1, 2)
        ceil = bool(b.number(0, 1))
        padding = b.number(0, kernel // 2)
        if t + 2 * padding < kernel:
            return x
        how = {
            "kernel": (kernel,),
            "stride": (stride,),
            "padding": (padding,),
            "dilation": (1,),
            "ceil": ceil,
        }
        if operation == "mean-pool":
            how["padded"] = bool(b.number(0, 1))
        size = OPERATIONS[operation].run([torch.zeros(b.shapes[x])], how, 1).shape
        return b.add(operation, x, **how, out=tuple(size))

    return block


def _mean(b: Builder, x: str, _: int) -> str:
    dim = b.number(1, 2)
    return b.add("scale", b.add("sum", x, dims=(dim,)), scale=1 / b.shapes[x][dim], shift=0.0)


def _highest(b: Builder, x: str, _: int) -> str:
    return b.add("max", x, dims=(b.number(1, 2),))


def _repeated(b: Builder, x: str, _: int) -> str:
    _, c, t = b.shapes[x]
    return b.add("expand", x, shape=(1, c, 3), batch=0) if t == 1 else x


def _padded(b: Builder, x: str, _: int) -> str:
    c, t = b.number(0, 1), b.number(0, 1)
    return b.add("pad", x, before=[0, c, 0], after=[0, 0, t])


def _standardised(b: Builder, x: str, _: int) -> str:
    return b.add("standardise", x, dims=(b.number(1, 2),), eps=0.1)


def _quotient(b: Builder, x: str, _: int) -> str:
    below = b.add("scale", b.add("sigmoid", b.conv(x, b.shapes[x][1])), scale=1.0, shift=1.0)
    return b.add("divide", x, below)


def _second(b: Builder, x: str, _: int) -> str:
    """Another input, added or multiplied."""
    name = b.input(b.number(1, 3), b.shapes[x][2]) if len(b.inputs) < 2 else "in1"
    return b.add(b.draw(st.sampled_from(["add", "multiply", "subtract"])), x, b.like(x, name))


LINEAR: dict[str, Block] = {
    "dense": _dense, "conv": _conv, "groups": _groups, "norm": _norm, "residual": _residual,
    "branches": _branches, "graph": _graph, "topologies": _topologies, "joined": _joined,
    "flattened": _flattened, "regrouped": _regrouped, "part": _part, "mean": _mean,
    "mean-pool": _pool("mean-pool"), "repeated": _repeated, "padded": _padded,
}  # fmt: skip
"""Blocks whose output is linear in x, and shifted by biases."""
PRODUCTS: dict[str, Block] = {"product": _product, "relations": _relations, "second": _second}
CURVED: dict[str, Block] = {
    "relu": _function("relu"), "tanh": _function("tanh"), "highest": _highest, "max-pool": _pool("max-pool"),
    "clamp": _function("clamp", min=-1.0, max=1.0),
}  # fmt: skip
"""Functions that are 0 of 0."""
FILLED: dict[str, Block] = {
    "sigmoid": _function("sigmoid"), "attention": _attention, "standardised": _standardised,
    "quotient": _quotient, "shifted": _function("scale", scale=-1.0, shift=1.0),
}  # fmt: skip
BLOCKS = LINEAR | PRODUCTS | CURVED | FILLED


@st.composite
def graphs(draw: st.DrawFn, kinds: Mapping[str, Block] = BLOCKS, biases: bool = True) -> Graph:
    """Whole graphs, nothing of them masked."""
    b = Builder(draw, list(kinds), biases)
    first = b.input(b.number(1, 4), b.number(1, 4))
    x = b.some(b.conv(first, b.number(1, 4)), 2)
    outputs = [b.conv(x, b.number(1, 3))]
    if draw(st.booleans()):
        outputs.append(b.some(x, 1))
    return b.graph(*outputs)


@st.composite
def masked(draw: st.DrawFn, kinds: Mapping[str, Block] = BLOCKS, biases: bool = True):
    """A graph and masks of its weights."""
    graph = draw(graphs(kinds, biases))
    density = draw(st.sampled_from([0.2, 0.4, 0.6, 0.8, 1.0]))
    random = torch.Generator().manual_seed(draw(st.integers(0, 9999)))
    masks = {
        n: torch.rand(t.shape, generator=random) < density
        for n, t in graph.tensors.items()
        if n.startswith("w")
    }
    return graph, masks


def with_masks(graph: Graph, masks: Mapping[str, Tensor]) -> Graph:
    return graph.with_tensors({n: graph.tensors[n] * mask for n, mask in masks.items()})


def inputs_of(graph: Graph, batch: int, seed: int = 0, dtype=torch.double) -> tuple[Tensor, ...]:
    random = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(batch, *shape[1:], generator=random, dtype=torch.double).to(dtype)
        for shape in graph.inputs.values()
    )
