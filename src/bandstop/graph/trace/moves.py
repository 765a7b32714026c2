"""Operations that move values and leave them as they are: views, slices, joins, windows;
and constants that are as large as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import fx

from bandstop.graph.trace.reader import Read, Reader, Unknown, called, dims_of, each


def _same(r: Reader, n: fx.Node, x: fx.Node, *_: Any, **__: Any) -> None:
    if n.meta["val"].dtype != x.meta["val"].dtype:
        raise Unknown("a change of type")
    r.names[n] = r.names[x]


def _nothing(r: Reader, n: fx.Node, *_: Any, **__: Any) -> None:
    """What has no value."""


def _view(r: Reader, n: fx.Node, *_: Any, **__: Any) -> None:
    r.reshaped(n)


def _permute(r: Reader, n: fx.Node, x: fx.Node, order: Sequence[int]) -> None:
    r.add(n, "permute", [r.names[x]], order=dims_of(order, len(r.full(x))))


def _transpose(r: Reader, n: fx.Node, x: fx.Node, a: int, b: int) -> None:
    rank = len(r.full(x))
    order = list(range(rank))
    order[a % rank], order[b % rank] = order[b % rank], order[a % rank]
    r.add(n, "permute", [r.names[x]], order=tuple(order))


def _t(r: Reader, n: fx.Node, x: fx.Node) -> None:
    _permute(r, n, x, list(range(len(r.full(x))))[::-1])


def _expand(r: Reader, n: fx.Node, x: fx.Node, *_: Any, **__: Any) -> None:
    r.add(n, "expand", [r.names[x]], shape=r.shape(n), batch=r.along(n))


def _cat(r: Reader, n: fx.Node, xs: Sequence[fx.Node], dim: int = 0) -> None:
    for x in xs:
        r.apart(n, x, [dim])
    r.add(n, "concatenate", [r.names[x] for x in xs], dim=dim % len(r.full(n)))


def _stack(r: Reader, n: fx.Node, xs: Sequence[fx.Node], dim: int = 0) -> None:
    rank = len(r.full(n))
    dim %= rank
    single = list(r.shape(n))
    single[dim] = 1
    views = [r.add(n, "view", [r.names[x]], shape=tuple(single), batch=r.along(n)) for x in xs]
    r.add(n, "concatenate", views, dim=dim)


def _slice(
    r: Reader,
    n: fx.Node,
    x: fx.Node,
    dim: int = 0,
    start: Any = 0,
    stop: Any = None,
    step: int = 1,
) -> None:
    dim %= len(r.full(x))
    index = list(range(r.full(x)[dim])[slice(start, stop, step)])
    if len(index) == r.full(x)[dim]:
        r.names[n] = r.names[x]
    else:
        r.apart(n, x, [dim])
        r.add(n, "take", [r.names[x]], dim=dim, index=index)


def _take(r: Reader, n: fx.Node, x: fx.Node, dim: int, index: fx.Node) -> None:
    dim %= len(r.full(x))
    places = r.tensors.get(r.names[index])
    if places is None or places.dtype not in (torch.long, torch.int):
        raise Unknown(f"{called(n)} with places that are computed")
    r.apart(n, x, [dim])
    flat = [int(place) % r.full(x)[dim] for place in places.flatten()]
    part = r.add(n, "take", [r.names[x]], dim=dim, index=flat)
    if places.ndim != 1:
        r.reshaped(n, part)


def _index(r: Reader, n: fx.Node, x: fx.Node, places: Sequence[fx.Node | None]) -> None:
    dims = [d for d, place in enumerate(places) if place is not None]
    if len(dims) != 1:
        raise Unknown(f"{called(n)} of several dimensions at once")
    _take(r, n, x, dims[0], cast(fx.Node, places[dims[0]]))


def _shuffled(
    r: Reader, n: fx.Node, x: fx.Node, dims: Sequence[int], order: Callable[[int, int], list[int]]
) -> None:
    """Taken in another order along each of the dimensions: order(which of them, its size)."""
    r.apart(n, x, dims)
    name, sizes = r.names[x], r.full(x)
    for i, d in enumerate(dims):
        name = r.add(n, "take", [name], dim=d % len(sizes), index=order(i, sizes[d]))
    r.names[n] = name


def _flip(r: Reader, n: fx.Node, x: fx.Node, dims: Sequence[int]) -> None:
    _shuffled(r, n, x, dims, lambda _, size: list(range(size))[::-1])


def _roll(
    r: Reader, n: fx.Node, x: fx.Node, shifts: Sequence[int], dims: Sequence[int] = ()
) -> None:
    if len(shifts) != len(dims):
        raise Unknown(f"{called(n)} without dimensions")
    _shuffled(r, n, x, dims, lambda i, size: [(p - shifts[i]) % size for p in range(size)])


def _repeat(r: Reader, n: fx.Node, x: fx.Node, times: Sequence[int]) -> None:
    if len(times) > len(r.full(x)):
        raise Unknown(f"{called(n)} along a new dimension")
    if not all(times):
        raise Unknown(f"{called(n)} into nothing")
    times = (*(1,) * (len(r.full(x)) - len(times)), *times)
    several = [d for d, count in enumerate(times) if count != 1]
    r.apart(n, x, several)
    name = r.names[x]
    for d in several:
        name = r.add(n, "concatenate", [name] * times[d], dim=d)
    r.names[n] = name


def _made(r: Reader, n: fx.Node, *_: Any, **__: Any) -> None:
    r.made(n)


def _select(r: Reader, n: fx.Node, x: fx.Node, dim: int, index: int) -> None:
    r.apart(n, x, [dim])
    dim %= len(r.full(x))
    part = r.add(n, "take", [r.names[x]], dim=dim, index=[index % r.full(x)[dim]])
    r.reshaped(n, part)


def _pieces(r: Reader, n: fx.Node, x: fx.Node, dim: int, counts: Sequence[int], flat: bool) -> None:
    r.apart(n, x, [dim])
    dim %= len(r.full(x))
    start, r.parts[n] = 0, []
    for count, val in zip(counts, n.meta["val"], strict=True):
        part = r.add(n, "take", [r.names[x]], dim=dim, index=list(range(start, start + count)))
        if flat:
            full = tuple(int(s) for s in val.shape)
            along = next((d for d, s in enumerate(full) if s % r.batch == 0), None)
            shape = tuple(s // r.batch if d == along else s for d, s in enumerate(full))
            part = r.add(n, "view", [part], shape=shape, batch=along)
        r.parts[n].append(part)
        start += count


def _unbind(r: Reader, n: fx.Node, x: fx.Node, dim: int = 0) -> None:
    _pieces(r, n, x, dim, [1] * len(n.meta["val"]), flat=True)


def _split(r: Reader, n: fx.Node, x: fx.Node, _: Any, dim: int = 0) -> None:
    counts = [int(v.shape[dim]) for v in n.meta["val"]]
    _pieces(r, n, x, dim, counts, flat=False)


def _im2col(
    r: Reader, n: fx.Node, x: fx.Node, kernel: Any, dilation: Any, padding: Any, stride: Any
) -> None:
    r.apart(n, x, range(1, 4))
    r.add(
        n, "windows", [r.names[x]], kernel=each(kernel, 2), dilation=each(dilation, 2),
        padding=each(padding, 2), stride=each(stride, 2),
    )  # fmt: skip


def _pad(r: Reader, n: fx.Node, x: fx.Node, around: Sequence[int], *how: Any, **more: Any) -> None:
    rank = len(r.full(x))
    before, after = [0] * rank, [0] * rank
    for i in range(len(around) // 2):
        before[rank - 1 - i], after[rank - 1 - i] = around[2 * i], around[2 * i + 1]
    if any(v not in ("constant", None, 0) for v in (*how, *more.values())) or min(around) < 0:
        raise Unknown("padding with other than zeros")
    r.apart(n, x, [d for d in range(rank) if before[d] or after[d]])
    r.add(n, "pad", [r.names[x]], before=before, after=after)


READERS: dict[str, Read] = {
    **dict.fromkeys(
        ("clone", "contiguous", "alias", "detach", "dropout", "_to_copy", "lift_fresh_copy", "to"), _same
    ),
    **dict.fromkeys(
        ("view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "flatten", "unflatten"), _view
    ),
    "permute": _permute, "transpose": _transpose, "t": _t, "expand": _expand, "cat": _cat,
    "stack": _stack, "slice": _slice, "select": _select, "unbind": _unbind, "split": _split,
    "split_with_sizes": _split, "chunk": _split, "_assert_tensor_metadata": _nothing,
    **dict.fromkeys(("zeros_like", "ones_like", "full_like", "new_zeros", "new_ones", "new_full"), _made),
    "index": _index, "index_select": _take, "flip": _flip, "roll": _roll, "repeat": _repeat, "tile": _repeat,
    "im2col": _im2col, "constant_pad_nd": _pad, "pad": _pad,
}  # fmt: skip
