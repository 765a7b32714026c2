"""A graph as steps: which memory each value takes, and what is done in which order.

Views, permutations and slices cost nothing: a value is a buffer with strides (refs.py). Everything that
is linear with known weights becomes one kind of step, rows of single weights over columns that lie side
by side: a 1x1 or temporal convolution over frames x joints, an adjacency over channels x frames, a dense
layer over nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from bandstop.compile.network.refs import Buffer, Ref, contiguous
from bandstop.compile.network.steps import (
    CALLS,
    Clear,
    Elements,
    Fold,
    Rows,
    Softmax,
    Standardise,
    Step,
    Table,
    table,
)
from bandstop.errors import BadInput
from bandstop.graph import Graph, Node
from bandstop.graph.operations.contract import letters

GUARD = 64
"""Floats behind each buffer that a last vector may read."""


@dataclass
class Program:
    """Steps in order, the constants they use, and the memory for one answer."""

    steps: list[Step] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: list[Ref] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)
    floats: int = 0


def lower(graph: Graph) -> Program:
    """The steps of one answer.

    Parameters
    ----------
    graph : simplified

    Returns
    -------
    Program

    Raises
    ------
    BadInput
        For operations that have no C, all of them.
    """
    maker = _Maker(graph)
    unknown = sorted(
        {
            n.operation
            for n in graph.nodes
            if not hasattr(maker, method(n.operation)) and not elementwise(n)
        }
    )
    if unknown:
        raise BadInput(f"there is no C for {', '.join(unknown)} yet; ONNX Runtime or torch run it")
    return maker.program()


def method(operation: str) -> str:
    return "do_" + operation.replace("-", "_")


class _Maker:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.made = Program()
        self.refs: dict[str, Ref] = {}
        self.arrays = {n: t.detach().double().cpu().numpy() for n, t in graph.tensors.items()}

    def program(self) -> Program:
        for number, (name, shape) in enumerate(self.graph.inputs.items()):
            ref = Ref(Buffer(math.prod(shape), f"in{number}"), shape, contiguous(shape))
            self.refs[name] = ref
            self.made.inputs.append(ref)
        self.fused = self._fusions()
        for node in self.graph.nodes:
            if node.output in self.fused:
                continue
            found = getattr(self, method(node.operation), None)
            if found is not None:
                found(node)
            else:
                self.elements(node)
        for number, name in enumerate(self.graph.outputs):
            source = self.refs[name]
            out = Ref(Buffer(source.size, f"out{number}"), source.shape, contiguous(source.shape))
            self.made.steps.append(Elements(out, [source], "{0}"))
            self.made.outputs.append(out)
        self.made.floats = placed(self.made.steps)
        return self.made

    # element by element: a tree of operations is one pass

    def _fusions(self) -> set[str]:
        """Values that only one element-wise node reads, and are element-wise themselves."""
        uses: dict[str, list[Node]] = {}
        for node in self.graph.nodes:
            for name in node.inputs:
                uses.setdefault(name, []).append(node)
        found = set()
        self.makers = {node.output: node for node in self.graph.nodes}
        for node in self.graph.nodes:
            users = uses.get(node.output, [])
            if node.output in self.graph.outputs or len(users) != 1:
                continue
            if elementwise(node) and elementwise(users[0]):
                if self.size(node) == self.size(users[0]):
                    found.add(node.output)
            elif node.operation in ("convolve", "einsum") and self.closes(users[0], node):
                found.add(node.output)
        return found

    def size(self, node: Node) -> int:
        return math.prod(self.shapes[node.output])

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        if not hasattr(self, "_shapes"):
            self._shapes = shapes(self.graph)
        return self._shapes

    def closes(self, node: Node, linear: Node) -> bool:
        """Whether a node adds a bias, one a row, to a linear operation's output."""
        return False

    def constant(self, array: np.ndarray, name: str) -> Ref:
        label = f"c{len(self.made.constants)}"
        self.made.constants[label] = np.ascontiguousarray(array, np.float32)
        return Ref(Buffer(array.size, label), array.shape, contiguous(array.shape))

    def ref(self, name: str) -> Ref:
        if name in self.refs:
            return self.refs[name]
        self.refs[name] = self.constant(self.arrays[name], name)
        return self.refs[name]

    def fresh(self, shape: tuple[int, ...]) -> Ref:
        return Ref(Buffer(math.prod(shape) + GUARD), shape, contiguous(shape))

    def broad(self, ref: Ref, shape: tuple[int, ...]) -> Ref:
        """With strides 0 where it is repeated."""
        missing = len(shape) - len(ref.shape)
        strides = (0,) * missing + tuple(
            0 if n == 1 else s for n, s in zip(ref.shape, ref.strides, strict=True)
        )
        return Ref(ref.buffer, shape, strides, ref.offset)

    def elements(self, node: Node) -> None:
        shape = self.shapes[node.output]
        sources: list[Ref] = []
        expression = self._expression(node, shape, sources)
        relu = expression == CALLS["relu"].format("{0}")
        if relu and self._rectified(node, sources[0]):
            return
        out = self.fresh(shape)
        lead = max(sources, key=lambda s: sum(1 for x in s.strides if x))
        if sorted(lead.strides) == sorted(
            s for s, n in zip(out.strides, shape, strict=True) if n > 1
        ) + [0] * sum(n == 1 for n in shape):
            pass
        self.refs[node.output] = out
        self.made.steps.append(Elements(out, sources, expression))

    def _rectified(self, node: Node, source: Ref) -> bool:
        """Let the step that made a value rectify it."""
        last = self.made.steps[-1] if self.made.steps else None
        users = [n for n in self.graph.nodes if node.inputs[0] in n.inputs]
        if (
            isinstance(last, Rows)
            and last.target.buffer is source.buffer
            and len(users) == 1
            and node.inputs[0] not in self.graph.outputs
        ):
            last.relu = True
            self.refs[node.output] = self.refs[node.inputs[0]]
            return True
        return False

    def _expression(self, node: Node, shape: tuple[int, ...], sources: list[Ref]) -> str:
        parts = []
        for name in node.inputs:
            if name in self.fused and elementwise(self.makers[name]):
                parts.append(f"({self._expression(self.makers[name], shape, sources)})")
                continue
            if name in self.arrays and self.arrays[name].size == 1:
                parts.append(literal(float(self.arrays[name].reshape(-1)[0])))
                continue
            parts.append("{%d}" % len(sources))
            sources.append(self.broad(self.ref(name), shape))
        return expression(node, parts)

    def whole(self, ref: Ref) -> Ref:
        """Row-major, by a copy where it is not."""
        if ref.whole:
            return ref
        out = self.fresh(ref.shape)
        self.made.steps.append(Elements(out, [ref], "{0}"))
        return out

    # moves

    def do_door(self, node: Node) -> None:
        self.refs[node.output] = self.ref(node.inputs[0])

    def do_view(self, node: Node) -> None:
        source, shape = self.ref(node.inputs[0]), tuple(node.attributes["shape"])
        viewed = source.viewed(shape) or self.whole(source).viewed(shape)
        assert viewed is not None
        self.refs[node.output] = viewed

    def do_permute(self, node: Node) -> None:
        source = self.ref(node.inputs[0])
        self.refs[node.output] = source.permuted(tuple(node.attributes["order"]))

    def do_expand(self, node: Node) -> None:
        self.refs[node.output] = self.broad(
            self.ref(node.inputs[0]), tuple(node.attributes["shape"])
        )

    def do_take(self, node: Node) -> None:
        source, dim, index = (
            self.ref(node.inputs[0]),
            node.attributes["dim"],
            node.attributes["index"],
        )
        step = index[1] - index[0] if len(index) > 1 else 1
        if list(index) == [index[0] + step * i for i in range(len(index))]:
            self.refs[node.output] = source.taken(dim, index[0], len(index), step)
            return
        out = self.fresh(self.shapes[node.output])
        start = 0
        for first, count in runs(index):
            part = out.taken(dim, start, count, 1)
            self.made.steps.append(Elements(part, [source.taken(dim, first, count, 1)], "{0}"))
            start += count
        self.refs[node.output] = out

    def do_concatenate(self, node: Node) -> None:
        out, dim, start = self.fresh(self.shapes[node.output]), node.attributes["dim"], 0
        for name in node.inputs:
            source = self.ref(name)
            count = source.shape[dim]
            part = out.taken(dim, start, count, 1)
            self.made.steps.append(Elements(part, [source], "{0}"))
            start += count
        self.refs[node.output] = out

    def do_pad(self, node: Node) -> None:
        source = self.ref(node.inputs[0])
        out = self.fresh(self.shapes[node.output])
        self.made.steps.append(Clear(out))
        inside = out
        for d, before in enumerate(node.attributes["before"]):
            inside = inside.taken(d, before, source.shape[d], 1)
        self.made.steps.append(Elements(inside, [source], "{0}"))
        self.refs[node.output] = out

    # sums of products

    def rows(
        self,
        node: Node,
        source: Ref,
        entries: list[tuple[np.ndarray, np.ndarray]],
        columns: int,
        target: Ref,
    ) -> None:
        label = f"t{len(self.made.tables)}"
        self.made.tables.append(table(label, entries, np.zeros(len(entries))))
        self.made.steps.append(Rows(source, target, columns, label, len(entries), f"{label}_bias"))

    def do_convolve(self, node: Node) -> None:
        a = node.attributes
        source, weight = self.ref(node.inputs[0]), self.arrays.get(node.inputs[1])
        if weight is None:
            raise BadInput("there is no C for a convolution whose weights are computed")
        spatial = source.shape[2:]
        if len(spatial) == 1:
            source = source.viewed((*source.shape, 1)) or self.whole(source).viewed(
                (*source.shape, 1)
            )  # type: ignore[assignment]
            weight = weight[..., None]
            stride, padding, dilation = (*a["stride"], 1), (*a["padding"], 0), (*a["dilation"], 1)
        elif len(spatial) == 2:
            stride, padding, dilation = a["stride"], a["padding"], a["dilation"]
        else:
            raise BadInput("there is no C for a convolution over three axes yet")
        _, channels, frames, joints = source.shape
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
        if plain:
            lying, across = source, source.strides[1]
        else:
            lying = self.fresh((channels, len(phases), length, wide))
            across = len(phases) * length * wide
            self._laid(source, lying, phases, st, padding)
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
            flat = weight[f].reshape(depth, -1)
            c, tap = np.nonzero(flat)
            entries.append(((first + c) * across + taps[tap], flat[c, tap]))
        kept = out_t * wide - (wide - ((out_v - 1) * sv + 1))
        target = Ref(
            Buffer(filters * out_t * wide + GUARD), (1, filters, out_t, out_v),
            (0, out_t * wide, wide, sv),
        )  # fmt: skip
        rows_target = Ref(target.buffer, (filters, out_t * wide), (out_t * wide, 1))
        del kept
        self.rows(node, lying, entries, out_t * wide, rows_target)
        self.refs[node.output] = (
            target.viewed((1, filters, out_t)) or target if len(spatial) == 1 else target
        )

    def _laid(
        self, source: Ref, lying: Ref, phases: list[int], step: int, padding: tuple[int, ...]
    ) -> None:
        """Frames with zeros around, every `step`-th side by side."""
        channels, _, length, wide = lying.shape
        frames, joints = source.shape[2:]
        self.made.steps.append(Clear(lying))
        for i, phase in enumerate(phases):
            # frame f of the padded recording is source's f - padding
            first = next((q for q in range(length) if q * step + phase - padding[0] >= 0), length)
            last = max(
                (q for q in range(length) if q * step + phase - padding[0] < frames), default=-1
            )
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
            self.made.steps.append(Elements(part, [there], "{0}"))

    def do_einsum(self, node: Node) -> None:
        names, out = letters(node.attributes["equation"])
        if len(names) == 1 or any(len(set(w)) < len(w) for w in names):
            raise BadInput("there is no C for an einsum of one value or along a diagonal yet")
        if node.inputs[0] in self.arrays and node.inputs[1] not in self.arrays:
            names = names[::-1]
            inputs = node.inputs[::-1]
        else:
            inputs = node.inputs
        if inputs[1] in self.arrays:
            self._known(node, inputs, names, out)
        else:
            self._computed(node, inputs, names, out)

    def _known(self, node: Node, inputs: tuple[str, ...], names: list[str], out: str) -> None:
        """A value with weights."""
        (own, theirs), source, weight = names, self.ref(inputs[0]), self.arrays[inputs[1]]
        sizes = dict(zip(own, source.shape, strict=True)) | dict(
            zip(theirs, weight.shape, strict=True)
        )
        columns = [x for x in out if x in own and x not in theirs]
        both = [x for x in own if x in theirs]
        summed = [x for x in own if x not in out and x not in theirs]
        if summed:
            raise BadInput("there is no C for an einsum that sums over an axis of one value yet")
        lying = source.permuted(tuple(own.index(x) for x in [*both, *columns]))
        count = math.prod(sizes[x] for x in columns)
        flat = lying.viewed((*lying.shape[: len(both)], count)) if columns else lying
        if columns and (flat is None or flat.strides[-1] not in (0, 1)):
            copy = self.fresh(lying.shape)
            self.made.steps.append(Elements(copy, [lying], "{0}"))
            lying = copy
            flat = lying.viewed((*lying.shape[: len(both)], count))
        assert flat is not None
        steps = dict(zip(both, flat.strides[: len(both)], strict=True))
        batch = [x for x in both if x in out]
        outer = [x for x in theirs if x in out and x not in own]
        inner = [x for x in theirs if x not in out]
        order = weight.transpose([theirs.index(x) for x in [*batch, *outer, *inner]])
        shape = [sizes[x] for x in [*batch, *outer]]
        offsets = np.zeros([sizes[x] for x in inner], np.int64)
        for d, x in enumerate(inner):
            view = [1] * len(inner)
            view[d] = -1
            # an axis that only the weights have and nobody reads: each of its positions adds up
            offsets = offsets + (np.arange(sizes[x]) * steps.get(x, 0)).reshape(view)
        entries = []
        for place in np.ndindex(*shape):
            row = order[place]
            base = sum(place[d] * steps[x] for d, x in enumerate(batch))
            at = np.nonzero(row.reshape(-1))[0]
            entries.append((base + offsets.reshape(-1)[at], row.reshape(-1)[at]))
        target = self.fresh((*shape, *(sizes[x] for x in columns)))
        rows_target = Ref(target.buffer, (len(entries), count), (count, 1))
        self.rows(node, lying, entries, count, rows_target)
        now = [*batch, *outer, *columns]
        self.refs[node.output] = target.permuted(tuple(now.index(x) for x in out))

    def _computed(self, node: Node, inputs: tuple[str, ...], names: list[str], out: str) -> None:
        """Two values."""
        refs = [self.ref(name) for name in inputs]
        sizes = {}
        for word, ref in zip(names, refs, strict=True):
            sizes |= dict(zip(word, ref.shape, strict=True))
        every = [*out, *(x for x in sizes if x not in out)]
        target = self.fresh(self.shapes[node.output])
        strides = [
            tuple(dict(zip(word, r.strides, strict=True)).get(x, 0) for x in every)
            for word, r in zip([out, *names], [target, *refs], strict=True)
        ]
        shape = tuple(sizes[x] for x in every)
        self.made.steps.append(Fold(target, refs, shape, strides, "{0} + {1} * {2}", "0.0f"))
        self.refs[node.output] = target

    # reductions

    def _reduced(self, node: Node, expression: str, start: str) -> None:
        source, dims = self.ref(node.inputs[0]), node.attributes["dims"]
        target = self.fresh(self.shapes[node.output])
        strides = tuple(0 if d in dims else s for d, s in enumerate(target.strides))
        self.made.steps.append(
            Fold(target, [source], source.shape, [strides, source.strides], expression, start)
        )
        self.refs[node.output] = target

    def do_sum(self, node: Node) -> None:
        self._reduced(node, "{0} + {1}", "0.0f")

    def do_max(self, node: Node) -> None:
        self._reduced(node, "({1} > {0} ? {1} : {0})", "-INFINITY")

    def do_softmax(self, node: Node) -> None:
        target = self.fresh(self.shapes[node.output])
        (dim,) = node.attributes["dims"]
        self.made.steps.append(Softmax(target, self.ref(node.inputs[0]), dim))
        self.refs[node.output] = target

    def do_standardise(self, node: Node) -> None:
        source, dims = self.whole(self.ref(node.inputs[0])), node.attributes["dims"]
        if tuple(dims) != tuple(range(len(source.shape) - len(dims), len(source.shape))):
            raise BadInput("there is no C for layer normalisation over other than the last axes")
        count = math.prod(source.shape[d] for d in dims)
        target = self.fresh(source.shape)
        self.made.steps.append(
            Standardise(target, source, source.size // count, count, node.attributes["eps"])
        )
        self.refs[node.output] = target

    def do_max_pool(self, node: Node) -> None:
        self._pooled(node, "({1} > {0} ? {1} : {0})", "-INFINITY")

    def do_mean_pool(self, node: Node) -> None:
        a = node.attributes
        if any(a["padding"]) or a["ceil"]:
            raise BadInput("there is no C for a mean over windows that stand out yet")
        self._pooled(node, "{0} + {1}", "0.0f")
        out = self.refs[node.output]
        share = literal(1 / math.prod(a["kernel"]))
        self.made.steps.append(Elements(out, [out], f"{{0}} * {share}"))

    def _pooled(self, node: Node, expression: str, start: str) -> None:
        a, source = node.attributes, self.ref(node.inputs[0])
        shape = self.shapes[node.output]
        rank = len(a["kernel"])
        around = source.shape[2:]
        need = [
            (shape[2 + d] - 1) * a["stride"][d] + (a["kernel"][d] - 1) * a["dilation"][d] + 1
            for d in range(rank)
        ]
        if any(a["padding"]) or any(n > m for n, m in zip(need, around, strict=True)):
            large = tuple(
                max(n, m + a["padding"][d])
                for d, (n, m) in enumerate(zip(need, around, strict=True))
            )
            padded = self.fresh((*source.shape[:2], *large))
            self.made.steps.append(Elements(padded, [], start))
            inside = padded
            for d, m in enumerate(around):
                count = min(m, large[d] - a["padding"][d])
                inside = inside.taken(2 + d, a["padding"][d], count, 1)
            self.made.steps.append(Elements(inside, [source], "{0}"))
            source = padded
        target = self.fresh(shape)
        taps = tuple(a["kernel"])
        strides = (
            *source.strides[:2],
            *(source.strides[2 + d] * a["stride"][d] for d in range(rank)),
            *(source.strides[2 + d] * a["dilation"][d] for d in range(rank)),
        )
        self.made.steps.append(
            Fold(
                target, [source], (*shape, *taps), [(*target.strides, *(0,) * rank), strides],
                expression, start,
            )
        )  # fmt: skip
        self.refs[node.output] = target

    def do_windows(self, node: Node) -> None:
        a, source = node.attributes, self.ref(node.inputs[0])
        if any(a["padding"]):
            raise BadInput("there is no C for padded windows yet")
        shape = self.shapes[node.output]
        _, channels, height, width = source.shape
        kh, kw = a["kernel"]
        oh = (height - a["dilation"][0] * (kh - 1) - 1) // a["stride"][0] + 1
        ow = (width - a["dilation"][1] * (kw - 1) - 1) // a["stride"][1] + 1
        s = source.strides
        windows = Ref(
            source.buffer, (1, channels, kh, kw, oh, ow),
            (0, s[1], s[2] * a["dilation"][0], s[3] * a["dilation"][1], s[2] * a["stride"][0],
             s[3] * a["stride"][1]), source.offset,
        )  # fmt: skip
        viewed = windows.viewed(shape) or self.whole(windows).viewed(shape)
        assert viewed is not None
        self.refs[node.output] = viewed


def literal(value: float) -> str:
    from bandstop.compile.c.text import number

    return f"({number(value)})" if value < 0 else number(value)


def elementwise(node: Node) -> bool:
    return node.operation in CALLS or node.operation in ("scale", "clamp", "power", "leaky-relu")


def expression(node: Node, parts: list[str]) -> str:
    """The C of one element."""
    a = node.attributes
    if node.operation == "scale":
        product = parts[0] if a["scale"] == 1 else f"{parts[0]} * {literal(a['scale'])}"
        return product if a["shift"] == 0 else f"{product} + {literal(a['shift'])}"
    if node.operation == "clamp":
        low = f"fmaxf({parts[0]}, {literal(a['min'])})" if "min" in a else parts[0]
        return f"fminf({low}, {literal(a['max'])})" if "max" in a else low
    if node.operation == "power":
        return f"powf({parts[0]}, {literal(a['exponent'])})"
    if node.operation == "leaky-relu":
        slope = literal(a.get("negative_slope", 0.01))
        return f"({parts[0]} < 0.0f ? {parts[0]} * {slope} : {parts[0]})"
    return CALLS[node.operation].format(*parts)


def runs(index: list[int]) -> list[tuple[int, int]]:
    """Neighbouring positions together: (first, count)."""
    found: list[tuple[int, int]] = []
    for i in index:
        if found and sum(found[-1]) == i:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((i, 1))
    return found


def shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    """Of every value, for one sample."""
    import torch

    from bandstop.graph import values

    like: Tensor = next(iter(graph.tensors.values()), torch.zeros(()))
    with torch.no_grad():
        found = values(graph, [torch.zeros(s).to(like) for s in graph.inputs.values()])
    return {name: tuple(v.shape) for name, v in found.items()}


def placed(steps: list[Step]) -> int:
    """Give every buffer its place in memory: first fit, over the time that it is used."""
    buffers: list[Buffer] = []
    for time, step in enumerate(steps):
        for buffer in (*step.reads, *step.writes):
            if buffer.name:
                continue
            if buffer.first < 0:
                buffer.first = time
                buffers.append(buffer)
            buffer.last = time
    total, there = 0, []
    for buffer in sorted(buffers, key=lambda b: -b.floats):
        need = -(-buffer.floats // 16) * 16
        offset = 0
        for other in sorted(there, key=lambda b: b.offset):
            if other.last < buffer.first or other.first > buffer.last:
                continue
            if offset + need <= other.offset:
                break
            offset = max(offset, other.offset + -(-other.floats // 16) * 16)
        buffer.offset = offset
        there.append(buffer)
        total = max(total, offset + need)
    return total
