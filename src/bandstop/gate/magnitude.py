"""The magnitude gate: a weight passes, or not, by its magnitude alone; the mask is 0/1 in every step.

    mask(v) = 1 where |v| >= a, else 0

What is masked gets no gradient and stands still, and comes back if the threshold falls below it. With a
rising rate this is gradual magnitude pruning (Zhu and Gupta, arXiv 1710.01878).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bandstop.gate.base import Alive, Gate, GateSpec
from bandstop.gate.spec import set_thresholds

if TYPE_CHECKING:
    from bandstop.gate.attach import Gates


class MagnitudeGate(Gate):
    """|latent| / scale against a threshold; both are buffers."""

    threshold: Tensor
    scale: Tensor

    def __init__(self, like: Tensor, scale: float = 1.0) -> None:
        super().__init__()
        for name, value in [("threshold", 0.0), ("scale", scale)]:
            self.register_buffer(name, torch.tensor(value, dtype=like.dtype, device=like.device))

    def unit(self, latent: Tensor) -> Tensor:
        return latent / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        return (self.unit(latent).detach().abs() >= self.threshold).to(latent)

    def scores(self, latent: Tensor) -> Tensor:
        return latent.detach().abs() / self.scale


@dataclass(frozen=True)
class Magnitude(GateSpec):
    """Magnitude gates under a threshold that rises with the rate; sigma is not used."""

    @property
    def words(self) -> str:
        return "magnitude gate"

    def gate(self, like: Tensor, scale: float) -> MagnitudeGate:
        return MagnitudeGate(like, scale)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """The threshold that the rate of this moment asks for."""
        set_thresholds(models, self.ramp(progress))
