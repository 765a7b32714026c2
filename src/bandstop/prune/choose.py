"""The exact budget: which weights stay, so that the count is met to the weight."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bandstop.budget import Budget
from bandstop.errors import BadInput

Masks = dict[str, Tensor]
"""Tensor name -> boolean mask of its shape: True stays."""


def rate_of(kept: int, total: int) -> str:
    """The rate that keeps so many weights, in as many digits as it takes to ask for just that many.

    >>> rate_of(697, 34848), rate_of(40001, 1991568)
    ('0.98', '0.9799148')
    """
    return f"{1 - kept / total:.{max(5, len(str(total)))}g}"


def choose(
    scores: Mapping[str, Tensor], budget: Budget, always: Mapping[str, Tensor] | None = None
) -> Masks:
    """Keep the weights with the highest scores: in every share of the budget exactly `keep` of them.

    scores  name -> score of each weight (higher stays); -inf means never, unless the budget needs it
    always  name -> weights that stay in any case: a path that keeps the output alive

    Without `always` every tensor keeps at least its best weight. Ties are broken the same way each time.
    Errors: BadInput for NaN scores or a budget smaller than what must stay.
    """
    for name, score in scores.items():
        if torch.isnan(score).any():
            raise BadInput(f"`{name}` has NaN among its scores; nothing can be chosen")
    masks = {name: torch.ones_like(score, dtype=torch.bool) for name, score in scores.items()}
    for share in budget.resolve({name: score.numel() for name, score in scores.items()}):
        ranks = []
        for name in share.names:
            score = scores[name].flatten().clone()
            stays = always[name].flatten() if always is not None and name in always else None
            if stays is not None and stays.any():
                score[stays] = torch.inf
            elif always is None:
                score[score.argmax()] = torch.inf
            ranks.append(score)
        pooled = torch.cat(ranks)
        if (needed := int(torch.isposinf(pooled).sum())) > share.keep:
            raise BadInput(
                f"budget unreachable: {share.keep} weights may stay in {', '.join(share.names)}, but "
                f"{needed} are needed to keep a path; lower the rate"
            )
        order = torch.sort(pooled, descending=True, stable=True).indices
        kept = torch.zeros(len(pooled), dtype=torch.bool, device=pooled.device)
        kept[order[: share.keep]] = True
        parts = kept.split([len(r) for r in ranks])
        for name, part in zip(share.names, parts, strict=True):
            masks[name] = part.view_as(scores[name])
    return masks


def choose_alive(
    scores: Mapping[str, Tensor],
    budget: Budget,
    always: Mapping[str, Tensor],
    alive: Callable[[Masks], Masks],
    rounds: int = 200,
    fitting: Callable[[Masks], Masks] | None = None,
) -> Masks:
    """`choose`, with nothing spent on the dead.

    always  weights that stay in any case, alive on their own
    alive   masks -> the same without dead weights
    fitting masks -> of what is left out that which would be alive beside them

    Dead weights give their place to the best that were left out, until all that stay are live. At
    most `rounds` times: usually one or two are enough, at the highest rates some dozens. What is still
    dead then, or can't be exchanged for anything, is dropped; the best that are fitting take its place, as
    many as there are. Without `fitting` fewer stay than the budget allows.
    Exempt tensors keep their dead weights: they were promised whole.
    Errors: as in `choose`.
    """
    current = dict(scores)
    masks = choose(current, budget, always)
    sizes = {name: score.numel() for name, score in scores.items()}
    free = {n for share in budget.resolve(sizes) for n in share.names}
    for _ in range(rounds):
        left = alive(masks)
        dead = {n: masks[n] & ~left[n] for n in free}
        if not any(d.any() for d in dead.values()):
            return masks
        if all(torch.isneginf(current[n][d]).all() for n, d in dead.items()):
            break  # nothing is left that could take their place
        current = {n: s.masked_fill(dead[n], -torch.inf) if n in free else s
                   for n, s in current.items()}  # fmt: skip
        masks = choose(current, budget, always)
    left = alive(masks)
    masks = {n: left[n] if n in free else masks[n] for n in masks}
    while fitting is not None:
        fits = fitting(masks)
        usable = {n: s.masked_fill(~(fits[n] | masks[n]), -torch.inf) for n, s in scores.items()}
        found = choose(usable, budget, masks)
        grown = {n: found[n] & (fits[n] | masks[n]) for n in masks}
        if all(torch.equal(grown[n], masks[n]) for n in masks):
            break
        masks = grown
    return masks
