"""The budget in whole groups: which channels, rows and columns of each tensor stay.

A weight stays if its channel, its row and its column stay. Groups go one after the other, those first
whose energy is lowest beside the others of their kind, until the budget is met: what then stays is
less than the budget by less than the group that went last.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from bandstop.budget import Budget, Share
from bandstop.errors import BadInput
from bandstop.gate.groups import ALONE, COARSE, as_blocks, pooled
from bandstop.nn import Shape
from bandstop.prune.choose import Masks, rate_of
from bandstop.prune.liveness import by_head, live


@dataclass(frozen=True)
class Reached:
    """What a budget in groups came to, in weights of all tensors that share it.

    asked  how many might stay; kept  how many do; above  how many would with one group more
    """

    asked: int
    kept: int
    above: int
    total: int

    def __str__(self) -> str:
        rates = [rate_of(n, self.total) for n in (self.above, self.kept, self.asked)]
        if self.kept == self.asked:
            return f"rate {rates[2]} met exactly in whole groups"
        return (
            f"{self.asked} weights may stay and whole groups keep {self.kept}: the nearest rates to "
            f"{rates[2]} that groups reach are {rates[0]} below and {rates[1]} above"
        )


def choose_groups(
    scores: Mapping[str, Tensor],
    budget: Budget,
    always: Mapping[str, Tensor] | None = None,
    levels: tuple[str, ...] = COARSE,
    alive: Callable[[Masks], Masks] = dict,
    opened: Mapping[str, Tensor] | None = None,
) -> tuple[Masks, list[Reached]]:
    """Keep whole groups: in every share of the budget `keep` weights, or fewer by less than a group
    (and by what dies with another share's groups); and for each share how near it came.

    scores  name -> score of each weight, at least 0; a group's is the mean of their squares
    always  name -> weights whose groups stay in any case
    levels  of channel, row and column those that decide
    alive   what is left of masks without their dead weights, which are then not kept: whole groups
            of them die with the last group that they needed
    opened  name -> weights that a training has left open: groups without any go first

    Every tensor keeps the groups of at least one weight. Ties are broken the same way each time.
    Errors: BadInput for NaN scores, or a budget that the groups which must stay exceed.
    """
    for name, score in scores.items():
        if torch.isnan(score).any():
            raise BadInput(f"`{name}` has NaN among its scores; nothing can be chosen")
    shares = budget.resolve({name: score.numel() for name, score in scores.items()})
    groups = _Groups(scores, alive)
    for share in shares:
        groups.order(share, always or {}, levels, opened or {})
    accounts = [groups.let_go(share) for share in shares]
    if len(shares) > 1:  # a later share's groups took weights of earlier ones with them
        accounts = [replace(a, kept=groups.count(s)) for a, s in zip(accounts, shares, strict=True)]
    return groups.masks(), accounts


class _Groups:
    """Which groups have gone so far; the count of what stays only falls as more of them go."""

    def __init__(self, scores: Mapping[str, Tensor], alive: Callable[[Masks], Masks]) -> None:
        self.scores, self.alive = scores, alive
        self.places: Places = {}
        self.gone: dict[str, int] = {}
        self.last: dict[str, int] = {}

    def order(
        self,
        share: Share,
        always: Mapping[str, Tensor],
        levels: tuple[str, ...],
        opened: Mapping[str, Tensor],
    ) -> None:
        mine = {name: as_blocks(self.scores[name]) for name in share.names}
        places, groups = _departures(mine, always, levels, opened)
        self.places |= places
        self.gone |= dict.fromkeys(share.names, 0)
        self.last |= dict.fromkeys(share.names, groups)

    def masks(self) -> Masks:
        staying = {name: torch.ones_like(s, dtype=torch.bool) for name, s in self.scores.items()}
        for name, levels in self.places.items():
            blocks = as_blocks(staying[name])
            for place in levels.values():
                blocks &= place >= self.gone[name]
        alive = self.alive(staying)
        return {n: alive[n] if n in self.places else m for n, m in staying.items()}

    def count(self, share: Share, gone: int | None = None) -> int:
        """Weights that stay in a share, when so many of its groups have gone."""
        if gone is not None:
            self.gone |= dict.fromkeys(share.names, gone)
        masks = self.masks()
        return sum(int(masks[name].sum()) for name in share.names)

    def require(self, share: Share) -> None:
        """Errors: BadInput where the groups that must stay exceed the budget."""
        if (least := self.count(share, self.last[share.names[0]])) > share.keep:
            raise BadInput(
                f"budget unreachable: {share.keep} of {share.total} weights may stay in "
                f"{', '.join(share.names)}, but the smallest whole groups that keep a path hold "
                f"{least}; lower the rate to at most {rate_of(least, share.total)}"
            )

    def let_go(self, share: Share) -> Reached:
        """As few as the budget allows: found by halving; then take back what still fits."""
        low, high = 0, self.last[share.names[0]]
        self.require(share)
        while low < high:
            middle = (low + high) // 2
            if self.count(share, middle) <= share.keep:
                high = middle
            else:
                low = middle + 1
        above = self.count(share, low - 1) if low else share.total
        self.count(share, low)
        kept, above = self._take_back(share, above)
        return Reached(share.keep, kept, above, share.total)

    def _take_back(self, share: Share, above: int) -> tuple[int, int]:
        """Of the groups that went last those that fit after all; gives the counts at and above the
        budget that were met nearest."""
        kept = self.count(share)
        went = sorted(
            (
                (int(place), name, level, index)
                for name in share.names
                for level, places in self.places[name].items()
                for index, place in enumerate(places.flatten().tolist())
                if self.gone[name] - TRIES <= place < self.gone[name]
            ),
            reverse=True,
        )
        for place, name, level, index in went:
            if kept == share.keep:
                break
            group = self.places[name][level].view(-1)
            group[index] = self.last[name]
            now = self.count(share)
            if kept < now <= share.keep:
                kept = now
            else:
                above = min(above, now) if now > share.keep else above
                group[index] = place
        return kept, above


TRIES = 200
"""Groups that are tried again where the last one to go left a gap."""

Places = dict[str, dict[str, Tensor]]
"""Tensor -> level -> each group's place in the order of going; a group that never goes has a place
behind all."""


def _departures(
    scores: Mapping[str, Tensor],
    always: Mapping[str, Tensor],
    levels: tuple[str, ...],
    opened: Mapping[str, Tensor],
) -> tuple[Places, int]:
    """The common order of all groups of all tensors and levels, from the first to go; their number.

    First those that are not open. In a level of m open groups the one that is p-th from the top goes
    when no more than the fraction (p / m)^(1 / weight) is to stay: so at any moment every level of every
    tensor has kept q^weight of its groups, for one q.
    """
    keys, kinds = [], []
    for name, blocks in scores.items():
        energy = blocks.square()
        usable = as_blocks(opened[name]).to(blocks) if name in opened else torch.ones_like(blocks)
        stays = _must_stay(blocks * usable, always.get(name)).to(blocks)
        for level in levels:
            group = pooled(energy, level)
            is_open = (pooled(usable, level) > 0).flatten()
            ranked = group.flatten() + is_open * (group.max() + 1)
            order = torch.sort(ranked, descending=True, stable=True).indices
            place = torch.empty(len(order), dtype=torch.double, device=group.device)
            place[order] = torch.arange(1, len(order) + 1).to(place)
            key = (place / is_open.sum().clamp(min=1)) ** (1 / ALONE[level])
            key = torch.where(is_open, key, 1 + place / len(order))
            key[(pooled(stays, level) > 0).flatten()] = 0.0
            keys.append(key)
            kinds.append((name, level, group.shape))
    pooled_keys = torch.cat(keys)
    order = torch.sort(pooled_keys, descending=True, stable=True).indices
    places = torch.empty_like(order)
    places[order] = torch.arange(len(order), device=order.device)
    places[pooled_keys == 0] = len(order)
    found: Places = {}
    parts = places.split([len(k) for k in keys])
    for (name, level, shape), part in zip(kinds, parts, strict=True):
        found.setdefault(name, {})[level] = part.view(shape)
    return found, len(order)


def _must_stay(
    blocks: Float[Tensor, "channel row column"], always: Tensor | None
) -> Bool[Tensor, "channel row column"]:
    """The weights of `always`, or else the best one."""
    if always is not None and always.any():
        return as_blocks(always)
    best = torch.zeros(blocks.numel(), dtype=torch.bool, device=blocks.device)
    best[blocks.flatten().argmax()] = True
    return best.view(blocks.shape)


def shared_path(scores: Mapping[str, Float[Tensor, "a b c"]], shape: Shape) -> Masks:
    """The strongest path that serves every class: one weight of A and of W, one of D for each class.

    max over k, i, f of  (max_j A[k,i,j]) (max_s W[k,s,f]) (sum_c D[f,i,c]).
    """
    best_input, j = scores["attention"].max(dim=2)
    best_feature, s = scores["filters"].max(dim=1)
    leaves = by_head(scores["dense"], shape).sum(dim=3)  # (head, filter, output)
    path = leaves * best_feature[:, :, None] * best_input[:, None, :]
    k, f, i = torch.unravel_index(path.argmax(), path.shape)
    masks = {n: torch.zeros_like(score, dtype=torch.bool) for n, score in scores.items()}
    masks["attention"][k, i, j[k, i]] = True
    masks["filters"][k, s[k, f], f] = True
    masks["dense"][f if shape.fusion == "sum" else k * shape.filters + f, i] = True
    return masks


def choose_live_groups(
    scores: Mapping[str, Float[Tensor, "a b c"]],
    budget: Budget,
    shape: Shape,
    levels: tuple[str, ...] = COARSE,
    opened: Masks | None = None,
) -> tuple[Masks, list[Reached]]:
    """`choose_groups` with a path to every class kept, and nothing spent on the dead."""

    def alive(masks: Masks) -> Masks:
        return live(masks, shape)

    return choose_groups(scores, budget, shared_path(scores, shape), levels, alive, opened)


def check_groups_reachable(
    budget: Budget, shape: Shape, levels: tuple[str, ...], others_whole: bool = False
) -> None:
    """`check_groups` of an attention GCN."""
    with torch.device("cpu"):  # also where the network itself is on no device yet
        scores = {name: torch.ones(size) for name, size in shape.tensors.items()}
        always = shared_path(scores, shape)
        check_groups(scores, budget, always, levels, lambda masks: live(masks, shape), others_whole)


def check_groups(
    scores: Mapping[str, Tensor],
    budget: Budget,
    always: Mapping[str, Tensor],
    levels: tuple[str, ...],
    alive: Callable[[Masks], Masks],
    others_whole: bool = False,
) -> None:
    """Whether whole groups can meet the budget, whatever their scores.

    Parameters
    ----------
    scores : name -> ones of each tensor's shape
    budget, always, levels, alive : as in `choose_groups`
    others_whole : each share of the budget is judged with all of the others' groups still there

    Raises
    ------
    BadInput
        Where they cannot.
    """
    groups = _Groups(scores, alive)
    shares = budget.resolve({name: score.numel() for name, score in scores.items()})
    for share in shares:
        groups.order(share, always, levels, {})
    for share in shares:
        if others_whole:
            groups.gone = dict.fromkeys(groups.gone, 0)
        groups.require(share)
