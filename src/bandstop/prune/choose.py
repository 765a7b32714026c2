"""The exact budget: which weights stay, so that the count is met to the weight."""

from __future__ import annotations

from collections.abc import Mapping

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

    Every tensor keeps at least one weight: those of `always`, or else its best. Ties are broken
    the same way each time.
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
            else:
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
