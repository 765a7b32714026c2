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
    if not len(signals):
        return torch.zeros(0, dtype=torch.long, device=signals.device)
    return torch.cat([net(part).argmax(dim=1) for part in signals.split(size)])


def accuracy(predicted: Int[Tensor, " batch"], labels: Int[Tensor, " batch"]) -> float:
    """The fraction of right answers, in [0, 1]."""
    return (predicted == labels).double().mean().item()


def scores(
    predicted: Int[Tensor, " batch"], labels: Int[Tensor, " batch"]
) -> dict[str, float | None]:
    """accuracy, and mean_class_accuracy: the mean over the classes that occur of the fraction of each
    that was named right, so that a rare class counts as much as a frequent one. None without sequences.

    >>> scores(torch.tensor([0, 0, 0, 0]), torch.tensor([0, 0, 0, 1]))
    {'accuracy': 0.75, 'mean_class_accuracy': 0.5}
    """
    if not len(labels):
        return {"accuracy": None, "mean_class_accuracy": None}
    by_class = [accuracy(predicted[labels == c], labels[labels == c]) for c in labels.unique()]
    return {
        "accuracy": accuracy(predicted, labels),
        "mean_class_accuracy": sum(by_class) / len(by_class),
    }


def wrong(predicted: Int[Tensor, " batch"], labels: Int[Tensor, " batch"]) -> list[int]:
    """Which sequences were named wrong: their places, rising.

    >>> wrong(torch.tensor([0, 1, 1]), torch.tensor([0, 0, 1]))
    [1]
    """
    found: list[int] = (predicted != labels).nonzero().flatten().tolist()
    return found


def confusion(
    predicted: Int[Tensor, " batch"], labels: Int[Tensor, " batch"], classes: int
) -> list[list[int]]:
    """How many sequences of each true class (row) were taken for each class (column)."""
    table = torch.zeros(classes, classes, dtype=torch.long)
    table.index_put_((labels.cpu(), predicted.cpu()), torch.tensor(1), accumulate=True)
    return table.tolist()
