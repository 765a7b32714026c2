"""Clock: where a training is, in steps and epochs, as values."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from bandstop.errors import BadInput


@dataclass(frozen=True)
class Clock:
    """`steps` optimiser steps, reported and saved every `per_epoch` of them.

    On small data sets one pass is one or two steps; an epoch here is a fixed number of steps, so that
    progress and checkpoints come at an even pace whatever the data.
    """

    steps: int
    per_epoch: int = 50

    def __post_init__(self) -> None:
        if self.steps < 1 or self.per_epoch < 1:
            raise BadInput(f"a clock needs at least one step and one step an epoch, not {self}")

    @property
    def epochs(self) -> int:
        return math.ceil(self.steps / self.per_epoch)

    def steps_of(self, epoch: int) -> range:
        """The steps of epoch 0, 1, …: the last one may be shorter."""
        return range(epoch * self.per_epoch, min(self.steps, (epoch + 1) * self.per_epoch))

    def progress(self, step: int) -> float:
        """The fraction of the training that lies before this step, in [0, 1]."""
        return step / self.steps

    def from_epoch(self, epoch: int) -> Iterator[int]:
        return iter(range(epoch, self.epochs))


def cosine(progress: float) -> float:
    """The learning rate's factor: 1 at the start, 0 at the end, half a cosine between."""
    return 0.5 * (1 + math.cos(math.pi * progress))
