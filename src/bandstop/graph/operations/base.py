"""What an operation must say of itself, whatever is done with a graph.

run    its meaning, in torch
flow   which elements of its inputs reach which elements of its output
tie    which positions on the axes of its inputs and its output are one and the same

**Flow.** Every element of a value has two marks, numbers that are 0 or more: `varies` (it depends on the
input) and `counts` (it may be other than 0, so that what it is multiplied with is not lost). Tensors
never vary. A product a b varies where a varies and b counts, or the other way round; a sum varies where
any of its terms does. All of it is sums and products of numbers that are not negative, so one forward
run says what is reached, and its gradient what is wanted: or/and, and with powers of scores for marks
max/product, are one recursion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from bandstop.graph.axes import Axes, Dims, Positions

Attributes = Mapping[str, Any]


class Marks(NamedTuple):
    """What is known of a value's elements; `varies` is None for a value that depends on no input."""

    varies: Tensor | None
    counts: Tensor


class Operation(Protocol):
    """One operation of a graph."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        """The value that it makes."""
        ...

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        """The marks of that value, for one sample."""
        ...

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        """Say which axes are the same, and which must stay as they are."""
        ...

    def small(
        self, inputs: Sequence[Dims], out: Dims, a: Attributes, positions: Positions
    ) -> Attributes:
        """The attributes where positions of axes are gone."""
        ...


@dataclass(frozen=True)
class Plain:
    """What most operations need of the above."""

    def small(
        self, inputs: Sequence[Dims], out: Dims, a: Attributes, positions: Positions
    ) -> Attributes:
        return a


def either(*parts: Tensor | None) -> Tensor | None:
    """The sum of those that are there."""
    there = [p for p in parts if p is not None]
    return sum(there[1:], there[0]) if there else None


def filled(x: Tensor) -> Tensor:
    """1 everywhere, with x's gradient: what an operation makes of 0 is not 0."""
    return x + (1 - x).detach()


def spread(x: Tensor, dims: Sequence[int]) -> Tensor:
    """Every element has what any element along these axes has."""
    return torch.sum(x, tuple(dims), keepdim=True).expand_as(x)
