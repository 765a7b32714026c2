"""Sums, maxima, softmax and windows."""

from __future__ import annotations

import math

from bandstop.compile.network.elements import literal
from bandstop.compile.network.maker import Maker
from bandstop.compile.network.moves import padded
from bandstop.compile.network.steps import Elements, Fold, Softmax, Standardise
from bandstop.errors import BadInput
from bandstop.graph import Node


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
    source, dims = m.whole(m.ref(node.inputs[0])), node.attributes["dims"]
    if tuple(dims) != tuple(range(len(source.shape) - len(dims), len(source.shape))):
        raise BadInput("there is no C for layer normalisation over other than the last axes")
    count = math.prod(source.shape[d] for d in dims)
    target = m.fresh(source.shape)
    m.made.steps.append(
        Standardise(target, source, source.size // count, count, node.attributes["eps"])
    )
    m.refs[node.output] = target


def max_pool(m: Maker, node: Node) -> None:
    pooled(m, node, "({1} > {0} ? {1} : {0})", "-INFINITY")


def mean_pool(m: Maker, node: Node) -> None:
    a = node.attributes
    if a["ceil"] or (any(a["padding"]) and not a["padded"]):
        raise BadInput("there is no C for a mean over windows that stand out yet")
    pooled(m, node, "{0} + {1}", "0.0f")
    out = m.refs[node.output]
    share = literal(1 / math.prod(a["kernel"]))
    m.made.steps.append(Elements(out, [out], f"{{0}} * {share}"))


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
