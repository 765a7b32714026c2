"""What every gate is, and every value that says which gates to attach."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from bandstop.budget import Budget, Share
from bandstop.errors import BadInput, listed, nearest
from bandstop.gate.balance import Fields, ranked
from bandstop.number import real

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

SCALES = ("rms", "unit")
Masks = dict[str, Tensor]
"""Tensor name -> boolean mask of its shape: True stays."""
Alive = Callable[[Masks], Masks]
"""Masks -> the same without weights that can do nothing; what a gate cannot know of the network."""
Rule = tuple[Callable[[object], float], str, Callable[[float], bool]]
"""What kind of number (`real` or `whole`), the range in words, and whether a value is in it."""


def wide(tensor: Tensor) -> Tensor:
    """The tensor in single precision where it is in half: squares and quotients leave its range."""
    return tensor.float() if tensor.dtype in (torch.float16, torch.bfloat16) else tensor


class GateWarning(UserWarning):
    """What `attach` or `finish` noticed about a network and its user should know."""


class Gate(nn.Module):
    """A parametrization: latent -> latent * mask(latent).

    Its numbers are buffers, so that they travel in the state_dict; they and the mask are in single
    precision or better, whatever the latent is. `scale` is the unit that latents are measured in.
    """

    scale: Tensor

    def hold(self, like: Tensor, **numbers: float | Tensor) -> None:
        """Make each a buffer for a tensor such as `like`."""
        dtype = torch.promote_types(like.dtype, torch.float32)
        for name, value in numbers.items():
            self.register_buffer(name, torch.as_tensor(value, dtype=dtype, device=like.device))

    def mask(self, latent: Tensor) -> Tensor:
        """The mask, in [0, 1], the latent's shape."""
        raise NotImplementedError

    def scores(self, latent: Tensor) -> Tensor:
        """What a weight's survival is judged by, comparable between tensors."""
        return self.ordered(latent.detach(), self.unit(latent.detach()).abs())

    def ordered(self, latent: Tensor, values: Tensor) -> Tensor:
        """Values of the weights, far above or below the others where the gate has decided already."""
        return values

    @property
    def size(self) -> float:
        """The unit that latents are measured in."""
        return float(self.scale)

    @torch.no_grad()
    def measure(self, latent: Tensor) -> None:
        """Make the latent's root mean square the unit."""
        spread = torch.linalg.vector_norm(latent, dtype=torch.double) / math.sqrt(latent.numel())
        self.scale.copy_(spread.clamp(min=torch.finfo(self.scale.dtype).tiny))

    def unit(self, latent: Tensor) -> Tensor:
        """The latent in its own unit, in which the prior has variance 1."""
        return latent

    def hard_mask(self, latent: Tensor) -> Tensor:
        """The mask made 0/1: kept where it is at least 1/2."""
        return self.mask(latent.detach()) >= 0.5

    def forward(self, latent: Tensor) -> Tensor:
        return latent * self.mask(latent).to(latent.dtype)


@dataclass(frozen=True)
class GateSpec:
    """Gates for a budget, and how they sharpen during training: what all kinds have in common.

    rate       fraction of the prunable weights to remove, in [0, 1)
    sigma      sharpness at the start and at the end; geometric in between (our choice)
    warmup     fraction of the training over which the rate rises from 0, along a cubic (our choice)
    scope, exempt, rates   as in `Budget`
    scale      "rms": a tensor's latents are measured in its root mean square, anew in every update, and
               tensors are balanced by ranks (gate/balance.py), so that any network may bear gates;
               "unit": latents have unit variance, and one threshold serves all tensors

    Errors: BadInput, naming every value that is not valid, or that has no effect beside the others.
    """

    rate: float
    sigma: tuple[float, float] = (2.0, 100.0)
    warmup: float = 0.5
    scope: str = "global"
    exempt: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)
    scale: str = "rms"

    def __post_init__(self) -> None:
        problems = []
        for name, valid in self.choices.items():
            value = getattr(self, name)
            text = isinstance(value, str)
            if value is not self.default(name) and not (text and value in valid):
                near = nearest(value, valid) if text else ""
                problems.append(f"{name} must be one of {', '.join(valid)}, not {value!r}{near}")
        for name, (number, words, holds) in self.numbers.items():
            if holds(value := number(getattr(self, name))):
                object.__setattr__(self, name, value)
            else:
                problems.append(f"{name} must be {words}, not {getattr(self, name)!r}")
        try:
            first, last = map(real, self.sigma)
        except (TypeError, ValueError):
            first = last = math.nan
        if 0 < first <= last < math.inf:
            object.__setattr__(self, "sigma", (first, last))
        else:
            problems.append(f"sigma must rise from above 0 to a finite value, not {self.sigma!r}")
        problems += self.problems()
        try:
            budget = self.budget
        except BadInput as error:
            problems.append(str(error))
        if not problems:
            problems = [
                f"{name} has no effect {why}; leave it out"
                for name, why in self.idle.items()
                if getattr(self, name) != self.default(name)
            ]
        if problems:
            raise BadInput(f"{self.words}: {listed(problems)}")
        for name in ("rate", "exempt", "rates"):
            object.__setattr__(self, name, getattr(budget, name))

    @classmethod
    def default(cls, name: str) -> Any:
        """The value of a field that is not given; MISSING for one that must be."""
        (one,) = (f for f in fields(cls) if f.name == name)
        return one.default if one.default_factory is MISSING else one.default_factory()

    @property
    def words(self) -> str:
        """What it is called where something is wrong with it."""
        return "gate"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """Field -> the values that it may have."""
        return {"scale": SCALES}

    @property
    def numbers(self) -> dict[str, Rule]:
        """Field -> the numbers that it may have."""
        return {"warmup": (real, "in [0, 1]", lambda v: 0 <= v <= 1)}

    @property
    def idle(self) -> dict[str, str]:
        """Field that nothing looks at, as the others are -> why."""
        return {}

    def problems(self) -> list[str]:
        """What else is not valid."""
        return []

    @property
    def whole_groups(self) -> tuple[str, ...]:
        """The levels whose groups alone decide, so that the budget is met in whole groups; mostly none."""
        return ()

    @property
    def balanced(self) -> bool:
        """Whether tensors that share a budget are balanced by ranks, as in somebody else's network."""
        return self.scale == "rms"

    def ranked(
        self, shares: Sequence[Share], removed: Sequence[int], energies: Fields
    ) -> Fields | None:
        """The ranks by which the tensors of a share are balanced; None where one edge serves them all."""
        return ranked(shares, removed, energies) if self.balanced and len(energies) > 1 else None

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

    def gate(self, like: Tensor, scale: float) -> Gate:
        """A gate for one tensor, at the start of the training."""
        raise NotImplementedError

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """Set what the gates of models that differ in weights, rates and seeds alone need at t."""
        raise NotImplementedError
