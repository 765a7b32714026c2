"""What lowering knows as it goes along: where values lie, which steps there are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from bandstop.compile.network.elements import elementwise, expression, literal
from bandstop.compile.network.refs import Buffer, Ref, contiguous
from bandstop.compile.network.steps import Elements, Rows, Step
from bandstop.compile.network.tables import Held, Row, Table, table
from bandstop.compile.ranked import Ranked
from bandstop.graph import Graph, Node

GUARD = 64
"""Floats behind each buffer that a last vector may touch."""


@dataclass
class Program:
    """Steps in order, the constants they use, and the memory for one answer.

    Parameters
    ----------
    ranked : of a network of many rates: what is known of them, the ranks under the graph's own names
    bits : of a stored weight, 32 or 8
    """

    ranked: Ranked | None = None
    bits: int = 32

    steps: list[Step] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    constants: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: list[Ref] = field(default_factory=list)
    outputs: list[Ref] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    floats: int = 0

    @property
    def held_floats(self) -> int:
        """Of all constants that a rate leaves some of, each from a whole vector on."""
        return max((h.at + -(-h.values.size // 16) * 16 for h in self.held), default=0)


class Maker:
    """Memory and steps of one graph; values that one element-wise node reads are made as it goes."""

    def __init__(self, graph: Graph, shapes: dict[str, tuple[int, ...]], made: Program) -> None:
        self.graph, self.shapes = graph, shapes
        self.made = made
        self.ranks = made.ranked.ranks if made.ranked else {}
        self.plan = Buffer(0, "plan->constants")
        self.refs: dict[str, Ref] = {}
        self.rows_of: dict[int, list[Rows]] = {}
        self.arrays = {n: t.detach().double().cpu().numpy() for n, t in graph.tensors.items()}
        self.makers = {node.output: node for node in graph.nodes}
        self.users: dict[str, list[Node]] = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.users.setdefault(name, []).append(node)

    def ranks_of(self, name: str) -> np.ndarray:
        """Of a tensor's elements: those that every rate keeps have 0."""
        return self.ranks.get(name, np.zeros(self.arrays[name].shape, np.int64))

    def table(self, rows: list[Row]) -> Table:
        """Put a table of rows down."""
        made = self.made
        bits = made.ranked.bits if made.ranked else 0
        first = sum(len(t.bias) for t in made.tables)
        made.tables.append(table(f"t{len(made.tables)}", rows, bits, first, made.bits))
        return made.tables[-1]

    def alone(self, name: str) -> bool:
        """Whether one node reads a value, and nobody else."""
        return len(self.users.get(name, [])) == 1 and name not in self.graph.outputs

    def deferred(self, node: Node) -> bool:
        """Whether the only node that reads a value computes it as it goes along."""
        if not self.alone(node.output):
            return False
        (user,) = self.users[node.output]
        return elementwise(user) and self.shapes[node.output] == self.shapes[user.output]

    def absorbed(self, node: Node) -> bool:
        """Whether the step that makes a node's input can do the node's work."""
        if node.operation == "relu":
            rows = self.maker(node.inputs[0])
            if rows is None:
                return False
            for step in rows:
                step.relu = True
            self.refs[node.output] = self.refs[node.inputs[0]]
            return True
        if node.operation != "add":
            return False
        for name, other in (node.inputs, node.inputs[::-1]):
            rows = self.maker(name)
            if rows is None or self.shapes[name] != self.shapes[node.output]:
                continue
            fixed = other in self.arrays and other not in self.ranks
            joined = self.biased if fixed else self.joined
            if joined(rows, name, other):
                self.refs[node.output] = self.refs[name]
                return True
        return False

    def maker(self, name: str) -> list[Rows] | None:
        """The rows that make a value, sample by sample, where nothing else reads it or a part of it, and they
        are not yet rectified."""
        if name not in self.refs:
            return None
        ref = self.refs[name]
        steps = self.rows_of.get(id(ref.buffer))
        if steps is None or steps[0].relu:
            return None
        sharing = {n: r for n, r in self.refs.items() if r.buffer is ref.buffer}
        whole = max(r.size for r in sharing.values()) == ref.size
        return steps if whole and all(self.alone(n) for n in sharing) else None

    def biased(self, steps: list[Rows], name: str, constant: str) -> bool:
        """Add a constant that is the same along each row, and in every sample."""
        ref = self.refs[name]
        array = np.broadcast_to(self.arrays[constant], ref.shape)
        place = np.full(ref.shape, ref.offset)
        for d, (n, s) in enumerate(zip(ref.shape, ref.strides, strict=True)):
            view = [1] * len(ref.shape)
            view[d] = n
            place = place + (np.arange(n) * s).reshape(view)
        rows = steps[0]
        row = place // rows.columns % rows.rows
        bias = np.zeros(rows.rows)
        bias[row.reshape(-1)] = array.reshape(-1)
        if not np.array_equal(bias[row], array):
            return False
        rows.table.bias = rows.table.bias + bias.astype(np.float32)
        return True

    def joined(self, steps: list[Rows], name: str, other: str) -> bool:
        """Add a value that lies in the same way and is there before."""
        rows = steps[0]
        if rows.plus is not None or other not in self.refs:
            return False
        one, two = self.refs[name], self.refs[other]
        same = one.shape == two.shape and all(
            n == 1 or a == b for n, a, b in zip(one.shape, one.strides, two.strides, strict=True)
        )
        before = self.made.steps.index(rows)
        late = any(two.buffer in s.writes for s in self.made.steps[before:])
        size = rows.rows * rows.columns
        gaps = math.prod(one.shape) != len(steps) * size
        if not same or late or gaps or two.offset % 1 or two.buffer.floats < two.offset + two.size:
            return False
        for number, step in enumerate(steps):
            step.plus = Ref(two.buffer, two.shape, two.strides, two.offset + number * size)
        return True

    def held(self, array: np.ndarray, rank: np.ndarray) -> Ref:
        """A constant in memory, of which a rate leaves some."""
        assert self.made.ranked is not None
        at, label = self.made.held_floats, f"h{len(self.made.held)}"
        ranks = np.minimum(rank, self.made.ranked.most).astype(f"uint{self.made.ranked.bits}")
        self.made.held.append(Held(label, np.ascontiguousarray(array, np.float32), ranks, at))
        return Ref(self.plan, array.shape, contiguous(array.shape), at)

    def constant(self, array: np.ndarray, name: str, kind: type = np.float32) -> Ref:
        label = f"c{len(self.made.constants)}"
        self.made.constants[label] = np.ascontiguousarray(array, kind)
        return Ref(Buffer(array.size, label), array.shape, contiguous(array.shape))

    def ref(self, name: str) -> Ref:
        """Where a value lies; made now where that was put off."""
        if name not in self.refs:
            if name in self.ranks:
                self.refs[name] = self.held(self.arrays[name], self.ranks[name])
            elif name in self.arrays:
                self.refs[name] = self.constant(self.arrays[name], name)
            else:
                self.elements(self.makers[name])
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
        expression = self.expression_of(node, shape, sources)
        out = self.fresh(shape)
        self.refs[node.output] = out
        self.made.steps.append(Elements(out, sources, expression))

    def expression_of(self, node: Node, shape: tuple[int, ...], sources: list[Ref]) -> str:
        parts = []
        for name in node.inputs:
            if name not in self.refs and name in self.makers:
                parts.append(f"({self.expression_of(self.makers[name], shape, sources)})")
                continue
            if name in self.arrays and self.arrays[name].size == 1 and name not in self.ranks:
                parts.append(literal(float(self.arrays[name].reshape(-1)[0])))
                continue
            parts.append(f"{{{len(sources)}}}")
            sources.append(self.broad(self.ref(name), shape))
        return expression(node, parts)

    def whole(self, ref: Ref) -> Ref:
        """Row-major, by a copy where it is not."""
        if ref.whole:
            return ref
        out = self.fresh(ref.shape)
        self.made.steps.append(Elements(out, [ref], "{0}"))
        return out
