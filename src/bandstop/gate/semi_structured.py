"""Semi-structured masks: band-stop, weight sharing, gating, a cascade on one latent tensor (2412.11813).

    1. band-stop   m = sigmoid( sigma (v^2 - a^2) ), for each entry
    2. sharing     s, e = the means of m and of m v^2 over a channel, a row, a column
    3. gating      keep = sigmoid( tau (s - hi) ),  drop = sigmoid( tau (lo - e) / mean(e) )
                   mask of a level = keep + (not keep) (not drop) (mask of the finer level)

with not x = 1 - x; from the channel over row and column together to the entry, whose own decision is a
band-stop again, sigmoid(sigma (v^2 - b^2)). Where a group agrees, it decides; where it does not, the
finer level does. (The three stages and the not-gates: arXiv 2412.11813, in words; the formulas, tau =
100 sigma, hi = 0.95, that what passes is weighed by its energy, and how a, b and lo are set: our choice.)

No gradient goes through sharing: groups are chosen in every step by what passes them, and entries learn
through their own band-stop and their weight (decision 0007).

The level of entries alone is **unstructured** pruning, groups alone are **structured** pruning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.gate.base import Alive, Gate, wide
from bandstop.gate.groups import as_blocks, block_shape, pooled
from bandstop.gate.levels import (
    CLOSED,
    CRISP,
    KEPT,
    LevelledSpec,
    coarse_edges,
    entry_edges,
    keep_now,
    still_alive,
)
from bandstop.gate.spec import fill, set_sharpness, stacked

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

AGREE = 0.95
"""hi: a group of which so much passes the band-stop is kept whole."""


def semi_structured(
    energy: Float[Tensor, "channel row column"],
    first: Float[Tensor, ""],
    own: Float[Tensor, ""],
    low: Float[Tensor, " level"],
    sharpness: Float[Tensor, ""],
    levels: Sequence[str],
) -> Float[Tensor, "channel row column"]:
    """The cascade's mask; `energy` is the square of the latents.

    first, own  a^2 and b^2; low  one for each of `levels`, that of entries unused
    """
    fine = torch.ones_like(energy)
    if "entry" in levels:
        fine = torch.sigmoid(sharpness * (energy - own))
    if tuple(levels) == ("entry",):
        return fine
    keep, drop = decisions(energy.detach(), first, low, sharpness, levels)
    lines_keep = 1 - (1 - keep["row"]) * (1 - keep["column"])
    lines_spare = (1 - drop["row"]) * (1 - drop["column"])
    lines = lines_keep + (1 - lines_keep) * lines_spare * fine
    return keep["channel"] + (1 - keep["channel"]) * (1 - drop["channel"]) * lines


def decisions(
    energy: Float[Tensor, "channel row column"],
    first: Float[Tensor, ""],
    low: Float[Tensor, " level"],
    sharpness: Float[Tensor, ""],
    levels: Sequence[str],
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """keep and drop of each coarse level, in [0, 1]; 0 for a level that takes no part.

    Without the level of entries no group is kept against a coarser or finer one: groups only drop.
    """
    passing = torch.sigmoid(sharpness * (energy - first))
    none = torch.zeros_like(passing[:1, :1, :1])
    keep, drop = (dict.fromkeys(("channel", "row", "column"), none) for _ in range(2))
    tau = CRISP * sharpness
    for at, level in enumerate(levels):
        if level == "entry":
            continue
        e = pooled(passing * energy, level)
        drop[level] = torch.sigmoid(tau * (low[at] - e) / e.mean().clamp(min=1e-12))
        if "entry" in levels:
            keep[level] = torch.sigmoid(tau * (pooled(passing, level) - AGREE))
    return keep, drop


class SemiStructuredGate(Gate):
    """`semi_structured` of latent / scale; all numbers are buffers.

    keep  the part of the weights that may stay at the moment: what a budget term asks for
    """

    first: Tensor
    own: Tensor
    low: Tensor
    sharpness: Tensor
    scale: Tensor
    keep: Tensor

    def __init__(
        self, like: Tensor, scale: float, sharpness: float, levels: tuple[str, ...]
    ) -> None:
        super().__init__()
        self.levels = levels
        low = torch.full((len(levels),), -1.0)
        self.hold(like, first=0.0, own=0.0, low=low, sharpness=sharpness, scale=scale, keep=1.0)

    def unit(self, latent: Tensor) -> Tensor:
        return wide(latent) / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        energy = as_blocks(self.unit(latent)).square()
        mask = semi_structured(energy, self.first, self.own, self.low, self.sharpness, self.levels)
        return mask.view(latent.shape)

    def ordered(self, latent: Tensor, values: Tensor) -> Tensor:
        """Far above the others where a group is kept whole, far below where it is dropped."""
        v = self.unit(latent)
        kept, dropped = whole_groups(
            as_blocks(v).square(), self.first, self.low, self.sharpness, self.levels
        )
        tier = torch.where(dropped, CLOSED, 1.0).view(v.shape)
        return values * tier + KEPT * kept.view(v.shape)


def whole_groups(
    energy: Float[Tensor, "channel row column"],
    first: Float[Tensor, ""],
    low: Float[Tensor, " level"],
    sharpness: Float[Tensor, ""],
    levels: Sequence[str],
) -> tuple[Tensor, Tensor]:
    """Entries that a group keeps whole, and those that a group drops: (kept, dropped), boolean."""
    keep, drop = (
        {k: v > 0.5 for k, v in d.items()} for d in decisions(energy, first, low, sharpness, levels)
    )
    lines_keep = keep["row"] | keep["column"]
    kept = keep["channel"] | (~drop["channel"] & lines_keep)
    dropped = ~kept & (drop["channel"] | drop["row"] | drop["column"])
    shape = energy.shape
    return kept.expand(shape), dropped.expand(shape)


@dataclass(frozen=True)
class SemiStructured(LevelledSpec):
    """Semi-structured gates; see `LevelledSpec` for the fields."""

    @property
    def words(self) -> str:
        return "semi-structured gate"

    def gate(self, like: Tensor, scale: float) -> SemiStructuredGate:
        block_shape(tuple(like.shape))
        return SemiStructuredGate(like, scale, self.sharpness(0.0), self.levels)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """Sharpness; a^2, as if entries alone decided; lo of every level; then b^2 with what is left."""
        sharpness, ramp = self.sharpness(progress), self.ramp(progress)
        set_sharpness(models, sharpness)
        count = len(models)
        energies = {
            name: stacked(models, name).view(count, *block_shape(models[0].shapes[name])).square()
            for name in models[0].tensors
        }
        everything = {n: torch.ones_like(e, dtype=torch.bool) for n, e in energies.items()}
        first = entry_edges(models, energies, everything, ramp)
        if self.levels == ("entry",):  # nothing to arbitrate
            for name, keep in keep_now(models, ramp).items():
                fill(models, name, "keep", torch.tensor(keep))
                fill(models, name, "own", first[name])
            return
        passing = {
            n: e * torch.sigmoid(sharpness * (e - first[n][:, None, None, None]))
            for n, e in energies.items()
        }
        low, open_ = coarse_edges(models, passing, self.levels, self.structure, ramp, alive)
        kept: dict[str, Tensor] = {}
        sigma = first[next(iter(first))].new_full((count,), sharpness)
        for name, keep in keep_now(models, ramp).items():
            low[name] = low[name] * (1 - 1e-3)  # of groups that are equal all stay
            kept[name], dropped = torch.func.vmap(
                lambda e, a, lo, s: whole_groups(e, a, lo, s, self.levels)
            )(energies[name], first[name], low[name], sigma)
            open_[name] = ~dropped
            fill(models, name, "keep", torch.tensor(keep))
            fill(models, name, "first", first[name])
            fill(models, name, "low", low[name])
        if "entry" in self.levels:
            left = still_alive(models, open_, alive)
            for name, own in entry_edges(models, energies, left, ramp, kept).items():
                fill(models, name, "own", own)
