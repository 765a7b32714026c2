"""Operations with weights: products, convolutions, normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import fx

from bandstop.graph.trace.reader import Read, Reader, Unknown, each, place


def _einsum(r: Reader, n: fx.Node, equation: str, xs: Sequence[fx.Node], path: Any = None) -> None:
    equation = equation.replace(" ", "")
    if "..." in equation or len(xs) > 2:
        raise Unknown("einsum with an ellipsis or three values")
    if "->" not in equation:
        every = [c for c in sorted(set(equation)) if c.isalpha() and equation.count(c) == 1]
        equation += "->" + "".join(every)
    words, out = equation.split("->")
    for word, x in zip(words.split(","), xs, strict=True):
        r.apart(n, x, [d for d, letter in enumerate(word) if letter not in out])
    r.add(n, "einsum", [r.names[x] for x in xs], equation=equation)


def _matmul(r: Reader, n: fx.Node, a: fx.Node, b: fx.Node) -> None:
    left, right = len(r.full(a)), len(r.full(b))
    if left < 2 or right < 2:
        raise Unknown("matmul of a vector")
    r.apart(n, a, [-1])
    r.apart(n, b, [-2])
    one = [chr(ord("a") + i) for i in range(max(left, right) - 2)]
    first = one[len(one) - (left - 2) :] if left > 2 else []
    second = one[len(one) - (right - 2) :] if right > 2 else []
    shapes: dict[str, set[int]] = {}
    for word, x in ((first, a), (second, b)):
        for letter, size in zip(word, r.full(x), strict=False):
            shapes.setdefault(letter, set()).add(size)
    if any(len(s) > 1 for s in shapes.values()):
        raise Unknown("matmul that repeats a matrix")
    equation = f"{''.join(first)}xy,{''.join(second)}yz->{''.join(one)}xz"
    r.add(n, "einsum", [r.names[a], r.names[b]], equation=equation)


def _linear(r: Reader, n: fx.Node, x: fx.Node, w: fx.Node, b: fx.Node | None = None) -> None:
    r.apart(n, x, [-1])
    front = "".join(chr(ord("a") + i) for i in range(len(r.full(x)) - 1))
    made = r.add(n, "einsum", [r.names[x], r.names[w]], equation=f"{front}y,zy->{front}z")
    if b is not None:
        r.add(n, "add", [made, r.names[b]])


def _addmm(r: Reader, n: fx.Node, b: fx.Node, x: fx.Node, w: fx.Node) -> None:
    r.apart(n, x, [-1])
    made = r.add(n, "einsum", [r.names[x], r.names[w]], equation="ay,yz->az")
    r.add(n, "add", [made, r.names[b]])


def _conv(
    r: Reader,
    n: fx.Node,
    x: fx.Node,
    w: fx.Node,
    b: fx.Node | None = None,
    stride: Sequence[int] = (1,),
    padding: Any = (0,),
    dilation: Sequence[int] = (1,),
    groups: int = 1,
) -> None:
    count = len(r.full(x)) - 2
    r.apart(n, x, range(1, count + 2))
    if isinstance(padding, str):
        kernel = r.full(w)[2:]
        spread = [d * (k - 1) for d, k in zip(each(dilation, count), kernel, strict=True)]
        if padding == "same" and any(s % 2 for s in spread):
            raise Unknown("convolution with another padding on each side")
        padding = [s // 2 if padding == "same" else 0 for s in spread]
    made = r.add(
        n, "convolve", [r.names[x], r.names[w]], stride=each(stride, count),
        padding=each(padding, count), dilation=each(dilation, count), groups=groups,
    )  # fmt: skip
    if b is not None:
        shape = (1, r.full(b)[0], *(1,) * count)
        bias = r.add(n, "view", [r.names[b]], shape=shape, batch=None)
        r.add(n, "add", [made, bias])


def _norm(
    r: Reader, n: fx.Node, x: fx.Node, w: Any, b: Any, mean: fx.Node, var: fx.Node, *a: Any
) -> None:
    eps = a[-1]
    if any(v is not None and r.names[v] not in r.tensors for v in (w, b, mean, var)):
        raise Unknown("normalisation by what is computed")
    r.apart(n, x, range(1, len(r.full(x))))
    scale = (r.tensors[r.names[var]] + eps).rsqrt()
    if w is not None:
        scale = scale * r.tensors[r.names[w]]
    shift = -r.tensors[r.names[mean]] * scale
    if b is not None:
        shift = shift + r.tensors[r.names[b]]
    shape = (1, -1, *(1,) * (len(r.full(x)) - 2))
    at = place(n) or "norm"
    made = r.add(n, "multiply", [r.names[x], r.constant(scale.view(shape), f"{at}.scale")])
    r.parts[n] = [r.add(n, "add", [made, r.constant(shift.view(shape), f"{at}.shift")])]


def _layer_norm(
    r: Reader, n: fx.Node, x: fx.Node, shape: Any, w: Any = None, b: Any = None, eps: float = 1e-5,
    *_: Any,
) -> None:  # fmt: skip
    rank = len(r.full(x))
    dims = tuple(range(rank - len(shape), rank))
    r.apart(n, x, dims)
    made = r.add(n, "standardise", [r.names[x]], dims=dims, eps=eps)
    if w is not None:
        made = r.add(n, "multiply", [made, r.names[w]])
    if b is not None:
        made = r.add(n, "add", [made, r.names[b]])
    r.parts[n] = [made]  # where it is one of several results


READERS: dict[str, Read] = {
    "einsum": _einsum, "matmul": _matmul, "bmm": _matmul, "mm": _matmul, "linear": _linear,
    "addmm": _addmm, "conv1d": _conv, "conv2d": _conv, "conv3d": _conv,
    "_native_batch_norm_legit_no_training": _norm, "native_layer_norm": _layer_norm,
    "layer_norm": _layer_norm,
}  # fmt: skip
