"""The order in which weights come back as the rate falls: one network that holds every rate (MRMP).

Rank 0 stays longest. A rate r keeps the ranks below round((1 - r) N), so every rate's weights are a
prefix of one order and a budget is met to the weight, with nothing to choose at that time.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Int
from torch import Tensor

from bandstop.budget import Budget
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune.choose import Masks
from bandstop.prune.compact import compact
from bandstop.prune.liveness import by_head, choose_live, strongest_paths

NEVER = 2**30
"""Rank of a weight that no rate keeps."""


def order_of(
    scores: Mapping[str, Tensor], lowest: Budget, highest: Budget, shape: Shape
) -> dict[str, Tensor]:
    """Name -> rank of each weight (our choice of order, by liveness first, then by score).

    First exempt tensors; then the strongest path to every class; then, by falling score, what is
    chosen alive for the highest rate; then what is chosen alive for the lowest rate around it. What
    would be dead on its own waits for the weights that make it live. The rest has rank NEVER. So a
    network of any rate between the two has a live path to every class, and hardly a weight that is dead.
    """
    exempt = {
        n: torch.ones_like(s, dtype=torch.bool)
        for n, s in scores.items()
        if n in _kept(highest, scores)
    }
    paths = strongest_paths(scores, shape)
    core = choose_live(scores, highest, shape)
    # a score of the core's own is enough above all others, whatever they are
    lift = 2 * max(float(s.max()) for s in scores.values()) + 1
    raised = {n: s + lift * core[n] for n, s in scores.items()}
    whole = choose_live(raised, lowest, shape)
    none = torch.zeros((), dtype=torch.bool)
    keys = {
        n: s + lift * (core[n] + 2 * (core[n] & paths[n]) + 4 * exempt.get(n, none))
        for n, s in raised.items()
    }
    falling = _ranks({n: torch.where(whole[n], -k, torch.inf) for n, k in keys.items()})
    rising = {n: torch.where(whole[n], r, NEVER) for n, r in falling.items()}
    # of those that become live at once the one that completes their path comes first
    # (in float64, exact for whole numbers of this size)
    times = {n: t.double() * NEVER - rising[n] for n, t in live_from(rising, shape).items()}
    ranks = _ranks({n: torch.where(whole[n], t, torch.inf) for n, t in times.items()})
    return {n: torch.where(whole[n], r, NEVER) for n, r in ranks.items()}


def _ranks(keys: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Name -> place of each entry among all, by rising key; ties in the order of the tensors."""
    pooled = torch.cat([k.flatten() for k in keys.values()])
    places = torch.empty(len(pooled), dtype=torch.long, device=pooled.device)
    places[torch.sort(pooled, stable=True).indices] = torch.arange(
        len(pooled), device=pooled.device
    )
    parts = places.split([k.numel() for k in keys.values()])
    return {n: part.view_as(keys[n]) for n, part in zip(keys, parts, strict=True)}


def live_from(ranks: Mapping[str, Int[Tensor, "a b c"]], shape: Shape) -> dict[str, Tensor]:
    """Name -> the rank with whose coming each weight is live: the least, over all paths through it, of
    the highest rank on the path.

    A path is A[k,i,j], W[k,s,f], D[f,i,c], as in `live`; highest and least take the place of product and
    sum. Exempt or not, a weight is live from its own rank at the earliest.
    """
    attention, filters = ranks["attention"], ranks["filters"]
    dense = by_head(ranks["dense"], shape)
    a = attention.amin(dim=2)  # (head, output)
    w = filters.amin(dim=1)  # (head, filter)
    d = dense.amin(dim=3)  # (head, filter, output)
    wants = torch.maximum(w[:, :, None], d).amin(dim=1)  # (head, output): something takes it up
    carries = torch.maximum(a[:, None, :], d).amin(dim=2)  # (head, filter)
    arrives = torch.maximum(a[:, None, :], w[:, :, None])  # (head, filter, output)
    reached = arrives.amin(dim=0) if shape.fusion == "sum" else arrives.flatten(0, 1)
    return {
        "attention": torch.maximum(attention, wants[:, :, None]),
        "filters": torch.maximum(filters, carries[:, None, :]),
        "dense": torch.maximum(ranks["dense"], reached[:, :, None]),
    }


def kept_at(rate: float, weights: int) -> int:
    """round((1 - r) N)."""
    return round((1 - rate) * weights)


def masks_at(ranks: Mapping[str, Tensor], keep: int) -> Masks:
    """The masks of the first `keep` weights of the order."""
    return {name: rank < keep for name, rank in ranks.items()}


@torch.no_grad()
def compact_ranks(ranks: Mapping[str, Tensor], shape: Shape) -> dict[str, Tensor]:
    """The ranks as they lie in the tensors of the network compacted with all that is ever kept.

    They go the way of the weights: a network whose weights are rank + 1 (exact in float64) is compacted.
    """
    net = AttentionGCN(shape, scales=dict.fromkeys(shape.tensors, 1.0)).double()
    ever = {name: rank < NEVER for name, rank in ranks.items()}
    for name, rank in ranks.items():
        getattr(net, name).copy_(rank + 1)
    small = compact(net, ever).net
    return {
        name: torch.where(w > 0, w.detach().long() - 1, NEVER)
        for name, w in small.weights().items()
    }


def _kept(budget: Budget, scores: Mapping[str, Tensor]) -> set[str]:
    """The exempt tensors."""
    sizes = {name: s.numel() for name, s in scores.items()}
    shared = {name for share in budget.resolve(sizes) for name in share.names}
    return sizes.keys() - shared
