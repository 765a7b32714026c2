"""The hard concrete gate: random masks that are exactly 0 or 1 with some probability (l0 regularisation).

    s = sigmoid( (ln u - ln(1 - u) + alpha) / beta ),   mask = min(1, max(0, s (zeta - gamma) + gamma))

u uniform, alpha a parameter of each weight, drawn towards closed by the expected number of open gates,

    sum P(mask > 0) = sum sigmoid( alpha - beta ln(-gamma / zeta) )

(Louizos et al., arXiv 1712.01312, its constants included. A comparator: the mask is not a function of
the latent, so the parameters are doubled.)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bandstop.gate.base import Alive, Gate, GateSpec, Rule, wide
from bandstop.number import whole

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

BETA, GAMMA, ZETA = 2 / 3, -0.1, 1.1
OPEN = 2.0
"""alpha at the start: masks of 0.9 and more (our choice), or the training would begin half blind."""


def hard_concrete(
    alpha: Float[Tensor, "*shape"], uniform: Float[Tensor, "*shape"] | None
) -> Float[Tensor, "*shape"]:
    """A sample of the mask from `uniform` in (0, 1); without it the mask to test with, no noise."""
    logit = alpha if uniform is None else (torch.logit(uniform) + alpha) / BETA
    s = torch.sigmoid(logit)
    return (s * (ZETA - GAMMA) + GAMMA).clamp(0, 1)


def open_probability(alpha: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """P(mask > 0), element by element."""
    return torch.sigmoid(alpha - BETA * math.log(-GAMMA / ZETA))


class HardConcreteGate(Gate):
    """One alpha a weight, and the noise of the current step as a buffer: the same step, the same mask."""

    noise: Tensor
    scale: Tensor

    def __init__(self, like: Tensor, scale: float = 1.0) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.full_like(wide(like.detach()), OPEN))
        self.hold(like, noise=torch.full_like(like.detach(), 0.5), scale=scale)

    def unit(self, latent: Tensor) -> Tensor:
        return wide(latent) / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        return hard_concrete(self.alpha, self.noise if self.training else None)

    def ordered(self, latent: Tensor, values: Tensor) -> Tensor:
        return values * hard_concrete(self.alpha.detach(), None)

    @torch.no_grad()
    def draw(self, seed: int, moment: float, name: str) -> None:
        """The noise of a moment of the training: it depends on the three arguments alone.

        Drawn on the CPU in single precision, so that every device and type sees the same.
        """
        digest = hashlib.blake2b(f"{seed}/{moment}/{name}".encode(), digest_size=4).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(digest))
        noise = torch.rand(self.noise.shape, generator=generator)
        self.noise.copy_(noise.clamp(1e-6, 1 - 1e-6))


@dataclass(frozen=True)
class HardConcrete(GateSpec):
    """Hard concrete gates; they do not look at the rate, so the budget is met by a cut afterwards.

    seed  of the noise
    """

    seed: int = 0

    @property
    def words(self) -> str:
        return "hard concrete gate"

    @property
    def numbers(self) -> dict[str, Rule]:
        seed: Rule = (whole, "a whole number from 0 to 2^32 - 1", lambda v: 0 <= v < 2**32)
        return super().numbers | {"seed": seed}

    @property
    def idle(self) -> dict[str, str]:
        return dict.fromkeys(("sigma", "warmup"), "on masks that are drawn, whatever the rate")

    def gate(self, like: Tensor, scale: float) -> HardConcreteGate:
        return HardConcreteGate(like, scale)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """Draw the noise of this moment, each model by its own seed."""
        for model in models:
            assert isinstance(model.spec, HardConcrete)
            for name, g in model.tensors.items():
                assert isinstance(g.gate, HardConcreteGate)
                g.gate.draw(model.spec.seed, progress, name)
