"""The arrays of the elastic kernel: entries of each row in rising rank, so that any rate is a prefix.

A rate keeps the ranks below a number. Where single rows are worked through (filters) a prefix is a
count. Where 16 rows lie side by side (attention, dense layer) a slot is 16 entries of 16 rows; it is
worked through while the least of its ranks is kept, and entries of a higher rank count as zero.
"""

from __future__ import annotations

import numpy as np

from bandstop.compile.layout import (
    WIDE,
    Array,
    Channels,
    class_lanes,
    index_bits,
    padded,
    unsigned,
)  # fmt: skip
from bandstop.compile.ranked import Ranked

Slot = list[tuple[int, float, int]]
"""(position, weight, rank) of a row, in rising rank."""


def lanes(rows: list[Slot], bits: int) -> tuple[list[np.ndarray], np.ndarray]:
    """16 rows side by side: position, weight and rank of (slot, lane), and the least rank of each slot."""
    longest, never = max((len(r) for r in rows), default=0), (1 << bits) - 1
    at = np.zeros((longest, WIDE), dtype=np.int64)
    weight = np.zeros((longest, WIDE), dtype=np.float32)
    rank = np.full((longest, WIDE), never, dtype=np.int64)
    for lane, row in enumerate(rows):
        for slot, entry in enumerate(row):
            at[slot, lane], weight[slot, lane], rank[slot, lane] = entry
    return [at, weight, rank], rank.min(1, initial=never)


def row(positions: np.ndarray, weights: np.ndarray, ranks: np.ndarray, most: int) -> Slot:
    """The entries of one row that are ever kept, in rising rank.

    >>> row(np.arange(3), np.array([1.0, 2.0, 3.0]), np.array([5, 99, 1]), 10)
    [(2, 3.0, 1), (0, 1.0, 5)]
    """
    order = [int(i) for i in np.argsort(ranks, kind="stable") if ranks[i] < most]
    return [(int(positions[i]), float(weights[i]), int(ranks[i])) for i in order]


def _slots(name: str, groups: list[list[Slot]], bits: int, largest: int) -> list[Array]:
    """The arrays of groups of 16 rows, one group after the other; `first` is where each begins."""
    made = [lanes(rows, bits) for rows in groups]
    first = np.cumsum([0, *(len(least) for _, least in made)])
    at, weight, rank = (
        np.concatenate([parts[i].ravel() for parts, _ in made]) for i in range(3)
    )  # fmt: skip
    return [
        Array(f"{name}_first", unsigned(first, 32)),
        Array(f"{name}_least", unsigned(np.concatenate([least for _, least in made]), bits)),
        Array(f"{name}_at", unsigned(at, index_bits(largest))),
        Array(f"{name}_weight", weight.astype(np.float32)),
        Array(f"{name}_rank", unsigned(rank, bits)),
    ]


def attention_arrays(attention: np.ndarray, ranked: Ranked) -> list[Array]:
    """Groups: head by head, 16 outputs each."""
    heads, outputs, nodes = attention.shape
    ranks, every = ranked.ranks["attention"], np.arange(nodes)
    groups = [
        [
            row(every, attention[k, i], ranks[k, i], ranked.most)
            for i in range(t, min(t + WIDE, outputs))
        ]
        for k in range(heads)
        for t in range(0, padded(outputs), WIDE)
    ]
    return _slots("mix", groups, ranked.bits, nodes - 1)


def filter_arrays(filters: np.ndarray, ranked: Ranked, summed: bool) -> list[Array]:
    """Single rows, one a channel: which row of A U, and the weight. `head`: the least rank of each head."""
    table = Channels.of(filters, summed, shared=False)
    of_ranks = Channels.of(ranked.ranks["filters"], summed, shared=False).weights
    rows = [
        row(np.arange(table.rows) + first, weights, ranks, ranked.most)
        for first, weights, ranks in zip(table.first, table.weights, of_ranks, strict=True)
    ]
    entries = [entry for each in rows for entry in each] or [(0, 0.0, (1 << ranked.bits) - 1)]
    at, weight, rank = (np.array(column) for column in zip(*entries, strict=True))
    head = ranked.ranks["filters"].min((1, 2)).clip(max=(1 << ranked.bits) - 1)
    largest = filters.shape[0] * filters.shape[1] - 1
    return [
        Array("filter_first", unsigned(np.cumsum([0, *(len(each) for each in rows)]), 32)),
        Array("filter_at", unsigned(at, index_bits(largest))),
        Array("filter_weight", weight.astype(np.float32)),
        Array("filter_rank", unsigned(rank, ranked.bits)),
        Array("filter_head", unsigned(head, ranked.bits)),
    ]


def dense_arrays(dense: np.ndarray, ranked: Ranked) -> list[Array]:
    """Groups: channel by channel, as many classes as have lanes; a class's entries take turns."""
    channels, outputs, classes = dense.shape
    count, each, width = class_lanes(classes)
    ranks, every = ranked.ranks["dense"], np.arange(outputs)
    groups = []
    for f in range(channels):
        for g in range(count):
            rows: list[Slot] = [[] for _ in range(WIDE)]
            for c in range(g * each, min((g + 1) * each, classes)):
                own = row(every, dense[f, :, c], ranks[f, :, c], ranked.most)
                for n in range(width):
                    rows[(c - g * each) * width + n] = own[n::width]
            groups.append(rows)
    return _slots("dense", groups, ranked.bits, outputs - 1)
