"""Views, permutations and slices, which cost nothing, and copies, which do."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bandstop.compile.network.maker import Maker
from bandstop.compile.network.refs import Ref, contiguous
from bandstop.compile.network.steps import Clear, Elements
from bandstop.errors import Failure
from bandstop.graph import Node


def door(m: Maker, node: Node) -> None:
    m.refs[node.output] = m.ref(node.inputs[0])


def view(m: Maker, node: Node) -> None:
    source, shape = m.ref(node.inputs[0]), tuple(node.attributes["shape"])
    viewed = source.viewed(shape) or m.whole(source).viewed(shape)
    if viewed is None:
        raise Failure(f"a view of {source.shape} as {shape}: please report this with the network")
    m.refs[node.output] = viewed


def permute(m: Maker, node: Node) -> None:
    source = m.ref(node.inputs[0])
    m.refs[node.output] = source.permuted(tuple(node.attributes["order"]))


def expand(m: Maker, node: Node) -> None:
    m.refs[node.output] = m.broad(m.ref(node.inputs[0]), tuple(node.attributes["shape"]))


def take(m: Maker, node: Node) -> None:
    source, dim, index = (
        m.ref(node.inputs[0]),
        node.attributes["dim"],
        node.attributes["index"],
    )
    step = index[1] - index[0] if len(index) > 1 else 1
    if list(index) == [index[0] + step * i for i in range(len(index))]:
        m.refs[node.output] = source.taken(dim, index[0], len(index), step)
        return
    out = m.fresh(m.shapes[node.output])
    start = 0
    for first, count in runs(index):
        part = out.taken(dim, start, count, 1)
        m.made.steps.append(Elements(part, [source.taken(dim, first, count, 1)], "{0}"))
        start += count
    m.refs[node.output] = out


def concatenate(m: Maker, node: Node) -> None:
    out, dim, start = m.fresh(m.shapes[node.output]), node.attributes["dim"], 0
    for name in node.inputs:
        source = m.ref(name)
        count = source.shape[dim]
        part = out.taken(dim, start, count, 1)
        start += count
        if not inside(m, source, part, name):
            m.made.steps.append(Elements(part, [source], "{0}"))
    m.refs[node.output] = out


def inside(m: Maker, source: Ref, part: Ref, name: str) -> bool:
    """Make a value where it is wanted in the first place."""
    one = math.prod(part.shape[: next((d for d, n in enumerate(part.shape) if n > 1), 0)]) == 1
    whole = Ref(part.buffer, part.shape, contiguous(part.shape), part.offset)
    side_by_side = all(
        n == 1 or a == b for n, a, b in zip(part.shape, part.strides, whole.strides, strict=True)
    )
    movable = (
        source.buffer.inside is None
        and not source.buffer.name
        and source.whole
        and source.offset == 0
        and id(source.buffer) in m.rows_of
        and m.alone(name)
    )
    if not (one and side_by_side and movable):
        return False
    source.buffer.inside = (part.buffer, part.offset)
    return True


def pad(m: Maker, node: Node) -> None:
    a = node.attributes
    m.refs[node.output] = padded(m, m.ref(node.inputs[0]), a["before"], a["after"])


def padded(
    m: Maker, source: Ref, before: Sequence[int], after: Sequence[int], value: str = "0.0f"
) -> Ref:
    """A copy with a number around it, or the value itself where nothing is around."""
    if not any(before) and not any(after):
        return source
    large = tuple(b + n + x for b, n, x in zip(before, source.shape, after, strict=True))
    out = m.fresh(large)
    m.made.steps.append(Clear(out) if value == "0.0f" else Elements(out, [], value))
    inside = out
    for d, start in enumerate(before):
        inside = inside.taken(d, start, source.shape[d], 1)
    m.made.steps.append(Elements(inside, [source], "{0}"))
    return out


def windows(m: Maker, node: Node) -> None:
    a = node.attributes
    around = (0, 0, *a["padding"])
    source = padded(m, m.ref(node.inputs[0]), around, around)
    shape = m.shapes[node.output]
    samples, channels, height, width = source.shape
    kh, kw = a["kernel"]
    oh = (height - a["dilation"][0] * (kh - 1) - 1) // a["stride"][0] + 1
    ow = (width - a["dilation"][1] * (kw - 1) - 1) // a["stride"][1] + 1
    s = source.strides
    windows = Ref(
        source.buffer, (samples, channels, kh, kw, oh, ow),
        (s[0], s[1], s[2] * a["dilation"][0], s[3] * a["dilation"][1], s[2] * a["stride"][0],
         s[3] * a["stride"][1]), source.offset,
    )  # fmt: skip
    viewed = windows.viewed(shape) or m.whole(windows).viewed(shape)
    assert viewed is not None
    m.refs[node.output] = viewed


def runs(index: list[int]) -> list[tuple[int, int]]:
    """Neighbouring positions together: (first, count)."""
    found: list[tuple[int, int]] = []
    for i in index:
        if found and sum(found[-1]) == i:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((i, 1))
    return found
