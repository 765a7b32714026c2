"""Read-only data of a generated file: the weights of rows, and constants that a rate leaves some of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Row = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Offsets, weights and ranks of a row; zeros left out by whoever made it."""


@dataclass
class Table:
    """The weights of a `Rows`, row by row: equal lists of offsets are stored once.

    With ranks, the weights of a row come in rising rank, and `first` is how many rows the tables before have.
    With a scale a row, weights are whole numbers from -127 to 127.
    """

    name: str
    weight: np.ndarray
    offset: np.ndarray
    start: np.ndarray
    at: np.ndarray
    bias: np.ndarray
    rank: np.ndarray | None = None
    first: int = 0
    scale: np.ndarray | None = None

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """Name of a part -> what the file holds."""
        every = {
            "start": self.start, "at": self.at, "offset": self.offset, "weight": self.weight,
            "bias": self.bias, "scale": self.scale, "rank": self.rank,
        }  # fmt: skip
        return {name: a for name, a in every.items() if a is not None}


def table(
    name: str, rows: Sequence[Row], rank_bits: int = 0, first: int = 0, bits: int = 32
) -> Table:
    """The table of some rows, without biases.

    Parameters
    ----------
    name : in C
    rows : offsets, weights and ranks of each
    rank_bits : of a stored rank; 0: none is stored
    first : rows of the tables before
    bits : of a stored weight
    """
    if rank_bits:
        orders = [np.argsort(rank, kind="stable") for _, _, rank in rows]
        rows = [(o[i], w[i], r[i]) for (o, w, r), i in zip(rows, orders, strict=True)]
    start, at, offsets, seen, total = [0], [], [], {}, 0
    for offset, weight, _ in rows:
        key = offset.astype(np.uint32).tobytes()
        if key not in seen:
            seen[key] = total
            offsets.append(offset.astype(np.uint32))
            total += len(offset)
        at.append(seen[key])
        start.append(start[-1] + len(weight))
    scale = None
    if bits == 8:
        largest = [float(np.abs(w).max(initial=0)) or 127.0 for _, w, _ in rows]
        scale = np.array(largest, np.float32) / np.float32(127)
        rows = [(o, np.rint(w / s), r) for (o, w, r), s in zip(rows, scale, strict=True)]
    kind = np.int8 if bits == 8 else np.float32
    made = [np.concatenate([[], *(row[part] for row in rows)]) for part in (1, 2)]
    return Table(
        name,
        made[0].astype(kind),
        np.concatenate(offsets) if offsets else np.zeros(0, np.uint32),
        np.array(start, np.uint32),
        np.array(at, np.uint32),
        np.zeros(len(rows), np.float32),
        made[1].astype(f"uint{rank_bits}") if rank_bits else None,
        first,
        scale,
    )


@dataclass(frozen=True)
class Held:
    """A constant that a rate leaves some of: `at` is its place among the plan's constants."""

    name: str
    values: np.ndarray
    rank: np.ndarray
    at: int
