"""Over an axis or a window: sums, softmax, normalisation, pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bandstop.graph.axes import Axes, Dims
from bandstop.graph.operations.base import Attributes, Marks, Plain, filled, spread


@dataclass(frozen=True)
class Total(Plain):
    """The sum over `dims`, which stay with size 1. A mean is this, scaled."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0].sum(a["dims"], keepdim=True)

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        varies, counts = inputs[0]
        return Marks(
            None if varies is None else varies.sum(a["dims"], keepdim=True),
            counts.sum(a["dims"], keepdim=True),
        )

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        for d, (dim, there) in enumerate(zip(inputs[0], out, strict=True)):
            if d not in a["dims"]:
                axes.unify(dim, there)


@dataclass(frozen=True)
class Highest(Plain):
    """The maximum over `dims`, which stay with size 1."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0].amax(a["dims"], keepdim=True)

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        return Total().flow(inputs, a)

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        axes.hold(*(inputs[0][d] for d in a["dims"]))
        Total().tie(inputs, out, a, axes)


@dataclass(frozen=True)
class Softmax(Plain):
    """Along `dims`, one of them: each element depends on all.

    An element that is constant is a factor of the others, yet no path: what leads to it alone is judged as
    a bias is, and dead. The same holds for normalisation and for maxima.
    """

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return torch.softmax(inputs[0], a["dims"][0])

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        varies, counts = inputs[0]
        return Marks(
            None if varies is None else spread(varies, a["dims"]),
            filled(spread(counts, a["dims"])),
        )

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        axes.hold(*(inputs[0][d] for d in a["dims"]))
        for dim, there in zip(inputs[0], out, strict=True):
            axes.unify(dim, there)


@dataclass(frozen=True)
class Standardise(Softmax):
    """(a - mean) / sqrt(variance + eps) over `dims`, as layer normalisation does."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        x = inputs[0]
        centred = x - x.mean(a["dims"], keepdim=True)
        return centred / (centred.square().mean(a["dims"], keepdim=True) + a["eps"]).sqrt()


@dataclass(frozen=True)
class Pool(Plain):
    """The `highest` or the mean of each window of the last axes: kernel, stride, padding, dilation."""

    highest: bool

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        x, window = inputs[0], (a["kernel"], a["stride"], a["padding"])
        if self.highest:
            highest = functional.max_pool1d if x.ndim == 3 else functional.max_pool2d
            return highest(x, *window, a["dilation"], a["ceil"])
        mean = functional.avg_pool1d if x.ndim == 3 else functional.avg_pool2d
        return mean(x, *window, a["ceil"], a["padded"])

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        varies, counts = inputs[0]
        return Marks(None if varies is None else self._windows(varies, a), self._windows(counts, a))

    def _windows(self, x: Tensor, a: Attributes) -> Tensor:
        """Sums over windows."""
        if a["ceil"]:  # the last window may stand out: as the operation itself counts
            x = functional.pad(x, [v for n in reversed(a["kernel"]) for v in (0, n - 1)])
        flat = x.flatten(0, 1)[:, None]
        ones = torch.ones(1, 1, *a["kernel"]).to(x)
        f = functional.conv1d if x.ndim == 3 else functional.conv2d
        found = f(flat, ones, None, a["stride"], a["padding"], a["dilation"])
        found = found[:, 0].unflatten(0, x.shape[:2])
        return found[tuple(slice(n) for n in a["out"])] if a["ceil"] else found

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        for d, (dim, there) in enumerate(zip(inputs[0], out, strict=True)):
            if d < 2:
                axes.unify(dim, there)
            else:
                axes.hold(dim, there)
