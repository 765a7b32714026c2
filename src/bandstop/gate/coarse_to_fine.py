"""Coarse to fine: an entry lives only if its channel, its row, its column and it itself live.

    psi = psi_channel * psi_row * psi_column * psi_entry          (CTF, arXiv 2412.12887)

Each factor looks at the mean square of its group's latents, e; an entry is a group of one.

    band-stop   psi = sigmoid( sigma (e - a^2) / u )              a^2 the level's edge, u its unit
    symmetric   psi = 2 sigmoid( sigma e ) - 1                    without an edge: the paper's, in words

What follows is our choice. Groups differ far less in energy than entries do, so the coarse levels have
edges and a sharpness of their own: u is 1 for entries, and mean(e) / CRISP for groups. In every step the
edges are set so that a tensor keeps the part k^(s w) of a level's groups, k the part of the weights that
may stay now, s the structure asked for, w the level's weight; entries, over all tensors, fill what the
groups leave, so that the budget holds. Groups that can do nothing since all they lead to has gone count
as closed.

No gradient goes through the energies of groups: they say which groups are open, and entries learn through
their own factor and their weight. With it every latent of a group is pushed over the group's edge, the
edge rises with them, and one tensor's energies run away until another has no entry left (decision 0007).
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
    LevelledSpec,
    coarse_edges,
    entry_edges,
    keep_now,
    still_alive,
)
from bandstop.gate.spec import fill, set_sharpness, stacked
from bandstop.gate.symmetric_sigmoid import symmetric_sigmoid_of_energy

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

PSIS = ("band-stop", "symmetric")


def coarse_to_fine(
    energy: Float[Tensor, "channel row column"],
    edges: Float[Tensor, " level"],
    units: Float[Tensor, " level"],
    sharpness: Float[Tensor, ""],
    levels: Sequence[str],
    psi: str = "band-stop",
) -> Float[Tensor, "channel row column"]:
    """The product of the levels' masks; `energy` is the square of the latents.

    edges, units  a^2 and u, one for each of `levels`
    Of the band-stop form, coarse levels pass no gradient.
    """
    mask = torch.ones_like(energy)
    for at, level in enumerate(levels):
        if psi == "band-stop":
            e = energy if level == "entry" else pooled(energy.detach(), level)
            mask = mask * torch.sigmoid(sharpness * (e - edges[at]) / units[at])
        else:
            mask = mask * symmetric_sigmoid_of_energy(pooled(energy, level), sharpness)
    return mask


class CoarseToFineGate(Gate):
    """`coarse_to_fine` of latent / scale; edges, units and sharpness are buffers.

    keep  the part of the weights that may stay at the moment: what a budget term asks for
    """

    edges: Tensor
    units: Tensor
    sharpness: Tensor
    scale: Tensor
    keep: Tensor

    def __init__(
        self, like: Tensor, scale: float, sharpness: float, levels: tuple[str, ...], psi: str
    ) -> None:
        super().__init__()
        self.levels, self.psi = levels, psi
        edges, units = torch.full((len(levels),), -1.0), torch.ones(len(levels))
        self.hold(like, edges=edges, units=units, sharpness=sharpness, scale=scale, keep=1.0)

    def unit(self, latent: Tensor) -> Tensor:
        return wide(latent) / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        energy = as_blocks(self.unit(latent)).square()
        mask = coarse_to_fine(energy, self.edges, self.units, self.sharpness, self.levels, self.psi)
        return mask.view(latent.shape)

    def ordered(self, latent: Tensor, values: Tensor) -> Tensor:
        """Where a coarse group is closed far below all that is open."""
        v = self.unit(latent)
        coarse = [(at, level) for at, level in enumerate(self.levels) if level != "entry"]
        open_ = torch.ones_like(as_blocks(v), dtype=torch.bool)
        if self.psi == "band-stop":
            for at, level in coarse:
                open_ &= pooled(as_blocks(v).square(), level) >= self.edges[at]
        return values * torch.where(open_.view(v.shape), 1.0, CLOSED)


@dataclass(frozen=True)
class CoarseToFine(LevelledSpec):
    """Coarse-to-fine gates; see `LevelledSpec` for the other fields.

    psi  "band-stop", whose edges hold the budget; "symmetric", which needs a budget term
    """

    psi: str = "band-stop"

    @property
    def words(self) -> str:
        return "coarse-to-fine gate"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        return super().choices | {"psi": PSIS}

    @property
    def idle(self) -> dict[str, str]:
        if self.psi == "symmetric":
            return {"structure": 'beside psi="symmetric", which has no edges'}
        return super().idle

    def gate(self, like: Tensor, scale: float) -> CoarseToFineGate:
        block_shape(tuple(like.shape))
        return CoarseToFineGate(like, scale, self.sharpness(0.0), self.levels, self.psi)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """Sharpness, and the edges of every level: coarse ones first, then the entries'."""
        set_sharpness(models, self.sharpness(progress))
        keeps = keep_now(models, self.ramp(progress))
        for name, parts in keeps.items():
            fill(models, name, "keep", torch.tensor(parts))
        if self.psi == "symmetric":
            return
        energies = {
            name: stacked(models, name).view(len(models), *block_shape(shape)).square()
            for name, shape in models[0].shapes.items()
            if name in models[0].tensors
        }
        ramp = self.ramp(progress)
        edges, open_ = coarse_edges(models, energies, self.levels, self.structure, ramp, alive)
        for name, energy in energies.items():
            means = [pooled(energy, level).flatten(1).mean(1) for level in self.levels]
            units = [
                torch.ones_like(m) if level == "entry" else m.clamp(min=1e-12) / CRISP
                for level, m in zip(self.levels, means, strict=True)
            ]
            fill(models, name, "units", torch.stack(units, 1))
        if "entry" in self.levels:
            fine = entry_edges(
                models, energies, still_alive(models, open_, alive), self.ramp(progress)
            )
            for name in energies:
                edges[name][:, self.levels.index("entry")] = fine[name]
        for name in energies:
            fill(models, name, "edges", edges[name])
