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

from bandstop.gate.base import Alive, Gate, GateSpec, Rule, wide
from bandstop.gate.spec import by_magnitude, fill
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


class NOfMGate(Gate):
    """A mask that every update sets: a group's places are looked at once a step, not in each pass."""

    passing: Tensor

    def __init__(self, like: Tensor, scale: float, group: int) -> None:
        super().__init__()
        self.group = group
        self.hold(like, scale=scale, passing=torch.ones_like(like))

    def unit(self, latent: Tensor) -> Tensor:
        return wide(latent) / self.scale

    def scores(self, latent: Tensor) -> Tensor:
        return standing(self.unit(latent.detach()), self.group)

    def mask(self, latent: Tensor) -> Tensor:
        return self.passing.to(latent)


@dataclass(frozen=True)
class NOfM(GateSpec):
    """N:M gates under a rate that rises.

    group  M; with 1 / (1 - rate) one of every M stays at the end
    """

    group: int = 4

    @property
    def words(self) -> str:
        return "N:M gate"

    @property
    def idle(self) -> dict[str, str]:
        return {"sigma": "on masks that are 0 or 1 in every step"}

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
        """The masks that the rate of this moment asks for; models may differ in M too."""
        for shares in zip(*(m.shares for m in models), strict=True):
            gated = {name: [m.tensors[name] for m in models] for name in shares[0].names}
            fields = {
                name: torch.stack([g.gate.scores(g.latent).flatten() for g in same])
                for name, same in gated.items()
            }
            edges = by_magnitude(self, shares, fields, self.ramp(progress))
            for name, field in fields.items():
                passing = (field >= edges[name][:, None]).to(field)
                fill(models, name, "passing", passing.view(-1, *gated[name][0].latent.shape))
