"""Folds for users' own recordings: from a column `split`, else by group, nobody on both sides."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence as Seq

from bandstop.data.protocols import folds_by_group
from bandstop.data.scan import Scan
from bandstop.data.sequence import EVERYBODY, Dataset, Fold, Sequence
from bandstop.data.words import side_of
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


def split_folds(sequences: Seq[Sequence], split: Seq[str]) -> tuple[tuple[Fold, ...], list[str]]:
    """The folds that a column `split` describes, one entry a sequence, and what is to be said of them.

    Words that say a side (`words.side_of`), such as train and test or xsub_train and xsub_test, make one
    fold for each name they say beside it, "1" where they say none. Without a test part the validation part is
    tested on, as is usual for NTU; beside one it is held out to validate. Where everybody trains there is
    no fold. Any other words are names of folds: a sequence is tested in the fold it names and trained on
    in all the others. "" and "-": in no fold.

    Errors: BadInput for both kinds at once, for a fold without a side, for a sequence without label.
    """
    said = {word: side_of(word) for word in {*split} - {*NONE}}
    if not said:
        return (), []
    for s, word in zip(sequences, split, strict=True):
        if s.label is None and word in said:
            raise BadInput(
                f"{s.name} has no label, but split {word!r}; give it a label, or '-' as split"
            )
    names = sorted(word for word, (side, _) in said.items() if side is None)
    if len(names) == len(said):
        return _tested_in_turn(split, names), []
    if names:
        raise BadInput(
            "split must hold sides such as train and test and no other word, or folds' names only; "
            f"it holds {several(sorted(said))}"
        )
    called: dict[str, str] = {}  # a fold's name in small letters -> as it stands first
    parts: dict[str, dict[str, list[int]]] = {}
    for i, word in enumerate(split):
        if word in said:
            side, name = said[word]
            name = called.setdefault(name.casefold(), name) or "1"
            parts.setdefault(name, {}).setdefault(str(side), []).append(i)
    made = [_fold(name, sides) for name, sides in parts.items()]
    return tuple(fold for fold, _ in made if fold), [note for _, note in made if note]


def _tested_in_turn(split: Seq[str], names: list[str]) -> tuple[Fold, ...]:
    if len(names) == 1:
        raise BadInput(
            f"split names one fold only, {names[0]!r}, so nothing is left to train on; "
            "name at least two folds, or write train and test"
        )
    if len(names) * len(split) > MOST:
        raise BadInput(
            f"split names {len(names)} folds of {len(split)} sequences, and {MOST} entries of all folds "
            "together can be held; name fewer folds"
        )
    indices = range(len(split))
    return tuple(
        Fold(
            name,
            tuple(i for i in indices if split[i] not in (name, *NONE)),
            tuple(i for i in indices if split[i] == name),
        )
        for name in sorted(names, key=_natural)
    )


def _fold(name: str, sides: dict[str, list[int]]) -> tuple[Fold | None, str]:
    """The fold of these sides, if it is one, and what is to be said of it."""
    train, test, validation = (tuple(sides.get(s, ())) for s in ("train", "test", "validation"))
    if not train:
        raise BadInput(
            f"split has nothing to train on in fold {name}, only {' and '.join(sorted(sides))}; write "
            "train for some of its sequences"
        )
    if test and validation:
        note = (
            f"fold {name}: {len(validation)} sequences are held out to validate, as its split says"
        )
        return Fold(name, train, test, validation), note
    if validation:
        note = f"fold {name} has no test part: it is tested on its validation part"
        return Fold(name, train, validation), note
    if test:
        return Fold(name, train, test), ""
    note = (
        f"fold {name} has nothing to test on: train on everybody with fold {EVERYBODY}, without "
        "measuring accuracy"
    )
    return None, note


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
        alone = len(data.folds) == 1
        before = "" if fold.name == "1" else f"{fold.name}_"
        sides = {"train": fold.train, "val": fold.validation, "test": fold.test}
        for side, indices in sides.items() if alone else [("test", fold.test)]:
            for i in indices:
                split[i] = before + side if alone else fold.name
    try:
        made, _ = split_folds(data.sequences, split)
    except BadInput:
        made = ()
    if {f.name: _sides(f) for f in made} != {f.name: _sides(f) for f in data.folds}:
        raise BadInput(
            f"the folds of {data.name!r} cannot be written as a column: that takes one fold, or folds "
            "that each train on what the others test on; write it with folds=()"
        )
    return split


def _sides(fold: Fold) -> tuple[set[int], ...]:
    return set(fold.train), set(fold.test), set(fold.validation)


def add_folds(found: Scan, split: Seq[str] | None) -> None:
    """Give `found` its folds: from `split` where it is there, else five by group, else a note."""
    if split is not None and any(split):
        try:
            found.folds, notes = split_folds(found.sequences, split)
        except BadInput as error:
            if not found.problems:  # else it may only follow from the sequences that are missing
                found.problems.append(str(error))
            return
        found.notes += notes
        if found.folds or notes:
            return
    else:
        found.folds = five_folds(found.sequences)
    if not found.folds and found.sequences:
        found.notes.append(
            f"there is no split: give every sequence `split` (train or test), or `group` with at "
            f"least {COUNT} groups of labelled sequences, to measure accuracy on recordings not "
            f"trained on; or train on all of them with fold {EVERYBODY}"
        )
