"""Ranks of weights: what a file of every rate is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.layout import index_bits
from bandstop.errors import BadInput


@dataclass(frozen=True, eq=False)
class Ranked:
    """What is known of a network of many rates.

    ranks            name -> rank of each weight, in the shape of its tensor; what no rate keeps has one
                     of at least `weights`
    weights          N of the network before anything was removed: rate r keeps round((1 - r) N)
    lowest, highest  the trained range
    """

    ranks: dict[str, np.ndarray]
    weights: int
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        if self.most < 1:
            raise BadInput("an elastic network must keep at least one weight at its lowest rate")

    @property
    def most(self) -> int:
        """One more than the highest rank that is ever kept."""
        kept = [r[r < self.weights] for r in self.ranks.values()]
        return max((int(r.max()) + 1 for r in kept if r.size), default=0)

    @property
    def bits(self) -> int:
        """Of a stored rank: one value stands for "never"."""
        return max(16, index_bits(self.most))

    def at(self, rate: float) -> int:
        """How many ranks a rate keeps: round((1 - r) N), at least 1.

        >>> Ranked({"a": np.array([0, 1, 2])}, 3, 0.0, 0.9).at(0.5)
        2
        """
        return max(1, round((1 - rate) * self.weights))
