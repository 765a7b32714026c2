"""ONNX operators as operations of a graph: a literal table, one reader a kind."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from bandstop.graph.onnx.reader import Reader, Unsupported

Attributes = Mapping[str, Any]
Names = Sequence[str]
Read = Callable[[Reader, Names, Names, Attributes], None]
"""(what was read so far, inputs, outputs, attributes); absent inputs are empty."""
LETTERS = "abcdefghijklm"


def _axes(r: Reader, ins: Names, a: Attributes, rank: int, at: int = 1) -> list[int] | None:
    """Axes as an attribute, or as an input since opset 13; None where there are none."""
    given = a.get("axes")
    if given is None and len(ins) > at and ins[at]:
        given = r.whole(ins[at])
    return None if given is None else sorted(int(d) % rank for d in given)


def _window(r: Reader, x: str, a: Attributes, kernel: Sequence[int]) -> tuple[list[int], ...]:
    """Stride, dilation, padding before and after of each axis behind the channels."""
    count = len(kernel)
    stride = list(a.get("strides", [1] * count))
    dilation = list(a.get("dilations", [1] * count))
    pads = list(a.get("pads", [0] * 2 * count))
    auto = a.get("auto_pad", b"NOTSET").decode()
    if auto in ("SAME_UPPER", "SAME_LOWER"):
        before, after = [], []
        for n, k, s, d in zip(r.shape(x)[2:], kernel, stride, dilation, strict=True):
            total = max(0, (-(-n // s) - 1) * s + d * (k - 1) + 1 - n)
            small, large = total // 2, total - total // 2
            before.append(small if auto == "SAME_UPPER" else large)
            after.append(large if auto == "SAME_UPPER" else small)
        return stride, dilation, before, after
    return stride, dilation, pads[:count], pads[count:]


def _padded(r: Reader, source: str, rank: int, before: list[int], after: list[int]) -> str:
    if not any(before + after):
        return source
    ahead = [0] * (rank - len(before))
    return r.add("pad", [source], before=ahead + before, after=ahead + after)


def _conv(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    x, weight = ins[0], r.constant(ins[1])
    kernel = list(a.get("kernel_shape", weight.shape[2:]))
    stride, dilation, before, after = _window(r, x, a, kernel)
    source, padding = r.value(x), before
    if before != after:
        source, padding = _padded(r, source, weight.ndim, before, after), [0] * len(before)
    biased = len(ins) > 2 and bool(ins[2])
    made = r.add(
        "convolve", [source, r.value(ins[1])], "" if biased else outs[0], stride=tuple(stride),
        padding=tuple(padding), dilation=tuple(dilation), groups=int(a.get("group", 1)),
    )  # fmt: skip
    if biased:
        bias = r.constant(ins[2]).reshape(1, -1, *[1] * len(kernel))
        r.add("add", [made, r.tensor(bias)], outs[0])


def _gemm(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    if a.get("transA", 0) or len(r.shape(ins[0])) != 2:
        raise Unsupported("Gemm of a transposed input")
    weight = np.asarray(r.constant(ins[1])) * np.asarray(a.get("alpha", 1.0), np.float32)
    equation = "ab,cb->ac" if a.get("transB", 0) else "ab,bc->ac"
    biased = len(ins) > 2 and bool(ins[2])
    own = r.value(ins[1]) if a.get("alpha", 1.0) == 1.0 else r.tensor(weight)
    made = r.add("einsum", [r.value(ins[0]), own], "" if biased else outs[0], equation=equation)
    if biased:
        bias = np.asarray(r.constant(ins[2])) * np.asarray(a.get("beta", 1.0), np.float32)
        r.add("add", [made, r.tensor(bias.reshape(1, -1) if bias.ndim < 2 else bias)], outs[0])


def _matmul(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    one, other = (r.shape(name) for name in ins)
    if min(len(one), len(other)) < 2:
        raise Unsupported("MatMul of a vector")
    batch = LETTERS[: max(len(one), len(other)) - 2]
    sides = []
    for shape, ends in ((one, "xy"), (other, "yz")):
        ahead = batch[len(batch) - (len(shape) - 2) :] if len(shape) > 2 else ""
        sides.append(ahead + ends)
    for d, letter in enumerate(reversed(batch)):
        sizes = {s[-3 - d] for s in (one, other) if len(s) > d + 2}
        if len(sizes) > 1:
            raise Unsupported(f"MatMul that repeats axis {letter}")
    r.add(
        "einsum", [r.value(n) for n in ins], outs[0], equation=f"{sides[0]},{sides[1]}->{batch}xz"
    )  # fmt: skip


def _einsum(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    equation = a["equation"].decode().replace(" ", "")
    if len(ins) > 2 or "." in equation or "->" not in equation:
        raise Unsupported(f"Einsum {equation}")
    r.add("einsum", [r.value(n) for n in ins], outs[0], equation=equation)


def _batch_norm(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    scale, shift, mean, variance = (np.asarray(r.constant(n), np.float64) for n in ins[1:5])
    factor = scale / np.sqrt(variance + a.get("epsilon", 1e-5))
    shape = (1, -1, *[1] * (len(r.shape(ins[0])) - 2))
    parts = [v.astype(np.float32).reshape(shape) for v in (factor, shift - mean * factor)]
    made = r.add("multiply", [r.value(ins[0]), r.tensor(parts[0])])
    r.add("add", [made, r.tensor(parts[1])], outs[0])


def _layer_norm(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    rank = len(r.shape(ins[0]))
    dims = tuple(range(a.get("axis", -1) % rank, rank))
    made = r.add("standardise", [r.value(ins[0])], dims=dims, eps=float(a.get("epsilon", 1e-5)))
    biased = len(ins) > 2 and bool(ins[2])
    made = r.add("multiply", [made, r.value(ins[1])], "" if biased else outs[0])
    if biased:
        r.add("add", [made, r.value(ins[2])], outs[0])


def _binary(operation: str) -> Read:
    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        r.add(operation, [r.value(name) for name in ins], outs[0])

    return read


def _function(operation: str, **fixed: tuple[str, str, float]) -> Read:
    """Of one value; each attribute from the operator's, or a default."""

    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        own = {ours: float(a.get(theirs, default)) for ours, (_, theirs, default) in fixed.items()}
        r.add(operation, [r.value(ins[0])], outs[0], **own)

    return read


def _scaled(scale: float) -> Read:
    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        r.add("scale", [r.value(ins[0])], outs[0], scale=scale, shift=0.0)

    return read


def _power(exponent: float | None) -> Read:
    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        power = r.number(ins[1]) if exponent is None else exponent
        r.add("power", [r.value(ins[0])], outs[0], exponent=power)

    return read


def _gelu(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    r.add(
        "gelu", [r.value(ins[0])], outs[0], approximate=a.get("approximate", b"none").decode()
    )  # fmt: skip


def _hard_sigmoid(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    scale, shift = float(a.get("alpha", 0.2)), float(a.get("beta", 0.5))
    made = r.add("scale", [r.value(ins[0])], scale=scale, shift=shift)
    r.add("clamp", [made], outs[0], min=0.0, max=1.0)


def _clip(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    ends = [r.number(n) if n else None for n in (*ins[1:3], *[""] * (3 - len(ins)))]
    low, high = (
        a.get(k, given) for k, given in zip(("min", "max"), ends, strict=True)
    )  # before opset 11 attributes
    r.add("clamp", [r.value(ins[0])], outs[0], min=low, max=high)


def _bound(end: str) -> Read:
    """Min and Max with one number."""

    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        known = [n for n in ins if n in r.known]
        if len(ins) != 2 or len(known) != 1:
            raise Unsupported("Min and Max of anything but a value and a number")
        (value,) = (n for n in ins if n not in r.known)
        ends = {"min": None, "max": None, end: r.number(known[0])}
        r.add("clamp", [r.value(value)], outs[0], **ends)

    return read


def _softmax(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    rank = len(r.shape(ins[0]))
    axis = a.get("axis", -1 if a["opset"] >= 13 else 1) % rank
    if a["opset"] < 13 and axis != rank - 1:
        raise Unsupported("Softmax over several axes, as before opset 13")
    r.add("softmax", [r.value(ins[0])], outs[0], dims=(axis,))


def _reduce(operation: str) -> Read:
    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        shape = r.shape(ins[0])
        dims = _axes(r, ins, a, len(shape))
        if dims is None:
            if a.get("noop_with_empty_axes", 0):
                return r.same(ins[0], outs[0])
            dims = list(range(len(shape)))
        if 0 in dims and shape[0] == 1:
            raise Unsupported("a reduction over the batch")
        keep = bool(a.get("keepdims", 1))
        mean = operation == "mean"
        kind = "sum" if mean else operation
        made = r.add(
            kind, [r.value(ins[0])], outs[0] if keep and not mean else "", dims=tuple(dims)
        )
        if mean:
            scale = 1 / math.prod(shape[d] for d in dims)
            made = r.add("scale", [made], outs[0] if keep else "", scale=scale, shift=0.0)
        if not keep:
            r.view(made, [n for d, n in enumerate(shape) if d not in dims], outs[0])
        return None

    return read


def _global(operation: str) -> Read:
    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        dims = list(range(2, len(r.shape(ins[0]))))
        _reduce(operation)(r, ins, outs, {"axes": dims, "keepdims": 1})

    return read


def _pool(operation: str) -> Read:
    def read(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
        kernel = list(a["kernel_shape"])
        stride, dilation, before, after = _window(r, ins[0], a, kernel)
        if len(kernel) > 2 or (len(outs) > 1 and outs[1]):
            raise Unsupported(f"{operation} over three axes, or with indices")
        if a.get("ceil_mode", 0):
            raise Unsupported(f"{operation} with ceil_mode")
        source, counted = r.value(ins[0]), bool(a.get("count_include_pad", 0))
        if before != after:
            if operation == "max-pool" or not counted:
                raise Unsupported(f"{operation} with other padding before than after")
            source = _padded(r, source, len(r.shape(ins[0])), before, after)
            before = [0] * len(before)
        more = {} if operation == "max-pool" else {"padded": counted}
        r.add(
            operation, [source], outs[0], kernel=tuple(kernel), stride=tuple(stride),
            padding=tuple(before), dilation=tuple(dilation), ceil=False, out=None, **more,
        )  # fmt: skip

    return read


def _transpose(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    rank = len(r.shape(ins[0]))
    order = tuple(int(d) for d in a.get("perm", range(rank - 1, -1, -1)))
    r.add("permute", [r.value(ins[0])], outs[0], order=order)


def _reshape(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    old, asked = r.shape(ins[0]), r.whole(ins[1]) if len(ins) > 1 else list(a["shape"])
    shape = [old[d] if n == 0 and not a.get("allowzero", 0) else n for d, n in enumerate(asked)]
    if -1 in shape:
        rest = -math.prod(shape)
        shape[shape.index(-1)] = math.prod(old) // rest if rest else 0
    r.view(r.value(ins[0]), shape, outs[0])


def _flatten(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape = r.shape(ins[0])
    axis = a.get("axis", 1) % (len(shape) + 1)
    r.view(r.value(ins[0]), [math.prod(shape[:axis]), math.prod(shape[axis:])], outs[0])


def _squeeze(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape = r.shape(ins[0])
    dims = _axes(r, ins, a, len(shape))
    gone = [d for d, n in enumerate(shape) if n == 1] if dims is None else dims
    r.view(r.value(ins[0]), [n for d, n in enumerate(shape) if d not in gone], outs[0])


def _unsqueeze(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape = list(r.shape(ins[0]))
    given = a.get("axes")
    asked = r.whole(ins[1]) if given is None else list(given)
    for d in sorted(int(d) % (len(shape) + len(asked)) for d in asked):
        shape.insert(d, 1)
    r.view(r.value(ins[0]), shape, outs[0])


def _concat(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    dim = a["axis"] % len(r.shape(ins[0]))
    r.add("concatenate", [r.value(name) for name in ins], outs[0], dim=dim)


def _take(r: Reader, source: str, dim: int, index: Sequence[int], output: str) -> str:
    return r.add("take", [source], output, dim=dim, index=tuple(int(i) for i in index))


def _split(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape = r.shape(ins[0])
    dim = a.get("axis", 0) % len(shape)
    given = r.whole(ins[1]) if len(ins) > 1 and ins[1] else a.get("split")
    each = -(-shape[dim] // len(outs))
    sizes = given or [min(each, shape[dim] - i * each) for i in range(len(outs))]
    start = 0
    for size, output in zip(sizes, outs, strict=True):
        _take(r, r.value(ins[0]), dim, range(start, start + size), output)
        start += size


def _slice(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape = r.shape(ins[0])
    if "starts" in a:
        starts, ends, axes, steps = list(a["starts"]), list(a["ends"]), a.get("axes"), None
    else:
        starts, ends = r.whole(ins[1]), r.whole(ins[2])
        axes = r.whole(ins[3]) if len(ins) > 3 and ins[3] else None
        steps = r.whole(ins[4]) if len(ins) > 4 and ins[4] else None
    axes = list(range(len(starts))) if axes is None else [int(d) % len(shape) for d in axes]
    made = r.value(ins[0])
    for at, (start, end, d) in enumerate(zip(starts, ends, axes, strict=True)):
        index = range(shape[d])[start : end : steps[at] if steps else 1]
        if not len(index):
            raise Unsupported("an empty Slice")
        made = _take(r, made, d, index, outs[0] if at == len(axes) - 1 else "")


def _gather(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape, index = r.shape(ins[0]), np.asarray(r.constant(ins[1]))
    dim = a.get("axis", 0) % len(shape)
    flat = [int(i) % shape[dim] for i in index.reshape(-1)]
    plain = index.ndim == 1
    made = _take(r, r.value(ins[0]), dim, flat, outs[0] if plain else "")
    if not plain:
        r.view(made, [*shape[:dim], *index.shape, *shape[dim + 1 :]], outs[0])


def _pad(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    rank = len(r.shape(ins[0]))
    pads = list(a["pads"]) if "pads" in a else r.whole(ins[1])
    value = r.number(ins[2]) if len(ins) > 2 and ins[2] else a.get("value", 0.0)
    if a.get("mode", b"constant") != b"constant" or value or min(pads) < 0 or len(ins) > 3:
        raise Unsupported("Pad with other than zeros around all axes")
    r.add("pad", [r.value(ins[0])], outs[0], before=tuple(pads[:rank]), after=tuple(pads[rank:]))


def _expand(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    shape = np.broadcast_shapes(r.shape(ins[0]), tuple(r.whole(ins[1])))
    made = r.value(ins[0])
    if len(shape) > len(r.shape(ins[0])):
        made = r.view(made, [*[1] * (len(shape) - len(r.shape(ins[0]))), *r.shape(ins[0])])
    r.add("expand", [made], outs[0], shape=tuple(shape), batch=0)


def _same(r: Reader, ins: Names, outs: Names, a: Attributes) -> None:
    r.same(ins[0], outs[0])


OPERATORS: dict[str, Read] = {
    **dict.fromkeys(("Identity", "Dropout", "Cast"), _same),
    "Conv": _conv, "Gemm": _gemm, "MatMul": _matmul, "Einsum": _einsum,
    "BatchNormalization": _batch_norm, "LayerNormalization": _layer_norm,
    "Add": _binary("add"), "Sub": _binary("subtract"), "Mul": _binary("multiply"),
    "Div": _binary("divide"), "Neg": _scaled(-1.0), "Pow": _power(None), "Sqrt": _function("sqrt"),
    "Reciprocal": _power(-1.0), "Exp": _function("exp"), "Abs": _function("abs"), "Clip": _clip,
    "Min": _bound("max"), "Max": _bound("min"), "Relu": _function("relu"),
    "LeakyRelu": _function("leaky-relu", negative_slope=("", "alpha", 0.01)),
    "Elu": _function("elu", alpha=("", "alpha", 1.0)), "Sigmoid": _function("sigmoid"),
    "Tanh": _function("tanh"), "Gelu": _gelu, "HardSigmoid": _hard_sigmoid,
    "HardSwish": _function("hardswish"), "Softmax": _softmax, "ReduceMean": _reduce("mean"),
    "ReduceSum": _reduce("sum"), "ReduceMax": _reduce("max"), "GlobalAveragePool": _global("mean"),
    "GlobalMaxPool": _global("max"), "AveragePool": _pool("mean-pool"), "MaxPool": _pool("max-pool"),
    "Transpose": _transpose, "Reshape": _reshape, "Flatten": _flatten, "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze, "Concat": _concat, "Split": _split, "Slice": _slice, "Gather": _gather,
    "Pad": _pad, "Expand": _expand,
}  # fmt: skip
"""Operator -> how it is read."""
