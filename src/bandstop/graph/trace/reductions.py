"""Operations over dimensions: sums, maxima, softmax, pooling."""

from __future__ import annotations

import math
from typing import Any

from torch import fx

from bandstop.graph.trace.reader import Read, Reader, Unknown, called, dims_of, each


def _summed(r: Reader, n: fx.Node, name: str, over: tuple[int, ...], count: float = 1) -> str:
    """The sum over dimensions, divided by `count`."""
    made = r.add(n, "sum", [name], dims=over)
    return made if count == 1 else r.add(n, "scale", [made], scale=1 / count, shift=0.0)


def _total(mean: bool) -> Read:
    def read(
        r: Reader, n: fx.Node, x: fx.Node, dims: Any = None, keep: bool = False, **_: Any
    ) -> None:
        over = dims_of(dims, len(r.full(x)))
        r.apart(n, x, over)
        made = _summed(r, n, r.names[x], over, math.prod(r.full(x)[d] for d in over) if mean else 1)
        if not keep:
            r.reshaped(n, made)

    return read


def _spread(root: bool) -> Read:
    def read(
        r: Reader,
        n: fx.Node,
        x: fx.Node,
        dims: Any = None,
        correction: Any = 1,
        keepdim: bool = False,
    ) -> None:
        over = dims_of(dims, len(r.full(x)))
        r.apart(n, x, over)
        count = math.prod(r.full(x)[d] for d in over)
        less = float(1 if correction is None else correction)
        if count <= less:
            raise Unknown(f"{called(n)} of so few values")
        mean = _summed(r, n, r.names[x], over, count)
        apart = r.add(n, "subtract", [r.names[x], mean])
        made = _summed(r, n, r.add(n, "multiply", [apart, apart]), over, count - less)
        if root:
            made = r.add(n, "sqrt", [made])
        if not keepdim:
            r.reshaped(n, made)

    return read


def _highest(r: Reader, n: fx.Node, x: fx.Node, dims: Any = None, keep: bool = False) -> None:
    r.apart(n, x, dims_of(dims, len(r.full(x))))
    made = r.add(n, "max", [r.names[x]], dims=dims_of(dims, len(r.full(x))))
    if not keep:
        r.reshaped(n, made)


def _max_dim(r: Reader, n: fx.Node, x: fx.Node, dim: Any, keep: bool = False) -> None:
    if not isinstance(dim, int):
        raise Unknown(f"{called(n)} of two values")
    r.apart(n, x, [dim])
    made = r.add(n, "max", [r.names[x]], dims=dims_of(dim, len(r.full(x))))
    if not keep:
        shape = tuple(s for d, s in enumerate(r.shape(x)) if d != dim % len(r.full(x)))
        along = r.along(x)
        if along is not None and along > dim % len(r.full(x)):
            along -= 1
        made = r.add(n, "view", [made], shape=shape, batch=along)
    r.parts[n] = [made]


def _softmax(r: Reader, n: fx.Node, x: fx.Node, dim: int, *_: Any) -> None:
    r.apart(n, x, [dim])
    r.add(n, "softmax", [r.names[x]], dims=dims_of(dim, len(r.full(x))))


def _max_pool(
    r: Reader, n: fx.Node, x: fx.Node, kernel: Any, stride: Any = (), padding: Any = 0,
    dilation: Any = 1, ceil: bool = False,
) -> None:  # fmt: skip
    val = n.meta["val"]
    out = tuple(int(s) for s in (val[0] if isinstance(val, tuple | list) else val).shape)
    count = len(out) - 2
    r.apart(n, x, range(1, count + 2))
    made = r.add(
        n, "max-pool", [r.names[x]], kernel=each(kernel, count), stride=each(stride or kernel, count),
        padding=each(padding, count), dilation=each(dilation, count), ceil=ceil, out=(1, *out[1:]),
    )  # fmt: skip
    r.parts[n] = [made]


def _mean_pool(
    r: Reader, n: fx.Node, x: fx.Node, kernel: Any, stride: Any = (), padding: Any = 0,
    ceil: bool = False, padded: bool = True,
) -> None:  # fmt: skip
    count = len(r.full(n)) - 2
    r.apart(n, x, range(1, count + 2))
    r.add(
        n, "mean-pool", [r.names[x]], kernel=each(kernel, count), stride=each(stride or kernel, count),
        padding=each(padding, count), dilation=(1,) * count, ceil=ceil, padded=padded,
        out=(1, *r.full(n)[1:]),
    )  # fmt: skip


def _adaptive(r: Reader, n: fx.Node, x: fx.Node, out: Any) -> None:
    rank = len(r.full(x))
    sizes = each(out, rank - 2) if not isinstance(out, int) else (out,) * (rank - 2)
    over = r.full(x)[-len(sizes) :]
    if any(o and n_ % o for n_, o in zip(over, sizes, strict=True)):
        raise Unknown("adaptive pooling into unequal windows")
    kernel = [n_ // o for n_, o in zip(over, sizes, strict=True)]
    _mean_pool(r, n, x, kernel, kernel)


READERS: dict[str, Read] = {
    "var": _spread(False), "std": _spread(True),
    "sum": _total(False), "mean": _total(True), "amax": _highest, "max": _max_dim,
    "_softmax": _softmax, "softmax": _softmax, "max_pool2d_with_indices": _max_pool,
    "max_pool2d": _max_pool, "max_pool1d": _max_pool, "avg_pool2d": _mean_pool,
    "avg_pool1d": _mean_pool, "_adaptive_avg_pool2d": _adaptive, "adaptive_avg_pool2d": _adaptive,
    "adaptive_avg_pool1d": _adaptive,
}  # fmt: skip
