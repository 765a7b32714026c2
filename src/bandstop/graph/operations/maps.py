"""Element by element: sums, products, and functions of one value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bandstop.graph.axes import Axes, Dims, size
from bandstop.graph.operations.base import Attributes, Marks, Plain, either, filled
from bandstop.graph.operations.contract import product


def broadcast(inputs: Sequence[Dims], out: Dims, axes: Axes) -> None:
    """Axes that meet from the right are one, but for those of size 1 that are repeated."""
    for dims in inputs:
        for dim, there in zip(reversed(dims), reversed(out), strict=False):
            if size(dim) == size(there):
                axes.unify(dim, there)


def shaped(marks: Sequence[Marks]) -> list[Marks]:
    """The same, as large as all of them together."""
    shape = torch.broadcast_shapes(*(m.counts.shape for m in marks))
    return [
        Marks(None if m.varies is None else m.varies.expand(shape), m.counts.expand(shape))
        for m in marks
    ]


@dataclass(frozen=True)
class Sum(Plain):
    """a + b, or with `minus` a - b."""

    minus: bool = False

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        one, other = inputs
        return one - other if self.minus else one + other

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        one, other = shaped(inputs)
        return Marks(either(one.varies, other.varies), one.counts + other.counts)

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        broadcast(inputs, out, axes)


@dataclass(frozen=True)
class Product(Plain):
    """a b."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0] * inputs[1]

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        return product(torch.mul, *inputs)

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        broadcast(inputs, out, axes)


@dataclass(frozen=True)
class Quotient(Plain):
    """a / b, that is a times something that is never 0."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0] / inputs[1]

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        one, other = inputs
        return product(torch.mul, one, Marks(other.varies, filled(other.counts)))

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        broadcast(inputs, out, axes)


@dataclass(frozen=True)
class Function(Plain):
    """f(a)."""

    f: Callable[..., Tensor]

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return self.f(inputs[0], **a)

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        varies, counts = inputs[0]
        of_nothing = self.f(torch.zeros(()), **a)
        return Marks(varies, counts if of_nothing == 0 else filled(counts))

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        broadcast(inputs, out, axes)


def affine(x: Tensor, scale: float, shift: float) -> Tensor:
    return x * scale + shift


FUNCTIONS: dict[str, Function] = {
    "relu": Function(torch.relu),
    "tanh": Function(torch.tanh),
    "sigmoid": Function(torch.sigmoid),
    "gelu": Function(functional.gelu),
    "silu": Function(functional.silu),
    "leaky-relu": Function(functional.leaky_relu),
    "elu": Function(functional.elu),
    "hardswish": Function(functional.hardswish),
    "hardtanh": Function(functional.hardtanh),
    "exp": Function(torch.exp),
    "sqrt": Function(torch.sqrt),
    "abs": Function(torch.abs),
    "power": Function(torch.pow),
    "clamp": Function(torch.clamp),
    "scale": Function(affine),
}
"""`scale` is a scale + shift, with two numbers."""
