"""Normalisation: from a signal in the skeleton's unit to numbers around zero, of about unit size."""

from __future__ import annotations

import math
from collections.abc import Sequence as Seq
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.data.speed import SPEEDS
from bandstop.errors import BadInput

STILL = 1e-3
"""Of the positions' std in a frame: slower than that is as good as still (our choice)."""
LEAST_SPREAD = 0.01
"""A spread of the speeds' logarithms below this, 1 % of a speed, is rounding."""
FASTEST = math.log(2.0**60)
"""Of the logarithm of a speed that is described, in the positions' std a frame: see `farthest`."""


@dataclass(frozen=True, eq=False)
class Normalisation:
    """Each kind of feature by its own size: positions, and the logarithm of each of the speeds.

    x -> (x - mean) / s_0 for positions, v -> (log(v / s_0 + STILL) - mean) / s_i for speed i: a mean
    for each element, one std for each kind (our choice). One std keeps the proportions of the body, and
    the logarithm makes twice as fast the same step everywhere, whatever the unit.

    mean  (nodes, features)
    std   (kinds,): that of positions alone, or followed by one for each of `SPEEDS`

    Errors: BadInput for a mean that is not finite, or a std that is not finite, not positive, or below
    the smallest normal number, by which nothing can be divided.
    """

    mean: Float[Tensor, "*run node feature"]
    std: Float[Tensor, "*run kind"]

    def __post_init__(self) -> None:
        if not self.mean.isfinite().all():
            raise BadInput("normalisation: the mean has NaN or infinite values; fit it again")
        least = torch.finfo(self.std.dtype).tiny
        if not ((self.std >= least) & self.std.isfinite()).all():
            raise BadInput(
                f"normalisation: std must be finite and at least {least:.3g}, not "
                f"{self.std.flatten().tolist()}; fit it to recordings that vary"
            )
        if self.std.shape[-1] not in (1, 1 + len(SPEEDS)):
            raise BadInput(
                f"normalisation: std must be one number, or {1 + len(SPEEDS)} with speeds, not "
                f"{self.std.shape[-1]}"
            )

    @staticmethod
    def of(signals: Float[Tensor, "batch node feature"], speeds: bool = False) -> Normalisation:
        """Fitted to training signals, with or without speeds. An element that never varies stays at
        zero. Errors: BadInput where no position varies at all."""
        count = _positions(signals.shape[-1], 1 + len(SPEEDS) * speeds)
        places = signals[..., :count]
        std = _spread(places)
        if not std > 0:
            raise BadInput("the training signals are all equal; there is nothing to learn from")
        if not speeds:
            return Normalisation(places.mean(dim=0), std[None])
        logs = _logarithm(signals[..., count:], std)
        spreads = [_spread(part).clamp(min=LEAST_SPREAD) for part in logs.chunk(len(SPEEDS), dim=2)]
        mean = torch.cat([places.mean(dim=0), logs.mean(dim=0)], dim=1)
        return Normalisation(mean, torch.stack([std, *spreads]))

    @staticmethod
    def stacked(several: Seq[Normalisation]) -> Normalisation:
        """Those of several runs, for signals (run, batch, node, feature)."""
        mean = torch.stack([n.mean for n in several])[:, None]
        return Normalisation(mean, torch.stack([n.std for n in several])[:, None, None])

    @property
    def speeds(self) -> bool:
        return self.std.shape[-1] > 1

    def __call__(
        self, signal: Float[Tensor, "*run batch node feature"]
    ) -> Float[Tensor, "*run batch node feature"]:
        size = self.std[..., :1]
        if not self.speeds:
            return (signal - self.mean) / size
        count = _positions(signal.shape[-1], self.std.shape[-1])
        chunks = count // 3
        places = (signal[..., :count] - self.mean[..., :count]) / size
        logs = _logarithm(signal[..., count:], size) - self.mean[..., count:]
        return torch.cat(
            [places, logs / self.std[..., 1:].repeat_interleave(chunks, dim=-1)], dim=-1
        )

    def farthest(self, reach: float) -> float:
        """The largest |coordinate| of a recording that is described; not above 0 where none can be.

        It lies at most twice as far from the centre, sqrt 2 times that when turned, so that with
        |signal| <= (3 farthest + max |mean|) / std no element exceeds `reach`. Beyond 2^32 std, where
        neighbouring float32 numbers lie 256 std apart, there is no movement left to be seen (nor in the
        last bits of double precision); beyond 2^56 sums of coordinates are no longer far from the
        largest float32. A speed is then at most 4 sqrt 3 farthest, its logarithm below FASTEST.
        """
        size, *spreads = self.std.tolist()
        most = float(self.mean.abs().max())
        if spreads and (FASTEST + most) / min(spreads) > reach:
            return 0.0
        within_reach = (reach * size - most) / 3
        return min(within_reach, 2.0**32 * size, 2.0**56)

    def to(self, device: torch.device | str) -> Normalisation:
        return Normalisation(self.mean.to(device), self.std.to(device))


def _positions(features: int, kinds: int) -> int:
    """How many of the features are coordinates: 3 of the 3 + SPEEDS a chunk, or all."""
    return features * 3 // (2 + kinds)


def _logarithm(speeds: Tensor, size: Tensor) -> Tensor:
    return (speeds / size + STILL).log()


def _spread(part: Tensor) -> Tensor:
    """The root mean square of the distance from each element's own mean."""
    return (part - part.mean(dim=0)).square().mean().sqrt()
