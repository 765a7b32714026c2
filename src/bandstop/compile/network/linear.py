"""Sums of products with known weights, as rows over columns; and of two values."""

from __future__ import annotations

import math

import numpy as np

from bandstop.compile.network.maker import GUARD, Maker
from bandstop.compile.network.moves import padded
from bandstop.compile.network.refs import Buffer, Ref, loops
from bandstop.compile.network.steps import Clear, Elements, Fold, Mix, Product, Rows
from bandstop.compile.network.tables import Row
from bandstop.graph import Node
from bandstop.graph.operations.contract import letters

WIDE = 32
"""Columns of an adjacency that is worked off a vector at a time."""


def rows(
    m: Maker,
    node: Node,
    source: Ref,
    entries: list[Row],
    columns: int,
    target: Ref,
) -> None:
    several(m, [source], entries, columns, [target])


def several(
    m: Maker,
    sources: list[Ref],
    entries: list[Row],
    columns: int,
    targets: list[Ref],
) -> None:
    """The same rows of several samples, whose targets lie one behind the other."""
    weights = m.table(entries)
    steps = [
        Rows(source, target, columns, weights, len(entries))
        for source, target in zip(sources, targets, strict=True)
    ]
    m.made.steps += steps
    m.rows_of[id(targets[0].buffer)] = steps


def convolve(m: Maker, node: Node) -> None:
    a = node.attributes
    source, weight = m.ref(node.inputs[0]), m.arrays.get(node.inputs[1])
    spatial = source.shape[2:]
    if weight is None or len(spatial) > 2:
        return at_once(m, node)
    rank = m.ranks_of(node.inputs[1])
    if len(spatial) == 1:
        source = source.viewed((*source.shape, 1)) or m.whole(source).viewed((*source.shape, 1))  # type: ignore[assignment]
        weight = weight[..., None]
        rank = rank[..., None]
        stride, padding, dilation = (*a["stride"], 1), (*a["padding"], 0), (*a["dilation"], 1)
    else:
        stride, padding, dilation = a["stride"], a["padding"], a["dilation"]
    samples, channels, frames, joints = source.shape
    filters, depth, kt, kv = weight.shape
    st, sv = stride
    out_t = (frames + 2 * padding[0] - dilation[0] * (kt - 1) - 1) // st + 1
    out_v = (joints + 2 * padding[1] - dilation[1] * (kv - 1) - 1) // sv + 1
    phases = [p for p in range(st) if any((k * dilation[0]) % st == p for k in range(kt))]
    length = out_t + max((k * dilation[0]) // st for k in range(kt))
    wide = joints + 2 * padding[1]
    plain = (
        st == 1
        and padding == (0, 0)
        and source.taken(1, 0, 1, 1).whole
        and (source.strides[2] == joints or frames == 1)
    )
    each = [source.taken(0, s, 1, 1) for s in range(samples)]
    if plain:
        lying, across = each, source.strides[1]
    else:
        lying = [m.fresh((channels, len(phases), length, wide)) for _ in each]
        across = len(phases) * length * wide
        for one, there in zip(each, lying, strict=True):
            laid(m, one, there, phases, st, padding)
    place = {p: i for i, p in enumerate(phases)}
    taps = np.array([
        (place[(k * dilation[0]) % st] * length + (k * dilation[0]) // st) * wide + j * dilation[1]
        if not plain
        else k * dilation[0] * wide + j * dilation[1]
        for k in range(kt)
        for j in range(kv)
    ])  # fmt: skip
    groups = a["groups"]
    entries = []
    for f in range(filters):
        first = (f // (filters // groups)) * depth
        flat, own = weight[f].reshape(depth, -1), rank[f].reshape(depth, -1)
        c, tap = np.nonzero(flat)
        entries.append(((first + c) * across + taps[tap], flat[c, tap], own[c, tap]))
    size = filters * out_t * wide
    target = Ref(
        Buffer(samples * size + GUARD), (samples, filters, out_t, out_v),
        (size, out_t * wide, wide, sv),
    )  # fmt: skip
    shape, steps = (filters, out_t * wide), (out_t * wide, 1)
    targets = [Ref(target.buffer, shape, steps, s * size) for s in range(samples)]
    several(m, lying, entries, out_t * wide, targets)
    m.refs[node.output] = (
        target.viewed((samples, filters, out_t)) or target if len(spatial) == 1 else target
    )


def at_once(m: Maker, node: Node) -> None:
    """A convolution as plain loops: of weights that are computed, or over three axes."""
    a = node.attributes
    around = (0, 0, *a["padding"])
    source, weight = padded(m, m.ref(node.inputs[0]), around, around), m.ref(node.inputs[1])
    target, groups = m.fresh(m.shapes[node.output]), a["groups"]
    filters, depth, *taps = weight.shape
    own = filters // groups
    shape = (groups, own, *target.shape[2:], depth, *taps)
    count, w, x, t = len(taps), weight.strides, source.strides, target.strides
    to = (own * t[1], t[1], *t[2:], *(0,) * (1 + count))
    steps = zip(x[2:], a["stride"], strict=True)
    reads = zip(x[2:], a["dilation"], strict=True)
    of = (depth * x[1], 0, *(s * n for s, n in steps), x[1], *(s * n for s, n in reads))
    by = (own * w[0], w[0], *(0,) * count, *w[1:])
    for s in range(source.shape[0]):
        there, one = target.taken(0, s, 1, 1), source.taken(0, s, 1, 1)
        m.made.steps.append(
            Fold(there, [one, weight], shape, [to, of, by], "{0} + {1} * {2}", "0.0f")
        )
    m.refs[node.output] = target


def laid(
    m: Maker, source: Ref, lying: Ref, phases: list[int], step: int, padding: tuple[int, ...]
) -> None:
    """Frames with zeros around, every `step`-th side by side."""
    channels, _, length, _wide = lying.shape
    frames, joints = source.shape[2:]
    m.made.steps.append(Clear(lying))
    for i, phase in enumerate(phases):
        # frame f of the padded recording is source's f - padding
        first = next((q for q in range(length) if q * step + phase - padding[0] >= 0), length)
        last = max((q for q in range(length) if q * step + phase - padding[0] < frames), default=-1)
        count = last - first + 1
        if count <= 0:
            continue
        part = lying.taken(1, i, 1, 1).taken(2, first, count, 1).taken(3, padding[1], joints, 1)
        begin = first * step + phase - padding[0]
        there = source.taken(2, begin, count, step)
        there = Ref(
            there.buffer, (channels, 1, count, joints),
            (there.strides[1], 0, there.strides[2], there.strides[3]), there.offset,
        )  # fmt: skip
        m.made.steps.append(Elements(part, [there], "{0}"))


def einsum(m: Maker, node: Node) -> None:
    names, out = letters(node.attributes["equation"])
    inputs = node.inputs
    if len(names) == 2 and inputs[0] in m.arrays:
        names, inputs = names[::-1], inputs[::-1]
    simple = len(names) == 2 and all(len(set(word)) == len(word) for word in names)
    theirs = names[-1]
    alone = [x for x in names[0] if x not in out and x not in theirs]
    if simple and not alone and inputs[1] in m.arrays:
        known(m, node, inputs, names, out)
    else:
        computed(m, node, inputs, names, out)


def known(m: Maker, node: Node, inputs: tuple[str, ...], names: list[str], out: str) -> None:
    """A value with weights."""
    (own, theirs), source, weight = names, m.ref(inputs[0]), m.arrays[inputs[1]]
    sizes = dict(zip(own, source.shape, strict=True)) | dict(zip(theirs, weight.shape, strict=True))
    rank = m.ranks_of(inputs[1])
    if m.made.bits == 32 and mixed(m, node, source, own, weight, rank, theirs, out):
        return
    columns = [x for x in out if x in own and x not in theirs]
    both = [x for x in own if x in theirs]
    lying = source.permuted(tuple(own.index(x) for x in [*both, *columns]))
    count = math.prod(sizes[x] for x in columns)
    flat = lying.viewed((*lying.shape[: len(both)], count)) if columns else lying
    if columns and (flat is None or flat.strides[-1] not in (0, 1)):
        copy = m.fresh(lying.shape)
        m.made.steps.append(Elements(copy, [lying], "{0}"))
        lying = copy
        flat = lying.viewed((*lying.shape[: len(both)], count))
    assert flat is not None
    steps = dict(zip(both, flat.strides[: len(both)], strict=True))
    batch = [x for x in both if x in out]
    outer = [x for x in theirs if x in out and x not in own]
    inner = [x for x in theirs if x not in out]
    axes = [theirs.index(x) for x in [*batch, *outer, *inner]]
    order, ranks = weight.transpose(axes), rank.transpose(axes)
    shape = [sizes[x] for x in [*batch, *outer]]
    offsets = np.zeros([sizes[x] for x in inner], np.int64)
    for d, x in enumerate(inner):
        view = [1] * len(inner)
        view[d] = -1
        # an axis that only the weights have and nobody reads: each of its positions adds up
        offsets = offsets + (np.arange(sizes[x]) * steps.get(x, 0)).reshape(view)
    entries = []
    for place in np.ndindex(*shape):
        row = order[place].reshape(-1)
        base = sum(place[d] * steps[x] for d, x in enumerate(batch))
        at = np.nonzero(row)[0]
        entries.append((base + offsets.reshape(-1)[at], row[at], ranks[place].reshape(-1)[at]))
    target = m.fresh((*shape, *(sizes[x] for x in columns)))
    rows_target = Ref(target.buffer, (len(entries), count), (count, 1))
    rows(m, node, lying, entries, count, rows_target)
    now = [*batch, *outer, *columns]
    m.refs[node.output] = target.permuted(tuple(now.index(x) for x in out))


def mixed(
    m: Maker,
    node: Node,
    source: Ref,
    own: str,
    weight: np.ndarray,
    rank: np.ndarray,
    theirs: str,
    out: str,
) -> bool:
    """A small adjacency on the last axis, where that takes fewer vector operations than rows."""
    last = out[-1]
    inner = [x for x in theirs if x != last]
    if last in own or last not in theirs or own[-1] not in inner or any(x in out for x in inner):
        return False
    if any(x not in own for x in inner) or weight.shape[theirs.index(last)] > WIDE:
        return False
    rows = [x for x in out if x != last]
    lying = source.permuted(tuple(own.index(x) for x in [*rows, *inner]))
    flat = loops(lying.shape[: len(rows)], lying.strides[: len(rows)])
    target = m.fresh(m.shapes[node.output])
    if len(flat) != 1:
        return False
    count, (step,) = flat[0]
    axes = [theirs.index(x) for x in [*inner, last]]
    matrix = weight.transpose(axes)
    width = matrix.shape[-1]
    places = np.argwhere(np.any(matrix != 0, axis=-1))
    steps = np.array(lying.strides[len(rows) :])
    vectors, moved = -(-width // 16), source.size + target.size
    nonzero = np.count_nonzero(matrix)
    if len(places) * vectors * count > nonzero * count / 16 * 1.0 + 1.5 * moved:
        return False
    offsets = m.constant((places @ steps).astype(np.int64), "", np.uint32)
    laid, ranks = (
        np.pad(a[tuple(places.T)], ((0, not len(places)), (0, vectors * 16 - width)))
        for a in (matrix, rank.transpose(axes))
    )
    weights = m.held(laid, ranks) if ranks.any() else m.constant(laid, "")
    m.made.steps.append(
        Mix(lying, target, count, step, offsets.buffer.name, weights, len(places), width)
    )
    m.refs[node.output] = target
    return True


def product(m: Maker, node: Node, inputs: tuple[str, ...], names: list[str], out: str) -> bool:
    """Of two values, an adjacency that depends on the input among them: whether it could be done a vector of
    the output's last axis at a time."""
    last = out[-1] if out else ""
    if len(names) != 2 or any(len(set(word)) < len(word) for word in names):
        return False
    if (last in names[0]) == (last in names[1]):
        return False
    if last in names[0]:
        names, inputs = names[::-1], inputs[::-1]
    own, theirs = names  # of the value whose elements are spread, and of the matrix
    source, factor = (m.ref(name) for name in inputs)
    sizes = dict(zip(own, source.shape, strict=True)) | dict(zip(theirs, factor.shape, strict=True))
    inner = [x for x in own if x in theirs and x not in out]
    batch = [x for x in out if x in theirs and x != last]
    rows = [x for x in out if x in own and x not in theirs]
    if not inner or out != "".join([*batch, *rows, last]) or sizes[last] > WIDE:
        return False
    if {*own} - {*out, *inner} or {*theirs} - {*out, *inner} or any(x not in own for x in batch):
        return False
    steps = [
        dict(zip(word, ref.strides, strict=True))
        for word, ref in zip(names, (source, factor), strict=True)
    ]
    flat = loops(tuple(sizes[x] for x in rows), tuple(steps[0][x] for x in rows))
    if len(flat) != 1:
        return False
    count, (step,) = flat[0]
    target = m.fresh(m.shapes[node.output])
    strides = dict(zip(out, target.strides, strict=True))
    around = loops(
        tuple(sizes[x] for x in batch),
        *(tuple(each[x] for x in batch) for each in (*steps, strides)),
    )
    deep, width = tuple(sizes[x] for x in inner), sizes[last]
    places = np.indices(deep).reshape(len(deep), -1).T
    offsets = m.constant(places @ np.array([steps[0][x] for x in inner]), "", np.uint32)
    matrix = m.fresh((len(places), -(-width // 16) * 16))
    nest = loops(deep, tuple(steps[1][x] for x in inner))
    made = Product(
        source, factor, target, matrix, around, count, step, offsets.buffer.name, width, nest,
        steps[1][last],
    )  # fmt: skip
    m.made.steps.append(made)
    m.refs[node.output] = target
    return True


def computed(m: Maker, node: Node, inputs: tuple[str, ...], names: list[str], out: str) -> None:
    """Of two values, of one, along diagonals: as plain loops where nothing faster fits."""
    if product(m, node, inputs, names, out):
        return
    refs = [m.ref(name) for name in inputs]
    sizes: dict[str, int] = {}
    for word, ref in zip(names, refs, strict=True):
        sizes |= dict(zip(word, ref.shape, strict=True))
    every = [*out, *(x for x in sizes if x not in out)]
    target = m.fresh(m.shapes[node.output])
    strides = [
        tuple(sum(s for y, s in zip(word, r.strides, strict=True) if y == x) for x in every)
        for word, r in zip([out, *names], [target, *refs], strict=True)
    ]
    shape = tuple(sizes[x] for x in every)
    term = " * ".join(f"{{{i + 1}}}" for i in range(len(refs)))
    m.made.steps.append(Fold(target, refs, shape, strides, f"{{0}} + {term}", "0.0f"))
    m.refs[node.output] = target
