"""Sums of products: `einsum` and `convolve`. Matrix products and dense layers are einsums."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bandstop.graph.axes import Axes, Dims
from bandstop.graph.operations.base import Attributes, Marks, Plain, either


def product(f, a: Marks, b: Marks) -> Marks:  # type: ignore[no-untyped-def]
    """Marks of something that is linear in both: f(a, b)."""
    varies = either(
        None if a.varies is None else f(a.varies, b.counts),
        None if b.varies is None else f(a.counts, b.varies),
    )
    return Marks(varies, f(a.counts, b.counts))


def letters(equation: str) -> tuple[list[str], str]:
    """What the inputs of an equation and its output are called, axis by axis."""
    inputs, out = equation.split("->")
    return inputs.split(","), out


@dataclass(frozen=True)
class Einsum(Plain):
    """sum over what the output does not name; `equation` as in NumPy, of one value or two."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return torch.einsum(a["equation"], *inputs)

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        def f(*tensors: Tensor) -> Tensor:
            return torch.einsum(a["equation"], *tensors)

        if len(inputs) == 1:
            varies, counts = inputs[0]
            return Marks(None if varies is None else f(varies), f(counts))
        return product(f, *inputs)

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        names, last = letters(a["equation"])
        there: dict[str, list] = {}
        for word, dims in zip((*names, last), (*inputs, out), strict=True):
            for letter, dim in zip(word, dims, strict=True):
                if letter in there:
                    axes.unify(there[letter], dim)
                else:
                    there[letter] = dim


@dataclass(frozen=True)
class Convolve(Plain):
    """A convolution over the axes behind (sample, channel): stride, padding, dilation, groups.

    With groups no channel goes: compaction leaves it as it is, however many of its weights are dead.
    """

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        x, weight = inputs
        f = (functional.conv1d, functional.conv2d, functional.conv3d)[x.ndim - 3]
        return f(x, weight, None, a["stride"], a["padding"], a["dilation"], a["groups"])

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        return product(lambda x, w: self.run((x, w), a, 1), *inputs)

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        (sample, channel, *around), (filters, depth, *kernel) = inputs
        axes.unify(sample, out[0])
        axes.unify(filters, out[1])
        if a["groups"] == 1:
            axes.unify(channel, depth)
        else:  # which channels a filter reads depends on where both stand
            axes.hold(channel, depth, filters)
        for i, (here, there, taps) in enumerate(zip(around, out[2:], kernel, strict=True)):
            axes.hold(taps)
            plain = a["stride"][i] == 1 and a["padding"][i] == 0 and taps[0].size == 1
            if plain:
                axes.unify(here, there)
            else:
                axes.hold(here, there)
