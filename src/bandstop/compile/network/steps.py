"""What a generated file does, step by step: each reads and writes memory and knows its C."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bandstop.compile.network.refs import Buffer, Ref, loops
from bandstop.compile.network.tables import Table

CALLS = {
    **{
        name: f"network_{name.replace('-', '_')}({{0}})"
        for name in ("relu", "sigmoid", "silu", "hardswish", "tanh")
    },
    "exp": "expf({0})",
    "sqrt": "sqrtf({0})",
    "abs": "fabsf({0})",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
}
"""Operation of an element -> its C."""


class Step(Protocol):
    """One statement of the file, or a few."""

    @property
    def reads(self) -> Sequence[Buffer]: ...

    @property
    def writes(self) -> Sequence[Buffer]: ...

    def text(self) -> str: ...


def address(ref: Ref) -> str:
    """Where a value begins, in C."""
    buffer, offset = ref.buffer, ref.offset
    while buffer.inside is not None:
        buffer, start = buffer.inside
        offset += start
    base = buffer.name or "memory"
    offset += 0 if buffer.name else buffer.offset
    return f"({base} + {offset})" if offset else base


@dataclass
class Rows:
    """out[row][column] = bias[row] + sum over the row's weights of weight x in[offset + column].

    All columns of a row lie side by side, in `source` as in `target`. `plus` is added too, and `relu`
    rectifies.
    """

    source: Ref
    target: Ref
    columns: int
    table: Table
    rows: int
    plus: Ref | None = None
    relu: bool = False

    @property
    def reads(self) -> Sequence[Buffer]:
        return [self.source.buffer, *([self.plus.buffer] if self.plus else [])]

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer]

    def text(self) -> str:
        name = "network_rows" if self.columns > 1 else "network_dots"
        counts = "" if self.table.rank is None else f", plan->counts + {self.table.first}"
        return (
            f"{name}({address(self.source)}, &{self.table.name}, {address(self.target)}, "
            f"{address(self.plus) if self.plus else 'NULL'}, {self.rows}, {self.columns}, {int(self.relu)}"
            f"{counts});"
        )


@dataclass
class Mix:
    """out[row][w] = sum over v of in[row][v] A[v][w]: a small adjacency, a vector of w at a time."""

    source: Ref
    target: Ref
    rows: int
    step: int
    offsets: str
    weights: Ref
    entries: int
    width: int

    @property
    def reads(self) -> Sequence[Buffer]:
        return [self.source.buffer, self.weights.buffer]

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer]

    def text(self) -> str:
        return (
            f"network_mix({address(self.source)}, {self.offsets}, {address(self.weights)}, "
            f"{address(self.target)}, {self.rows}, {self.step}, {self.entries}, {self.width});"
        )


@dataclass
class Product:
    """out[row][w] = sum over k of in[row][k] A[k][w], for every place of a batch: both are computed.

    A is laid out row by row in `matrix`, then as `Mix`.
    """

    source: Ref
    factor: Ref
    target: Ref
    matrix: Ref
    batch: list[tuple[int, list[int]]]
    """Nested loops: count, and the strides of source, factor and target."""
    rows: int
    step: int
    offsets: str
    width: int
    inner: list[tuple[int, list[int]]]
    """Nested loops over k: count, and the stride of A."""
    across: int
    """A's stride along w."""

    @property
    def reads(self) -> Sequence[Buffer]:
        return [self.source.buffer, self.factor.buffer]

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer, self.matrix.buffer]

    def text(self) -> str:
        head = "".join(
            f"for (int i{d} = 0; i{d} < {count}; i{d}++) "
            for d, (count, _) in enumerate(self.batch)
        )

        def start(ref: Ref, operand: int) -> str:
            terms = [f"i{d} * {s[operand]}" for d, (_, s) in enumerate(self.batch) if s[operand]]
            return " + ".join([address(ref), *terms])

        matrix, (*outer, (count, (along,))) = address(self.matrix), self.inner
        row, laid, begin, into = count * self.matrix.shape[1], "", start(self.factor, 1), matrix
        for d, (times, (stride,)) in reversed(list(enumerate(outer))):
            laid = f"for (int k{d} = 0; k{d} < {times}; k{d}++) {laid}"
            begin += f" + k{d} * {stride}"
            into += f" + k{d} * {row}"
            row *= times
        entries = self.matrix.shape[0]
        return (
            f"{head}{{ {laid}network_laid({begin}, {along}, {self.across}, {into}, {count}, {self.width}); "
            f"network_mix({start(self.source, 0)}, {self.offsets}, {matrix}, "
            f"{start(self.target, 2)}, {self.rows}, {self.step}, {entries}, {self.width}); }}"
        )


@dataclass
class Elements:
    """target[i] = expression of sources[..][i], over a shape."""

    target: Ref
    sources: list[Ref]
    expression: str
    """In C, with {0}, {1}, … for the sources' elements."""

    @property
    def reads(self) -> Sequence[Buffer]:
        return [s.buffer for s in self.sources]

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer]

    def text(self) -> str:
        strides = [self.target.strides, *(s.strides for s in self.sources)]
        order = sorted(
            range(len(self.target.shape)),
            key=lambda d: (-self.target.strides[d], -self.target.shape[d]),
        )
        shape = tuple(self.target.shape[d] for d in order)
        nest = loops(shape, *(tuple(s[d] for d in order) for s in strides))
        lines, names = [], "ijklmnop"
        for depth, (count, _) in enumerate(nest):
            i = names[depth]
            pragma = "IVDEP " if depth == len(nest) - 1 else ""
            lines.append(f"{pragma}for (int {i} = 0; {i} < {count}; {i}++)")

        def element(ref: Ref, operand: int) -> str:
            terms = [
                names[d] if steps[operand] == 1 else f"{names[d]} * {steps[operand]}"
                for d, (_, steps) in enumerate(nest)
                if steps[operand]
            ]
            return f"{address(ref)}[{' + '.join(terms) or '0'}]"

        parts = [element(s, k + 1) for k, s in enumerate(self.sources)]
        body = self.expression.format(*parts)
        return " ".join(lines) + f" {element(self.target, 0)} = {body};"


@dataclass
class Clear:
    """Zeros."""

    target: Ref

    @property
    def reads(self) -> Sequence[Buffer]:
        return []

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer]

    def text(self) -> str:
        return f"memset({address(self.target)}, 0, {self.target.size} * sizeof(float));"


@dataclass
class Fold:
    """target = combine(target, source) over a shape that is larger than target's: sums, maxima."""

    target: Ref
    sources: list[Ref]
    shape: tuple[int, ...]
    strides: list[tuple[int, ...]]
    """Of target and sources, over that shape."""
    expression: str
    start: str

    @property
    def reads(self) -> Sequence[Buffer]:
        return [s.buffer for s in self.sources]

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer]

    def text(self) -> str:
        free = [d for d, s in enumerate(self.strides[0]) if s or self.shape[d] == 1]
        folded = [d for d in range(len(self.shape)) if d not in free]
        # innermost: an axis along which the target moves by 1, if there is one
        inner = [d for d in free if self.strides[0][d] == 1 and self.shape[d] > 1]
        outer = [d for d in free if d not in inner]
        order = [*outer, *folded, *inner] if inner else [*outer, *folded]
        names = {d: f"i{d}" for d in order}

        def element(ref: Ref, strides: tuple[int, ...]) -> str:
            terms = [
                names[d] if strides[d] == 1 else f"{names[d]} * {strides[d]}"
                for d in order
                if strides[d] and self.shape[d] > 1
            ]
            return f"{address(ref)}[{' + '.join(terms) or '0'}]"

        def loop(d: int) -> str:
            return f"for (int {names[d]} = 0; {names[d]} < {self.shape[d]}; {names[d]}++) "

        target = element(self.target, self.strides[0])
        parts = [element(s, st) for s, st in zip(self.sources, self.strides[1:], strict=True)]
        head = "".join(loop(d) for d in outer)
        if inner:
            tail = "".join(loop(d) for d in inner)
            body = self.expression.format(target, *parts)
            runs = "".join(loop(d) for d in folded)
            return f"{head}{{ {tail}{target} = {self.start}; {runs}{tail}{target} = {body}; }}"
        body = self.expression.format("sum", *parts)
        runs = "".join(loop(d) for d in folded)
        return f"{head}{{ float sum = {self.start}; {runs}sum = {body}; {target} = sum; }}"


@dataclass
class Softmax:
    """Along one dimension of a value."""

    target: Ref
    source: Ref
    dim: int

    @property
    def reads(self) -> Sequence[Buffer]:
        return [self.source.buffer]

    @property
    def writes(self) -> Sequence[Buffer]:
        return [self.target.buffer]

    def text(self) -> str:
        others = [d for d, n in enumerate(self.target.shape) if d != self.dim and n > 1]
        head = "".join(
            f"for (int i{d} = 0; i{d} < {self.target.shape[d]}; i{d}++) " for d in others
        )

        def start(ref: Ref) -> str:
            terms = [f"i{d} * {ref.strides[d]}" for d in others if ref.strides[d]]
            return f"{address(ref)} + {' + '.join(terms) or '0'}"

        return (
            f"{head}network_softmax({start(self.source)}, {self.source.strides[self.dim]}, "
            f"{start(self.target)}, {self.target.strides[self.dim]}, {self.target.shape[self.dim]});"
        )
