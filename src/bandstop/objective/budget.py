"""The budget term: how far the masks' sum is from the weights that may stay."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def budget_distance(masks: Sequence[Tensor], keep: float | Tensor) -> Float[Tensor, ""]:
    """( (sum of psi(V) - c) / N )^2: the squared difference between observed and asked rate.

    masks  psi(V) of every gated tensor, in [0, 1]; keep  c, how many of their N weights may stay

    (A squared distance between the masks' sum and a target c: CTF, arXiv 2412.12887, and in words
    semi-structured, arXiv 2412.11813; the division by N, so that one weight of the term fits
    networks of every size: our choice.)

    >>> budget_distance([torch.ones(3), torch.zeros(7)], keep=1).item()
    0.04...
    """
    count = sum(m.numel() for m in masks)
    total = torch.stack([m.sum() for m in masks]).sum()
    return ((total - keep) / count).square()
