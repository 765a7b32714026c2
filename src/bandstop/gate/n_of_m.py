"""N:M gates: of every M successive inputs of an output the N largest pass, and no others.

    standing(v) = M - place + |v| / (1 + |v|)      place: among its M by magnitude, from 0
    mask(v)     = 1 where standing(v) >= a, else 0

All groups give up their smallest first, so that they keep as many each, and one more in some while the
rate rises between two of these numbers. (N:M sparsity: Mishra et al., arXiv 2104.08378; any rate, and the
rate that rises: our choice.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bandstop.gate.base import Alive, Rule
from bandstop.gate.magnitude import Magnitude, MagnitudeGate
from bandstop.gate.spec import by_magnitude, fill, stacked
from bandstop.number import whole

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates


def standing(v: Tensor, group: int) -> Tensor:
    """Of each value, in groups of `group` along the inputs: the columns of two dimensions, the rows of more
    (see `bandstop.gate.groups`). One output's groups follow another's; the last one may be smaller.

    >>> standing(torch.tensor([[3.0, 1.0, -9.0, 1.0]]), group=2)
    tensor([[2.7500, 1.5000, 2.9000, 1.5000]])
    """
    axis = -1 if v.ndim == 2 else 1
    size = v.abs().movedim(axis, -1)
    flat = torch.nn.functional.pad(size.flatten(), (0, -size.numel() % group), value=-1.0)
    groups = flat.view(-1, group)
    place = groups.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
    found = group - place + groups / (1 + groups.abs())
    return found.flatten()[: size.numel()].view(size.shape).movedim(-1, axis)


class NOfMGate(MagnitudeGate):
    """Standing among M against a threshold."""

    def __init__(self, like: Tensor, scale: float, group: int) -> None:
        super().__init__(like, scale)
        self.group = group

    def standing(self, latent: Tensor) -> Tensor:
        return standing(self.unit(latent.detach()), self.group)

    def scores(self, latent: Tensor) -> Tensor:
        return self.standing(latent)

    def mask(self, latent: Tensor) -> Tensor:
        return (self.standing(latent) >= self.threshold).to(latent)


@dataclass(frozen=True)
class NOfM(Magnitude):
    """N:M gates under a rate that rises.

    group  M; with 1 / (1 - rate) one of every M stays at the end
    """

    group: int = 4

    @property
    def words(self) -> str:
        return "N:M gate"

    @property
    def numbers(self) -> dict[str, Rule]:
        return super().numbers | {"group": (whole, "at least 2", lambda v: v >= 2)}

    @property
    def balanced(self) -> bool:
        """Never: groups of all tensors keep as many."""
        return False

    def gate(self, like: Tensor, scale: float) -> NOfMGate:
        return NOfMGate(like, scale, self.group)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """The threshold that the rate of this moment asks for."""
        for shares in zip(*(m.shares for m in models), strict=True):
            fields = {}
            for name in shares[0].names:
                found = [standing(v, self.group) for v in stacked(models, name)]
                fields[name] = torch.stack(found).flatten(1)
            for name, a in by_magnitude(self, shares, fields, self.ramp(progress)).items():
                fill(models, name, "threshold", a)
