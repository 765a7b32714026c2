"""Folds for users' own recordings: from a column `split`, else by group, nobody on both sides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence as Seq

from bandstop.data.protocols import folds_by_group
from bandstop.data.scan import Scan
from bandstop.data.sequence import Dataset, Fold, Sequence
from bandstop.errors import BadInput, several

COUNT = 5
MOST = 2**24
"""Entries of all folds together, for each fold has every sequence in it."""
NONE = ("", "-")
"""What stands in the column `split` for a sequence that is in no fold."""


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


def split_folds(sequences: Seq[Sequence], split: Seq[str]) -> tuple[Fold, ...]:
    """The folds that a column `split` describes, one entry a sequence.

    "train" and "test" make one fold, named "1". Any other words are names of folds: a sequence is
    tested in the fold it names and trained on in all the others. "" and "-": in no fold.
    Errors: BadInput for both kinds at once, for a side without sequences, for one without label.
    """
    used = {s for s in split if s not in NONE}
    if not used:
        return ()
    for s, side in zip(sequences, split, strict=True):
        if s.label is None and side not in NONE:
            raise BadInput(
                f"{s.name} has no label, but split {side!r}; give it a label, or '-' as split"
            )
    if used & {"train", "test"}:
        if used != {"train", "test"}:
            raise BadInput(
                "split must hold both 'train' and 'test' and no other word, or folds' names only; "
                f"it holds {several(sorted(used))}"
            )
        sides = {
            side: tuple(i for i, s in enumerate(split) if s == side) for side in ("train", "test")
        }
        return (Fold("1", sides["train"], sides["test"]),)
    if len(used) == 1:
        raise BadInput(
            f"split names one fold only, {used.pop()!r}, so nothing is left to train on; "
            "name at least two folds, or write train and test"
        )
    if len(used) * len(split) > MOST:
        raise BadInput(
            f"split names {len(used)} folds of {len(split)} sequences, and {MOST} entries of all folds "
            "together can be held; name fewer folds"
        )
    indices = range(len(split))
    return tuple(
        Fold(
            name,
            tuple(i for i in indices if split[i] not in (name, *NONE)),
            tuple(i for i in indices if split[i] == name),
        )
        for name in sorted(used, key=_natural)
    )


def _natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts "2" before "10"."""
    parts = re.findall(r"\d+|\D+", name)
    return tuple((0, int(p), p) if p.isdecimal() else (1, 0, p) for p in parts)


def split_of(data: Dataset) -> list[str]:
    """The column `split` from which `split_folds` makes the folds of `data`; "-" where in none.

    Errors: BadInput where no such column exists.
    """
    split = ["-"] * len(data.sequences)
    for fold in data.folds:
        for i in fold.test:
            split[i] = "test" if len(data.folds) == 1 else fold.name
    if len(data.folds) == 1:
        for i in data.folds[0].train:
            split[i] = "train"
    try:
        made = split_folds(data.sequences, split)
    except BadInput:
        made = ()
    if {f.name: _sides(f) for f in made} != {f.name: _sides(f) for f in data.folds}:
        raise BadInput(
            f"the folds of {data.name!r} cannot be written as a column: that takes one fold "
            "named '1' or folds that each train on what the others test on; write it with folds=()"
        )
    return split


def _sides(fold: Fold) -> tuple[set[int], set[int]]:
    return set(fold.train), set(fold.test)


def add_folds(found: Scan, split: Seq[str] | None) -> None:
    """Give `found` its folds: from `split` where it is there, else five by group, else a note."""
    if split is not None and any(split):
        try:
            found.folds = split_folds(found.sequences, split)
        except BadInput as error:
            if not found.problems:  # else it may only follow from the sequences that are missing
                found.problems.append(str(error))
    else:
        found.folds = five_folds(found.sequences)
    if not found.folds and found.sequences:
        found.notes.append(
            f"there is no split: give every sequence `split` (train or test), or `group` with at "
            f"least {COUNT} groups of labelled sequences, to measure accuracy on recordings not "
            "trained on"
        )
