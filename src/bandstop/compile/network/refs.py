"""Where a value lies: a buffer, an offset, and a stride for each dimension, as in NumPy."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace


@dataclass
class Buffer:
    """Memory of some floats; `name` is how the C file calls it where it is not scratch, `inside` the
    buffer that it is a part of, and where it begins there."""

    floats: int
    name: str = ""
    inside: tuple[Buffer, int] | None = None
    first: int = -1
    last: int = -1
    offset: int = -1

    @property
    def outer(self) -> Buffer:
        return self if self.inside is None else self.inside[0].outer


@dataclass(frozen=True)
class Ref:
    """A value in memory. Strides count floats."""

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    @property
    def whole(self) -> bool:
        """Row-major, without gaps."""
        return all(
            n == 1 or s == c
            for n, s, c in zip(self.shape, self.strides, contiguous(self.shape), strict=True)
        )

    def permuted(self, order: tuple[int, ...]) -> Ref:
        return replace(
            self,
            shape=tuple(self.shape[d] for d in order),
            strides=tuple(self.strides[d] for d in order),
        )

    def taken(self, dim: int, start: int, count: int, step: int) -> Ref:
        shape, strides = list(self.shape), list(self.strides)
        shape[dim], offset = count, self.offset + start * strides[dim]
        strides[dim] *= step
        return replace(self, shape=tuple(shape), strides=tuple(strides), offset=offset)

    def viewed(self, shape: tuple[int, ...]) -> Ref | None:
        """As another shape, or None where that takes a copy."""
        old = [(n, s) for n, s in zip(self.shape, self.strides, strict=True) if n != 1]
        strides: list[int] = []
        i = 0
        for n in shape:
            if n == 1:
                strides.append(0)
                continue
            strides.append(-n)  # filled below
        groups: list[list[int]] = []
        j = [d for d, n in enumerate(shape) if n != 1]
        k = 0
        while i < len(old) or k < len(j):
            left, right = [i], [j[k]] if k < len(j) else []
            if i >= len(old) or not right:
                return None
            a, b = old[i][0], shape[right[0]]
            i, k = i + 1, k + 1
            while a != b:
                if a < b:
                    if i >= len(old):
                        return None
                    a *= old[i][0]
                    left.append(i)
                    i += 1
                else:
                    if k >= len(j):
                        return None
                    b *= shape[j[k]]
                    right.append(j[k])
                    k += 1
            for one, other in itertools.pairwise(left):
                if old[one][1] != old[other][1] * old[other][0]:
                    return None
            stride = old[left[-1]][1]
            for d in reversed(right):
                strides[d] = stride
                stride *= shape[d]
            groups.append(right)
        return replace(self, shape=tuple(shape), strides=tuple(strides))


def contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of a row-major array."""
    strides, stride = [], 1
    for n in reversed(shape):
        strides.append(stride)
        stride *= n
    return tuple(reversed(strides))


def loops(shape: tuple[int, ...], *strides: tuple[int, ...]) -> list[tuple[int, list[int]]]:
    """The fewest nested loops over a shape: (count, each operand's stride), outermost first."""
    found: list[tuple[int, list[int]]] = []
    for d, n in enumerate(shape):
        if n == 1:
            continue
        steps = [s[d] for s in strides]
        if found and all(a == b * n for a, b in zip(found[-1][1], steps, strict=True)):
            found[-1] = (found[-1][0] * n, steps)
        else:
            found.append((n, steps))
    return found or [(1, [0] * len(strides))]
