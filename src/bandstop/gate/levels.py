"""Where the edges of group masks lie, so that the budget holds in every step (our choice throughout).

A tensor keeps the part k^(s w) of a level's groups: k the part of the weights that may stay now, s the
structure asked for, w the level's weight. Entries, over all tensors of a share, fill what groups leave.
Everything has a leading axis of models, for runs that are trained together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bandstop.gate.base import Alive, GateSpec, Rule
from bandstop.gate.groups import ALONE, AXES, COARSE, LEVELS, WEIGHTS, block_shape, pooled
from bandstop.gate.spec import edges, magnitude_quantiles, removals
from bandstop.number import real

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

CRISP = 100.0
"""Sharpness of coarse levels beside that of entries, on values relative to their mean: groups differ
far less than entries do."""
ROUNDS = 2
"""Corrections of the parts that groups keep, in each step, where no entries take part."""
CLOSED = 1e-6
"""Score of an entry in a closed group, relative to its own: it comes after all that are open."""
KEPT = 1e3
"""Added to the score of an entry in a group that is kept whole: it comes before all others."""


@dataclass(frozen=True)
class LevelledSpec(GateSpec):
    """What gates with levels have in common; see `GateSpec` for the other fields.

    levels     those of channel, row, column and entry that take part; in whatever order they are
               given, coarse ones come first
    structure  s in [0, 1]: which part of the removal, on a logarithmic scale, whole groups take on; 0:
               entries alone decide. Without the level of entries groups take on all of it
    """

    levels: tuple[str, ...] = LEVELS
    structure: float = 0.6

    def __post_init__(self) -> None:
        if isinstance(self.levels, str):  # one level, not its letters
            object.__setattr__(self, "levels", (self.levels,))
        super().__post_init__()
        in_order = tuple(level for level in LEVELS if level in self.levels)
        object.__setattr__(self, "levels", in_order)

    @property
    def numbers(self) -> dict[str, Rule]:
        return super().numbers | {"structure": (real, "in [0, 1]", lambda v: 0 <= v <= 1)}

    @property
    def idle(self) -> dict[str, str]:
        if "entry" not in self.levels:
            return {"structure": "where groups alone decide"}
        return {"structure": "where entries alone decide"} if len(self.levels) == 1 else {}

    def problems(self) -> list[str]:
        levels = self.levels
        known = isinstance(levels, tuple | list) and all(level in LEVELS for level in levels)
        if known and levels and len(set(levels)) == len(levels):
            return []
        return [f"levels must be some of {', '.join(LEVELS)}, each once, not {levels!r}"]

    @property
    def whole_groups(self) -> tuple[str, ...]:
        return () if "entry" in self.levels else self.levels


def level_parts(levels: Sequence[str], structure: float) -> dict[str, float]:
    """Coarse level -> the power of k, the part that may stay, to which it keeps its groups."""
    coarse = [level for level in levels if level in COARSE]
    share, weights = (structure, WEIGHTS) if "entry" in levels else (1.0, ALONE)
    whole = sum(weights[level] for level in coarse)
    return {level: share * weights[level] / whole for level in coarse}


def keep_now(models: Sequence[Gates], ramp: float) -> dict[str, list[float]]:
    """Tensor -> for each model the part of the weights that may stay in its share at this moment."""
    return {
        name: [1 - ramp * m.shares[at].rate for m in models]
        for at, share in enumerate(models[0].shares)
        for name in share.names
    }


def coarse_edges(
    models: Sequence[Gates],
    fields: Mapping[str, Float[Tensor, "model channel row column"]],
    levels: Sequence[str],
    structure: float,
    ramp: float,
    alive: Alive,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """`level_edges` of every tensor, one after the other, so that none keeps groups that the ones before
    have left dead: tensor -> edges, and what is open.

    Where no entries take part, the parts are corrected until what is left is about the budget: rows and
    columns overlap, and some of what is chosen dies.
    """
    parts = level_parts(levels, structure)
    keeps = keep_now(models, ramp)
    asked = {name: list(keep) for name, keep in keeps.items()}
    for _ in range(1 if "entry" in levels else ROUNDS):
        edges: dict[str, Tensor] = {}
        open_: dict[str, Tensor] = {}
        for name, field in fields.items():
            among = torch.ones_like(field, dtype=torch.bool)
            if open_:
                among = still_alive(models, open_, alive)[name]
            edges[name], open_[name] = level_edges(field, among, asked[name], levels, parts)
        if "entry" in levels:
            break
        left = still_alive(models, open_, alive)
        for share in models[0].shares:
            counts = sum(left[name].flatten(1).sum(1) for name in share.names) / share.total
            for run, kept in enumerate(counts.tolist()):  # type: ignore[union-attr]
                for name in share.names:
                    factor = keeps[name][run] / max(kept, 1e-6)
                    asked[name][run] = min(1.0, asked[name][run] * factor)
    return edges, open_


def level_edges(
    field: Float[Tensor, "model channel row column"],
    among: Bool[Tensor, "model channel row column"],
    keeps: Sequence[float],
    levels: Sequence[str],
    parts: Mapping[str, float],
) -> tuple[Float[Tensor, "model level"], Bool[Tensor, "model channel row column"]]:
    """Edges of the coarse levels, such that the part keep^part of a level's groups has a mean of `field`
    above. And what is open then of `among`.

    Rows and columns are counted in open channels alone; groups without any of `among` are not chosen
    while there are others. For the level of entries there is a 0 among the edges.
    """
    open_, inside = among, torch.ones_like(among)
    edges = []
    for level in levels:
        if level == "entry":
            edges.append(torch.zeros_like(field[:, 0, 0, 0]))
            continue
        mean = pooled(field, level)
        some = partial(torch.amax, dim=AXES[level], keepdim=True)
        counted, able = some(inside), some(open_)
        ranked = torch.where(able, mean, -1.0).flatten(1)
        wanted = counted.flatten(1).sum(1).tolist()
        left = able.flatten(1).sum(1).tolist()
        removed = [
            ranked.shape[1] - max(1, min(there, round(count * keep ** parts[level])))
            for count, there, keep in zip(wanted, left, keeps, strict=True)
        ]
        edge = magnitude_quantiles(ranked, removed).clamp(min=0)
        edges.append(edge)
        open_ = open_ & (mean >= edge[:, None, None, None])
        if level == "channel":
            inside = inside & (mean >= edge[:, None, None, None]) & able
    return torch.stack(edges, 1), open_


def still_alive(
    models: Sequence[Gates], open_: Mapping[str, Tensor], alive: Alive
) -> dict[str, Bool[Tensor, "model channel row column"]]:
    """What is open in each tensor and not dead in the network, where other tensors are open whole."""
    device = models[0].device
    whole = {
        name: torch.ones(len(models), *shape, dtype=torch.bool, device=device)
        for name, shape in models[0].shapes.items()
    }
    whole |= {name: mask.view(whole[name].shape) for name, mask in open_.items()}
    if len(models) > 1:
        left = torch.func.vmap(alive)(whole)
    else:  # so that it may be anything
        left = {n: m[None] for n, m in alive({n: m[0] for n, m in whole.items()}).items()}
    return {
        name: left[name].view(len(models), *block_shape(models[0].shapes[name]))
        for name in models[0].tensors
    }


def entry_edges(
    models: Sequence[Gates],
    energies: Mapping[str, Tensor],
    open_: Mapping[str, Tensor],
    ramp: float,
    kept: Mapping[str, Tensor] | None = None,
) -> dict[str, Float[Tensor, " model"]]:
    """a^2 of the entries of each tensor: the open ones above it are as many as may stay now.

    kept  entries that a group keeps, which come before all others: they use up the budget first
    """
    found: dict[str, Tensor] = {}
    spec = models[0].spec
    for shares in zip(*(m.shares for m in models), strict=True):
        removed = removals(shares, ramp)
        fields = {n: torch.where(open_[n], energies[n], -1.0).flatten(1) for n in shares[0].names}
        ranked = spec.ranked(shares, removed, fields)
        if kept is not None:
            first = {n: (kept[n] & open_[n]).flatten(1) for n in fields}
            ranked = ranked and {n: r + KEPT * first[n] for n, r in ranked.items()}
            fields = {n: f + KEPT**2 * first[n] for n, f in fields.items()}
        found |= {n: edge.clamp(min=0) for n, edge in edges(fields, removed, ranked).items()}
    return found
