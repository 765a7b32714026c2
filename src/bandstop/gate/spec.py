"""BandStop: what to attach, as a value; and the threshold and sharpness it asks for at each moment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.budget import Budget
from bandstop.errors import BadInput, listed, nearest
from bandstop.gate.prior import PRIORS

THRESHOLDS = ("empirical", "prior")
SCALES = ("rms", "unit")


@dataclass(frozen=True)
class BandStop:
    """Band-stop gates for a budget, and how they sharpen during training.

    rate       fraction of the prunable weights to remove, in [0, 1)
    prior      the distribution that the latents are aligned with: gaussian, laplace, uniform
    threshold  "empirical": a is the quantile of |latents|, so the budget holds at every step (our
               choice); "prior": a is the quantile of the prior (PMP, arXiv 2305.19343)
    sigma      sharpness at the start and at the end; geometric in between (our choice)
    warmup     fraction of the training over which the rate rises from 0, along a cubic (our choice)
    scope, exempt, rates   as in `Budget`
    scale      "rms": a tensor's latents are measured in its root mean square at the time of attaching,
               so that one threshold fits any network; "unit": they have unit variance already

    Errors: BadInput, naming every value that is not valid.
    """

    rate: float
    prior: str = "gaussian"
    threshold: str = "empirical"
    sigma: tuple[float, float] = (2.0, 100.0)
    warmup: float = 0.5
    scope: str = "global"
    exempt: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    scale: str = "rms"

    def __post_init__(self) -> None:
        problems = []
        for name, value, valid in [
            ("prior", self.prior, tuple(PRIORS)),
            ("threshold", self.threshold, THRESHOLDS),
            ("scale", self.scale, SCALES),
        ]:
            if value not in valid:
                problems.append(
                    f"{name} must be one of {', '.join(valid)}, not {value!r}{nearest(value, valid)}"
                )
        if not 0 < self.sigma[0] <= self.sigma[1] < math.inf:
            problems.append(f"sigma must rise from above 0 to a finite value, not {self.sigma}")
        if not 0 <= self.warmup <= 1:
            problems.append(f"warmup must be in [0, 1], not {self.warmup}")
        try:
            _ = self.budget
        except BadInput as error:
            problems.append(str(error))
        if problems:
            raise BadInput(f"band-stop gate: {listed(problems)}")

    @property
    def budget(self) -> Budget:
        return Budget(self.rate, self.scope, self.exempt, self.rates)

    def sharpness(self, progress: float) -> float:
        """sigma(t) = sigma_0 (sigma_1 / sigma_0)^t, t in [0, 1]."""
        first, last = self.sigma
        return first * (last / first) ** min(1.0, progress)

    def ramp(self, progress: float) -> float:
        """The part of the rate that is asked for at t: 1 - (1 - t / warmup)^3, then 1."""
        if progress >= self.warmup:
            return 1.0
        return 1 - (1 - progress / self.warmup) ** 3


def magnitude_quantiles(
    magnitudes: Float[Tensor, "model weight"], removed: Sequence[int]
) -> Float[Tensor, " model"]:
    """For each model the threshold a with exactly `removed` of its magnitudes below it: midway
    between neighbours, 0 where none is removed."""
    if magnitudes.device.type == "cpu":  # an order of magnitude faster than torch's selection
        return torch.stack(
            [_midway(row, count) for row, count in zip(magnitudes, removed, strict=True)]
        )
    ranks = torch.tensor(removed, device=magnitudes.device)[:, None]
    near = magnitudes.sort(dim=1).values.gather(1, torch.cat([ranks - 1, ranks], 1).clamp(min=0))
    return near.mean(dim=1) * (ranks[:, 0] > 0)


def _midway(magnitudes: Float[Tensor, " weight"], removed: int) -> Float[Tensor, ""]:
    if removed == 0:
        return magnitudes.new_zeros(())
    near = np.partition(magnitudes.numpy(), [removed - 1, removed])
    return (magnitudes.new_tensor(near[removed - 1]) + near[removed].item()) / 2
