"""How tensors become the arrays of a file, and how large those are: one function a layout.

Everything that is written down for a weight stands here, so that predicted bytes are the bytes of the
file. Activations lie in rows of nodes: row r of a value with n nodes starts at r * padded(n), so that
one node is one lane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.ir import Storage

WIDE = 16
"""Lanes of the widest vector; rows of nodes are padded to a multiple of it."""


def padded(count: int, to: int = WIDE) -> int:
    """
    >>> padded(30), padded(32), padded(1)
    (32, 32, 16)
    """
    return -(-count // to) * to


def index_bits(largest: int) -> int:
    """The narrowest width that holds 0 .. largest.

    >>> index_bits(255), index_bits(256), index_bits(65536)
    (8, 16, 32)
    """
    return 8 if largest < 1 << 8 else 16 if largest < 1 << 16 else 32


def float32_below(limit: float) -> np.ndarray:
    """The largest float32 that is not above a positive limit, as an array of no dimensions."""
    near = np.float32(limit)
    return np.asarray(near if float(near) <= float(limit) else np.nextafter(near, np.float32(0)))


@dataclass(frozen=True, eq=False)
class Array:
    """One array of the file. kind: float32, int8, uint8, uint16 or uint32."""

    name: str
    data: np.ndarray

    @property
    def bytes(self) -> int:
        """At least one element is written: C knows no empty array."""
        return max(self.data.nbytes, self.data.itemsize)


def unsigned(values: list[int] | np.ndarray, bits: int) -> np.ndarray:
    return np.asarray(values, dtype={8: np.uint8, 16: np.uint16, 32: np.uint32}[bits]).ravel()


@dataclass(frozen=True, eq=False)
class Channels:
    """The filters of all heads as channels over rows: what the filter kernel works through.

    weights  (channel, row); row k * features + s of what the heads read (or s, where they share it)
    first    the first row of each channel, and `rows` how many it may read
    """

    weights: np.ndarray
    first: np.ndarray
    rows: int

    @staticmethod
    def of(filters: np.ndarray, summed: bool, shared: bool) -> Channels:
        """filters (head, feature, filter). summed: heads are added, one channel a filter; else one a
        head and filter. shared: all heads read the same rows."""
        heads, features, count = filters.shape
        if summed:
            whole = filters.transpose(2, 0, 1).reshape(count, heads * features)
            return Channels(whole, np.zeros(count, dtype=np.int64), heads * features)
        own = filters.transpose(0, 2, 1).reshape(heads * count, features)
        base = np.zeros(heads) if shared else np.arange(heads) * features
        return Channels(own, np.repeat(base, count).astype(np.int64), features)

    def blocks(self, size: int) -> list[tuple[int, int]]:
        """(first channel, how many) of blocks of `size` channels with the same first row; what is left
        over in smaller blocks, halved each time.

        >>> Channels(np.ones((7, 2)), np.zeros(7, dtype=np.int64), 2).blocks(4)
        [(0, 4), (4, 2), (6, 1)]
        """
        found, at = [], 0
        while at < len(self.first):
            same = int((self.first[at:] == self.first[at]).cumprod().sum())
            width = size
            while width > same:
                width //= 2
            found.append((at, width))
            at += width
        return found


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.zeros(0)


def dense_channels(channels: Channels, size: int) -> list[Array]:
    """[block][row][channel of the block]: no positions at all."""
    parts = [channels.weights[at : at + width].T.ravel() for at, width in channels.blocks(size)]
    return [Array("weight", np.concatenate(parts).astype(np.float32))]


def sparse_channels(channels: Channels, size: int) -> list[Array]:
    """For each block of `size` channels the rows that any of them reads, and the weights there."""
    counts, index, weights = [], [], []
    for at, width in channels.blocks(size):
        block = channels.weights[at : at + width]
        rows = np.flatnonzero((block != 0).any(0))
        counts.append(len(rows))
        index.append(rows + channels.first[at])
        weights.append(block[:, rows].T.ravel())
    rows = np.concatenate(index).astype(np.int64)
    return [
        Array("count", unsigned(counts, index_bits(max(counts)))),
        Array("row", unsigned(rows, index_bits(int(channels.first.max()) + channels.rows - 1))),
        Array("weight", np.concatenate(weights).astype(np.float32)),
    ]


def dense_attention(attention: np.ndarray) -> list[Array]:
    """[head][node][output, padded]: outputs are lanes."""
    heads, outputs, nodes = attention.shape
    full = np.zeros((heads, nodes, padded(outputs)), dtype=np.float32)
    full[:, :, :outputs] = attention.transpose(0, 2, 1)
    return [Array("weight", full.ravel())]


def lanes_attention(attention: np.ndarray) -> list[Array]:
    """For each head and each 16 outputs: as many slots as the longest row has entries; a slot is 16
    nodes and 16 weights, one a lane, zero where a row has fewer entries."""
    heads, outputs, nodes = attention.shape
    slots, index, weights = [], [], []
    for k in range(heads):
        for at in range(0, padded(outputs), WIDE):
            rows = attention[k, at : at + WIDE]
            longest = int((rows != 0).sum(1).max(initial=0))
            node = np.zeros((longest, WIDE), dtype=np.int64)
            weight = np.zeros((longest, WIDE), dtype=np.float32)
            for lane, row in enumerate(rows):
                found = np.flatnonzero(row)
                node[: len(found), lane], weight[: len(found), lane] = found, row[found]
            slots.append(longest)
            index.append(node.ravel())
            weights.append(weight.ravel())
    return [
        Array("slots", unsigned(slots, index_bits(max(slots)))),
        Array("node", unsigned(np.concatenate(index), index_bits(nodes - 1))),
        Array("weight", np.concatenate(weights).astype(np.float32)),
    ]


def dense_dense(dense: np.ndarray) -> list[Array]:
    """[channel][class][output], and 16 zeros: a vector may read past the end of a row."""
    flat = dense.transpose(0, 2, 1).ravel()
    return [Array("weight", np.concatenate([flat, np.zeros(WIDE)]).astype(np.float32))]


def sparse_dense(dense: np.ndarray) -> list[Array]:
    """For each class the positions in h and the weights, padded with zero weights to 16."""
    channels, outputs, classes = dense.shape
    stride = padded(outputs)
    counts, index, weights = [], [], []
    for c in range(classes):
        channel, output = np.nonzero(dense[:, :, c])
        more = padded(len(channel)) - len(channel)
        counts.append((len(channel) + more) // WIDE)
        index.append(np.concatenate([channel * stride + output, np.zeros(more, dtype=np.int64)]))
        weights.append(np.concatenate([dense[channel, output, c], np.zeros(more)]))
    return [
        Array("count", unsigned(counts, index_bits(max(counts)))),
        Array("at", unsigned(np.concatenate(index), index_bits(channels * stride - 1))),
        Array("weight", np.concatenate(weights).astype(np.float32)),
    ]


def class_lanes(classes: int) -> tuple[int, int, int]:
    """How classes are given lanes: groups, classes a group, lanes a class.

    >>> class_lanes(8), class_lanes(1), class_lanes(20)
    ((1, 8, 2), (1, 1, 16), (2, 10, 1))
    """
    groups = -(-classes // WIDE)
    each = -(-classes // groups)
    return groups, each, WIDE // each


def slots_of_dense(dense: np.ndarray) -> np.ndarray:
    """(channel, group): slots that `lanes_dense` needs."""
    groups, each, lanes = class_lanes(dense.shape[2])
    counts = np.zeros((dense.shape[0], groups * each), dtype=np.int64)
    counts[:, : dense.shape[2]] = (dense != 0).sum(1)
    return (-(-counts // lanes)).reshape(-1, groups, each).max(2)


def lanes_dense(dense: np.ndarray) -> list[Array]:
    """For each channel and each group of classes as many slots as its fullest lane has entries; a slot
    is 16 outputs and 16 weights. A lane belongs to a class, so that one vector sums all logits."""
    channels, outputs, classes = dense.shape
    groups, each, lanes = class_lanes(classes)
    slots = slots_of_dense(dense)
    index, weights = [], []
    for f in range(channels):
        for g in range(groups):
            node = np.zeros((slots[f, g], WIDE), dtype=np.int64)
            weight = np.zeros((slots[f, g], WIDE))
            for c in range(g * each, min((g + 1) * each, classes)):
                for n, i in enumerate(np.flatnonzero(dense[f, :, c])):
                    lane = (c - g * each) * lanes + n % lanes
                    node[n // lanes, lane], weight[n // lanes, lane] = i, dense[f, i, c]
            index.append(node.ravel())
            weights.append(weight.ravel())
    return [
        Array("slots", unsigned(slots, index_bits(int(slots.max())))),
        Array("node", unsigned(_joined(index), index_bits(outputs - 1))),
        Array("weight", _joined(weights).astype(np.float32)),
    ]


def _in_bits(arrays: list[Array], storage: Storage) -> list[Array]:
    """Weights as bytes where the storage says so: they are whole numbers then."""
    if storage.bits == 32:
        return arrays
    return [Array(a.name, a.data.astype(np.int8)) if a.name == "weight" else a for a in arrays]


def attention_arrays(attention: np.ndarray, storage: Storage) -> list[Array]:
    make = dense_attention if storage.kind == "dense" else lanes_attention
    return _in_bits(make(attention), storage)


def filter_arrays(channels: Channels, storage: Storage) -> list[Array]:
    make = dense_channels if storage.kind == "dense" else sparse_channels
    return _in_bits(make(channels, storage.block), storage)


def dense_arrays(dense: np.ndarray, storage: Storage) -> list[Array]:
    made = {"dense": dense_dense, "rows": sparse_dense, "lanes": lanes_dense}
    return _in_bits(made[storage.kind](dense), storage)


@dataclass(frozen=True, eq=False)
class Paths:
    """Both products multiplied out: for each wanted pair (channel, output) its sources and weights.

    Pairs are sorted by how many terms they have, longest first, so that 16 side by side waste little.
    """

    weights: np.ndarray
    sources: np.ndarray
    starts: np.ndarray
    pairs: np.ndarray

    @property
    def groups(self) -> int:
        return padded(len(self.pairs)) // WIDE

    def positions(self, shape: tuple[int, int]) -> np.ndarray:
        """Where the value of each (channel, output) lies; -1 where there is none."""
        table = np.full(shape, -1, dtype=np.int64)
        table[tuple(self.pairs.T)] = np.arange(len(self.pairs))
        return table

    def arrays(self, address: np.ndarray, bias: np.ndarray) -> list[Array]:
        """address: where source number n lies in the signal; bias: of each channel."""
        slots, source, weight = [], [], []
        terms = np.diff(self.starts)
        for at in range(0, padded(len(self.pairs)), WIDE):
            lanes = range(at, min(at + WIDE, len(self.pairs)))
            longest = max((int(terms[p]) for p in lanes), default=0)
            where = np.full((longest, WIDE), address.min(initial=0), dtype=np.int64)
            w = np.zeros((longest, WIDE), dtype=np.float32)
            for lane, p in enumerate(lanes):
                own = slice(self.starts[p], self.starts[p + 1])
                where[: terms[p], lane] = address[self.sources[own]]
                w[: terms[p], lane] = self.weights[own]
            slots.append(longest)
            source.append(where.ravel())
            weight.append(w.ravel())
        every = np.zeros(padded(len(self.pairs)), dtype=np.float32)
        every[: len(self.pairs)] = bias[self.pairs[:, 0]]
        return [
            Array("slots", unsigned(slots, index_bits(max(slots, default=0)))),
            Array("source", unsigned(_joined(source), index_bits(int(address.max())))),
            Array("weight", _joined(weight).astype(np.float32)),
            Array("bias", every),
        ]


def sparse_dense_of_pairs(dense: np.ndarray, positions: np.ndarray) -> list[Array]:
    """As `sparse_dense`, with positions of pairs."""
    classes, counts, index, weights = dense.shape[2], [], [], []
    for c in range(classes):
        channel, output = np.nonzero(dense[:, :, c])
        at = positions[channel, output]
        order = np.argsort(at)
        more = padded(len(at)) - len(at)
        counts.append((len(at) + more) // WIDE)
        index.append(np.concatenate([at[order], np.zeros(more, dtype=np.int64)]))
        weights.append(np.concatenate([dense[channel[order], output[order], c], np.zeros(more)]))
    largest = max(0, int(positions.max()))
    return [
        Array("count", unsigned(counts, index_bits(max(counts)))),
        Array("at", unsigned(np.concatenate(index), index_bits(largest))),
        Array("weight", np.concatenate(weights).astype(np.float32)),
    ]
