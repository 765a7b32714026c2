"""Axes of values as variables: which axes are one and the same, and which positions go together.

Every dimension of a value is a product of axes, row-major: the dimension of a view that joins channels
and joints is (channels, joints). Operations unify axes (a sum's terms share theirs), split them where a
view does, and hold those on which every position is needed. Where an axis cannot be followed it is held:
nothing goes from it, and all stays right.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import torch
from torch import Tensor

from bandstop.errors import Failure


class Axis:
    """A node of a union-find forest. `held`: no position of it may go."""

    __slots__ = ("held", "parts", "size", "to")

    def __init__(self, size: int, held: bool = False) -> None:
        self.size, self.held = size, held
        self.parts: tuple[Axis, ...] = ()
        self.to: Axis | None = None

    def root(self) -> Axis:
        here = self
        while here.to is not None:
            here = here.to
        return here

    def leaves(self) -> list[Axis]:
        here = self.root()
        if here.parts:
            return [leaf for part in here.parts for leaf in part.leaves()]
        return [here] if here.size > 1 else []


Dim = list[Axis]
"""One dimension: a product of axes, row-major."""
Dims = list[Dim]


def leaves(dim: Dim) -> list[Axis]:
    """The axes that a dimension is a product of, each as far as it was split; none of size 1."""
    return [leaf for axis in dim for leaf in axis.leaves()]


def size(dim: Dim) -> int:
    """How many positions a dimension has."""
    return math.prod(axis.size for axis in dim)


class Axes:
    """All axes of a graph, and what is tied on them."""

    def __init__(self) -> None:
        self.ties: list[tuple[Dim, int, Dim, int, int, int]] = []

    def fresh(self, shape: Iterable[int], held: bool = False) -> Dims:
        """An axis for each dimension."""
        return [[Axis(size, held)] for size in shape]

    def hold(self, *dims: Dim) -> None:
        """Every position of these stays."""
        for dim in dims:
            for leaf in leaves(dim):
                leaf.held = True

    def unify(self, one: Dim, other: Dim) -> None:
        """Two dimensions of one size are the same; an axis is split where the other side has two."""
        left, right = leaves(one), leaves(other)
        while left and right:
            a, b = left[0].root(), right[0].root()
            if a.parts or b.parts:  # split meanwhile
                left, right = leaves(left), leaves(right)
            elif a is b or a.size == b.size:
                self._join(a, b)
                left, right = left[1:], right[1:]
            elif a.size % b.size == 0:
                left = [*self._split(a, b.size), *left[1:]]
            elif b.size % a.size == 0:
                right = [*self._split(b, a.size), *right[1:]]
            else:
                self.hold(left, right)
                return
        if left or right:
            raise Failure("axes of different sizes were taken for one")

    def tie(self, one: Dim, start: int, other: Dim, first: int, count: int, step: int = 1) -> None:
        """Positions start, start + step, … of `one` are positions first, first + 1, … of `other`."""
        self.ties.append((one, start, other, first, count, step))

    def _join(self, a: Axis, b: Axis) -> None:
        if a is not b:
            a.held = b.held = a.held or b.held
            b.to = a

    def _split(self, axis: Axis, first: int) -> tuple[Axis, ...]:
        axis.parts = (Axis(first, axis.held), Axis(axis.size // first, axis.held))
        return axis.parts


class Positions:
    """The positions on all axes that values have, once every tie is known; those tied are one.

    Parameters
    ----------
    axes : with all of a graph's ties
    dims : of all values
    """

    def __init__(self, axes: Axes, dims: Iterable[Dims]) -> None:
        self.first: dict[Axis, int] = {}
        self.count = 0
        dims = list(dims)
        for one, _, other, *_ in axes.ties:  # positions of a product are no positions of an axis
            for dim in (one, other):
                if len(leaves(dim)) > 1:
                    axes.hold(one, other)
        for value in dims:
            for dim in value:
                for leaf in leaves(dim):
                    if leaf not in self.first:
                        self.first[leaf] = self.count
                        self.count += leaf.size
        self.group = torch.arange(self.count)
        self._follow(axes)
        self.alive = torch.zeros(self.count, dtype=torch.bool)

    def _follow(self, axes: Axes) -> None:
        ties = []
        for one, start, other, first, count, step in axes.ties:
            left, right = leaves(one), leaves(other)
            if len(left) == len(right) == 1:
                a = self.first[left[0]] + start + step * torch.arange(count)
                b = self.first[right[0]] + first + torch.arange(count)
                ties.append((a, b))
            else:  # a dimension of size 1 on one side: what it is tied to stays
                axes.hold(one, other)
        changed = True
        while changed:  # every position has the least number of those it is tied to
            before = self.group.clone()
            for a, b in ties:
                least = torch.minimum(self.group[a], self.group[b])
                self.group[a] = least
                self.group[b] = least
            changed = not torch.equal(before, self.group)

    def _places(self, axis: Axis) -> Tensor:
        return self.group[self.first[axis] : self.first[axis] + axis.size]

    def mark(self, dims: Dims, elements: Tensor) -> None:
        """What these elements of a value stand on stays."""
        parts = [leaves(dim) for dim in dims]
        order = [leaf for part in parts for leaf in part]
        if not order:
            return
        whole = elements.reshape([leaf.size for leaf in order])
        for place, leaf in enumerate(order):
            others = [d for d in range(len(order)) if d != place]
            some = whole.any(dim=others) if others else whole
            self.alive[self._places(leaf)[some]] = True

    def kept(self, axis: Axis) -> Tensor:
        """Which positions of an axis stay."""
        return self.alive[self._places(axis)]

    def settle(self) -> None:
        """All of held axes, and one position at least of each, stay; so does what is tied to these."""
        for axis in self.first:
            places = self._places(axis)
            if axis.held:
                self.alive[places] = True
        for axis in self.first:
            places = self._places(axis)
            if not self.alive[places].any():
                self.alive[places[0]] = True

    def mask(self, dim: Dim) -> Tensor:
        """Which positions of a dimension stay, products of axes included."""
        mask = torch.ones(1, dtype=torch.bool)
        for leaf in leaves(dim):
            mask = (mask[:, None] & self.kept(leaf)[None, :]).flatten()
        return mask
