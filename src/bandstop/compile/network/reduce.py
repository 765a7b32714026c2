"""Sums, maxima, softmax and windows."""

from __future__ import annotations

import math

import torch

from bandstop.compile.network.elements import literal
from bandstop.compile.network.maker import Maker
from bandstop.compile.network.moves import padded
from bandstop.compile.network.refs import Ref
from bandstop.compile.network.steps import Elements, Fold, Softmax
from bandstop.graph import Node
from bandstop.graph.operations import OPERATIONS, Marks


def reduced(m: Maker, node: Node, expression: str, start: str) -> None:
    source, dims = m.ref(node.inputs[0]), node.attributes["dims"]
    target = m.fresh(m.shapes[node.output])
    strides = tuple(0 if d in dims else s for d, s in enumerate(target.strides))
    m.made.steps.append(
        Fold(target, [source], source.shape, [strides, source.strides], expression, start)
    )
    m.refs[node.output] = target


def total(m: Maker, node: Node) -> None:
    reduced(m, node, "{0} + {1}", "0.0f")


def highest(m: Maker, node: Node) -> None:
    reduced(m, node, "({1} > {0} ? {1} : {0})", "-INFINITY")


def softmax(m: Maker, node: Node) -> None:
    target = m.fresh(m.shapes[node.output])
    (dim,) = node.attributes["dims"]
    m.made.steps.append(Softmax(target, m.ref(node.inputs[0]), dim))
    m.refs[node.output] = target


def standardise(m: Maker, node: Node) -> None:
    source, a = m.ref(node.inputs[0]), node.attributes
    dims = a["dims"]
    small = tuple(1 if d in dims else n for d, n in enumerate(source.shape))
    share = literal(1 / math.prod(source.shape[d] for d in dims))

    def mean(of: Ref, expression: str) -> Ref:
        target = m.fresh(small)
        strides = tuple(0 if d in dims else s for d, s in enumerate(target.strides))
        m.made.steps.append(Fold(target, [of], of.shape, [strides, of.strides], expression, "0.0f"))
        m.made.steps.append(Elements(target, [target], f"{{0}} * {share}"))
        return m.broad(target, source.shape)

    centred, target = m.fresh(source.shape), m.fresh(source.shape)
    m.made.steps.append(Elements(centred, [source, mean(source, "{0} + {1}")], "{0} - {1}"))
    variance = mean(centred, "{0} + {1} * {1}")
    root = f"{{0}} / sqrtf({{1}} + {literal(a['eps'])})"
    m.made.steps.append(Elements(target, [centred, variance], root))
    m.refs[node.output] = target


def max_pool(m: Maker, node: Node) -> None:
    pooled(m, node, "({1} > {0} ? {1} : {0})", "-INFINITY")


def mean_pool(m: Maker, node: Node) -> None:
    pooled(m, node, "{0} + {1}", "0.0f")
    # what a window is divided by is the operation's own affair: where it stands out, less than its size
    ones = torch.ones(m.ref(node.inputs[0]).shape)
    mean = OPERATIONS["mean-pool"]
    there = mean.flow([Marks(None, ones)], node.attributes).counts
    share = mean.run([ones], node.attributes, 1) / there.clamp(min=1)
    out = m.refs[node.output]
    m.made.steps.append(Elements(out, [out, m.constant(share.numpy(), "")], "{0} * {1}"))


def pooled(m: Maker, node: Node, expression: str, start: str) -> None:
    a, source = node.attributes, m.ref(node.inputs[0])
    shape = m.shapes[node.output]
    rank = len(a["kernel"])
    around = source.shape[2:]
    need = [
        (shape[2 + d] - 1) * a["stride"][d] + (a["kernel"][d] - 1) * a["dilation"][d] + 1
        for d in range(rank)
    ]
    before = (0, 0, *a["padding"])
    after = (
        0,
        0,
        *(max(0, n - size - p) for n, size, p in zip(need, around, a["padding"], strict=True)),
    )
    source = padded(m, source, before, after, start)
    target = m.fresh(shape)
    taps = tuple(a["kernel"])
    strides = (
        *source.strides[:2],
        *(source.strides[2 + d] * a["stride"][d] for d in range(rank)),
        *(source.strides[2 + d] * a["dilation"][d] for d in range(rank)),
    )
    m.made.steps.append(
        Fold(
            target, [source], (*shape, *taps), [(*target.strides, *(0,) * rank), strides],
            expression, start,
        )
    )  # fmt: skip
    m.refs[node.output] = target
