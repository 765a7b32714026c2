"""The priors Q that latent weights are aligned with: symmetric, mean 0, variance 1 (PMP, SRMP, MRMP).

Each knows its quantile and distribution functions; the threshold that leaves a fraction r of |v| below
it follows: a(r) = quantile((1 + r) / 2).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bandstop.errors import BadInput

ROOT2, ROOT3 = math.sqrt(2.0), math.sqrt(3.0)


@dataclass(frozen=True)
class Prior:
    """A unit-variance distribution: `cdf` and `quantile` act on tensors of any shape.

    extent  half the width of the interval on which histograms compare it
    """

    name: str
    cdf: Callable[[Tensor], Tensor]
    quantile: Callable[[Tensor], Tensor]
    extent: float

    def threshold(self, rate: float) -> float:
        """a(r) with Q(|v| < a) = r, for r in [0, 1).

        >>> round(PRIORS["gaussian"].threshold(0.9), 4)
        1.6449
        >>> round(PRIORS["uniform"].threshold(0.5), 4)
        0.866
        """
        if not 0 <= rate < 1:
            raise BadInput(f"rate must be in [0, 1), not {rate}")
        return float(self.quantile(torch.tensor((1 + rate) / 2, dtype=torch.float64)))


def _laplace_cdf(v: Tensor) -> Tensor:
    tail = 0.5 * torch.exp(-ROOT2 * v.abs())
    return torch.where(v < 0, tail, 1 - tail)


def _laplace_quantile(p: Tensor) -> Tensor:
    # ln(1 - |2p - 1|), written so that both tails keep their precision
    return torch.sign(p - 0.5) * -torch.log(2 * torch.minimum(p, 1 - p)) / ROOT2


PRIORS: dict[str, Prior] = {
    "gaussian": Prior("gaussian", torch.special.ndtr, torch.special.ndtri, extent=4.0),
    "laplace": Prior("laplace", _laplace_cdf, _laplace_quantile, extent=6.0),
    "uniform": Prior(
        "uniform",
        lambda v: (0.5 + v / (2 * ROOT3)).clamp(0, 1),
        lambda p: (2 * p - 1) * ROOT3,
        extent=ROOT3,
    ),
}
