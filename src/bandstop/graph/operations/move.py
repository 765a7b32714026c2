"""Where elements stand, without arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from bandstop.graph.axes import Axes, Dims, Positions, leaves, size
from bandstop.graph.operations.base import Attributes, Marks, Plain


class Move(Plain):
    """Marks go where elements go."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        raise NotImplementedError

    def flow(self, inputs: Sequence[Marks], a: Attributes) -> Marks:
        counts = self.run([m.counts for m in inputs], a, 1)
        if all(m.varies is None for m in inputs):
            return Marks(None, counts)
        there = [torch.zeros_like(m.counts) if m.varies is None else m.varies for m in inputs]
        return Marks(self.run(there, a, 1), counts)


class Shaped(Move):
    """To a `shape`, of one sample; `batch` is the dimension that a batch multiplies, or None."""

    def shape(self, a: Attributes, batch: int) -> list[int]:
        shape = list(a["shape"])
        if a["batch"] is not None:
            shape[a["batch"]] *= batch
        return shape

    def small(
        self, inputs: Sequence[Dims], out: Dims, a: Attributes, positions: Positions
    ) -> Attributes:
        return {**a, "shape": tuple(int(positions.mask(dim).sum()) for dim in out)}


@dataclass(frozen=True)
class View(Shaped):
    """The same elements in another shape."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0].reshape(self.shape(a, batch))

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        axes.unify([x for dim in inputs[0] for x in dim], [x for dim in out for x in dim])


@dataclass(frozen=True)
class Permute(Move):
    """The dimensions in another `order`."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0].permute(a["order"])

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        for there, d in zip(out, a["order"], strict=True):
            axes.unify(inputs[0][d], there)


@dataclass(frozen=True)
class Expand(Shaped):
    """Dimensions of size 1 repeated."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0].expand(self.shape(a, batch))

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        for dim, there in zip(reversed(inputs[0]), reversed(out), strict=False):
            if len(leaves(dim)) or not len(leaves(there)):
                axes.unify(dim, there)


@dataclass(frozen=True)
class Concatenate(Move):
    """One behind the other along `dim`."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return torch.cat(list(inputs), a["dim"])

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        start = 0
        for dims in inputs:
            for d, (dim, there) in enumerate(zip(dims, out, strict=True)):
                if d != a["dim"]:
                    axes.unify(dim, there)
                    continue
                count = size(dim)
                axes.tie(there, start, dim, 0, count)
                start += count


@dataclass(frozen=True)
class Take(Move):
    """Positions `index` along `dim`."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        index, x = a["index"], inputs[0]
        first, step = index[0], index[1] - index[0] if len(index) > 1 else 1
        if step > 0 and list(index) == list(range(first, index[-1] + 1, step)):
            return x[(slice(None),) * a["dim"] + (slice(first, index[-1] + 1, step),)]
        return x.index_select(a["dim"], torch.tensor(index, device=x.device))

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        for d, (dim, there) in enumerate(zip(inputs[0], out, strict=True)):
            if d != a["dim"]:
                axes.unify(dim, there)
                continue
            index = a["index"]
            if size(dim) == 1:
                axes.unify(dim, there)
            elif len(index) == 1:
                axes.hold(dim, there)  # a dimension of size 1 has no positions to be tied
            else:
                for new, old in enumerate(index):
                    axes.tie(dim, old, there, new, 1)

    def small(
        self, inputs: Sequence[Dims], out: Dims, a: Attributes, positions: Positions
    ) -> Attributes:
        kept, there = positions.mask(inputs[0][a["dim"]]), positions.mask(out[a["dim"]])
        now = (kept.cumsum(0) - 1).tolist()
        return {
            **a,
            "index": [now[old] for old, stays in zip(a["index"], there, strict=True) if stays],
        }


@dataclass(frozen=True)
class Door(Move):
    """An input as it is read: the same elements, on axes of its own."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return inputs[0]

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        """Nothing: an input keeps its shape, what is read of it need not."""


@dataclass(frozen=True)
class Pad(Move):
    """Zeros around: `before` and `after` each dimension."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        pairs = zip(reversed(a["before"]), reversed(a["after"]), strict=True)
        return functional.pad(inputs[0], [v for pair in pairs for v in pair])

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        for d, (dim, there) in enumerate(zip(inputs[0], out, strict=True)):
            if a["before"][d] or a["after"][d]:
                axes.hold(dim, there)
            else:
                axes.unify(dim, there)


@dataclass(frozen=True)
class Windows(Move):
    """im2col: (sample, channel, height, width) -> (sample, channel x kernel, windows)."""

    def run(self, inputs: Sequence[Tensor], a: Attributes, batch: int) -> Tensor:
        return functional.unfold(inputs[0], a["kernel"], a["dilation"], a["padding"], a["stride"])

    def tie(self, inputs: Sequence[Dims], out: Dims, a: Attributes, axes: Axes) -> None:
        sample, channel, *around = inputs[0]
        axes.unify(sample, out[0])
        taps = axes.fresh([a["kernel"][0] * a["kernel"][1]], held=True)[0]
        axes.unify([*channel, *taps], out[1])
        axes.hold(*around, out[2])
