"""Accuracy and confusion of any function from signals to logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor


@torch.no_grad()
def predictions(
    net: Callable[[Tensor], Tensor], signals: Float[Tensor, "batch node feature"], size: int = 512
) -> Int[Tensor, " batch"]:
    """The class of each signal, computed `size` at a time."""
    return torch.cat([net(part).argmax(dim=1) for part in signals.split(size)])


def accuracy(predicted: Int[Tensor, " batch"], labels: Int[Tensor, " batch"]) -> float:
    """The fraction of right answers, in [0, 1]."""
    return (predicted == labels).double().mean().item()


def confusion(
    predicted: Int[Tensor, " batch"], labels: Int[Tensor, " batch"], classes: int
) -> list[list[int]]:
    """How many sequences of each true class (row) were taken for each class (column)."""
    table = torch.zeros(classes, classes, dtype=torch.long)
    table.index_put_((labels.cpu(), predicted.cpu()), torch.tensor(1), accumulate=True)
    return table.tolist()
