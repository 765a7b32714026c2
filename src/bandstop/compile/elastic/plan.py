"""From which rate up both products are multiplied out, and how much memory that takes.

The fewer weights are left, the fewer terms A[k,i,j] W[k,s,f] there are: at high rates fewer than the two
products have multiplications. The elastic kernel then makes the terms when the rate is set, in the
caller's memory, and works through them alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile import cost
from bandstop.compile.layout import WIDE, Channels, class_lanes, padded
from bandstop.compile.passes.order import term_counts
from bandstop.compile.ranked import Ranked

MOST_SLOTS = 1024
"""Of 16 terms: 96 KiB."""
STEPS = 24


@dataclass(frozen=True)
class MultipliedOut:
    """keep   most weights that are worked through like this; 0: never
    pairs  of channel and output; slots: of 16 terms; terms: the most of one pair
    dense  slots of 16 entries of the dense layer, for each 16 lanes of classes
    """

    keep: int = 0
    pairs: int = 1
    slots: int = 1
    terms: int = 1
    dense: int = 1

    @property
    def groups(self) -> int:
        return padded(self.pairs) // WIDE


def multiplied_out(weights: dict[str, np.ndarray], ranked: Ranked, fusion: str) -> MultipliedOut:
    """The largest number of kept weights at which the cost model prefers it, and what it takes there."""
    best = MultipliedOut()
    most = ranked.at(ranked.lowest)
    low, high = ranked.at(ranked.highest), min(most, ranked.most)
    for keep in np.unique(np.geomspace(max(1, min(low, high)), max(1, high), STEPS).astype(int)):
        masked = {n: np.where(ranked.ranks[n] < keep, 1.0, 0.0) for n in weights}
        found = sizes(int(keep), masked, fusion)
        terms = term_counts(masked["attention"], masked["filters"], masked["dense"], fusion)
        ours = cost.paths(terms[(masked["dense"] != 0).any(2)]) + cost.GATHER_STEP * found.dense
        if max(found.slots, found.pairs // 16) > MOST_SLOTS or ours > two_products(masked, fusion):
            break
        best = found
    return best


def two_products(masked: dict[str, np.ndarray], fusion: str) -> float:
    """Cycles of (A U) W as the elastic kernel computes it."""
    a, w, d = masked["attention"], masked["filters"], masked["dense"]
    channels = Channels.of(w, fusion == "sum", shared=False)
    outputs = a.shape[1]
    return (
        cost.mix_lanes(a, w.shape[1])
        + cost.channel_blocks(channels, outputs, 1)
        + cost.dense_lanes(d)
    )


def sizes(keep: int, masked: dict[str, np.ndarray], fusion: str) -> MultipliedOut:
    """What the terms take: exactly what the C will find, which sorts pairs by their terms."""
    dense = masked["dense"]
    wanted = (dense != 0).any(2)
    terms = term_counts(masked["attention"], masked["filters"], dense, fusion)[wanted]
    ranked = np.zeros(padded(max(1, len(terms))), dtype=np.int64)
    ranked[: len(terms)] = np.sort(terms)[::-1]
    count, each, width = class_lanes(dense.shape[2])
    fullest = np.zeros((count * each, width), dtype=np.int64)
    for c in range(dense.shape[2]):
        own = (dense[:, :, c] != 0).sum(1)  # a channel's entries take turns from the first lane on
        for n in range(width):
            fullest[c, n] = np.maximum(0, -(-(own - n) // width)).sum()
    return MultipliedOut(
        keep,
        max(1, len(terms)),
        max(1, int(ranked.reshape(-1, WIDE).max(1).sum())),
        max(1, int(ranked.max())),
        max(1, int(fullest.max())),
    )
