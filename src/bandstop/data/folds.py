"""Folds for recordings that bring no official split: by group, so that nobody is on both sides."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Seq

from bandstop.data.protocols import folds_by_group
from bandstop.data.sequence import Fold, Sequence

COUNT = 5


def five_folds(sequences: Seq[Sequence]) -> tuple[Fold, ...]:
    """Five folds "1" to "5", each testing on whole groups; about equally many sequences a fold.

    Groups are dealt from the largest to the smallest, each to the fold that has least so far. There
    are no folds (an empty tuple) where fewer than five groups, or an unlabelled sequence in one,
    make that impossible. A sequence without a group belongs to no fold.
    """
    sizes = Counter(s.group for s in sequences if s.group)
    if len(sizes) < COUNT or any(s.label is None for s in sequences if s.group):
        return ()
    tested: list[list[str]] = [[] for _ in range(COUNT)]
    filled = [0] * COUNT
    for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        least = filled.index(min(filled))
        tested[least].append(group)
        filled[least] += size
    return folds_by_group(sequences, {str(k + 1): tuple(g) for k, g in enumerate(tested)})
