"""The magnitude gate: a weight passes, or not, by its magnitude alone; the mask is 0/1 in every step.

    mask(v) = 1 where |v| >= a, else 0

What is masked gets no gradient and stands still, and comes back if the threshold falls below it. With a
rising rate this is gradual magnitude pruning (Zhu and Gupta, arXiv 1710.01878).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

from bandstop.gate.base import Alive, Gate, GateSpec, wide
from bandstop.gate.spec import by_magnitude, fill, magnitudes

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates


class MagnitudeGate(Gate):
    """|latent| / scale against a threshold; both are buffers."""

    threshold: Tensor
    scale: Tensor

    def __init__(self, like: Tensor, scale: float = 1.0) -> None:
        super().__init__()
        self.hold(like, threshold=0.0, scale=scale)

    def unit(self, latent: Tensor) -> Tensor:
        return wide(latent) / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        return (self.unit(latent).detach().abs() >= self.threshold).to(latent)


@dataclass(frozen=True)
class Magnitude(GateSpec):
    """Magnitude gates under a threshold that rises with the rate; without a sharpness."""

    @property
    def words(self) -> str:
        return "magnitude gate"

    @property
    def idle(self) -> dict[str, str]:
        return {"sigma": "on masks that are 0 or 1 in every step"}

    def gate(self, like: Tensor, scale: float) -> MagnitudeGate:
        return MagnitudeGate(like, scale)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """The threshold that the rate of this moment asks for."""
        for shares in zip(*(m.shares for m in models), strict=True):
            fields = magnitudes(models, shares[0].names)
            for name, a in by_magnitude(self, shares, fields, self.ramp(progress)).items():
                fill(models, name, "threshold", a)
