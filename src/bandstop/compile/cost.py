"""What a product costs: the model by which order and storage are chosen.

Cycles on a core with 16 lanes and two multiply-adds a cycle; the constants were measured
(benchmarks/bench_compiled.py --model compares them with what is measured). Only their order matters:
a choice made for such a core is never far off on a narrower one, where all of them grow alike.
"""

from __future__ import annotations

import numpy as np

from bandstop.compile.layout import WIDE, Channels, padded, slots_of_dense

DENSE_STEP = 0.55
"""A multiply-add of one vector where nothing is looked up."""
ROW_STEP = 0.8
"""A multiply-add of one vector of nodes with a single weight whose row is looked up."""
LANES_STEP = 1.15
"""A permutation and a multiply-add."""
GATHER_STEP = 7.0
"""16 values picked from memory, and a multiply-add."""
ROW = 6.0
"""Beginning and ending a row of the result."""


def mix_dense(attention: np.ndarray, width: int) -> float:
    heads, outputs, nodes = attention.shape
    vectors = padded(outputs) // WIDE
    return heads * nodes * width * vectors * DENSE_STEP


def mix_lanes(attention: np.ndarray, width: int) -> float:
    heads, outputs, nodes = attention.shape
    counts = np.zeros((heads, padded(outputs)), dtype=np.int64)
    counts[:, :outputs] = (attention != 0).sum(2)
    slots = counts.reshape(heads, -1, WIDE).max(2).sum()
    step = LANES_STEP if nodes <= 2 * WIDE else GATHER_STEP
    return float(slots * width * step + heads * width * padded(outputs) / WIDE)


def channel_blocks(channels: Channels, nodes: int, size: int) -> float:
    """Sparse blocks of `size` channels."""
    vectors, entries = padded(nodes) // WIDE, 0
    blocks = channels.blocks(size)
    for at, width in blocks:
        rows = (channels.weights[at : at + width] != 0).any(0).sum()
        step = ROW_STEP if width == 1 else DENSE_STEP * width + 0.7
        entries += rows * step
    return float(entries * vectors + len(blocks) * ROW)


def channel_dense(channels: Channels, nodes: int) -> float:
    return padded(nodes) // WIDE * channels.weights.size * DENSE_STEP


def dense_dense(dense: np.ndarray) -> float:
    channels, outputs, classes = dense.shape
    return padded(outputs) // WIDE * channels * (classes + 1) * 0.7 + 12 * classes


def dense_rows(dense: np.ndarray) -> float:
    counts = (dense != 0).sum((0, 1))
    return float(sum(padded(int(c)) // WIDE for c in counts) * GATHER_STEP + 12 * len(counts))


def dense_lanes(dense: np.ndarray) -> float:
    slots = slots_of_dense(dense)
    step = LANES_STEP if dense.shape[1] <= 2 * WIDE else GATHER_STEP
    return float(slots.sum() * step + 1.5 * slots.size)


def paths(terms: np.ndarray) -> float:
    """terms: of each pair."""
    lanes = np.zeros(padded(len(terms)), dtype=np.int64)
    lanes[: len(terms)] = np.sort(terms)[::-1]
    slots = lanes.reshape(-1, WIDE).max(1)
    return float(slots.sum() * GATHER_STEP + len(slots) * 3)
