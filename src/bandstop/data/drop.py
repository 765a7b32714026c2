"""What is left out of recordings on request, and counted: lost frames, sequences that are too short."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace

import numpy as np

from bandstop.data.scan import Scan
from bandstop.data.sequence import MIN_FRAMES, Fold, Sequence, absent
from bandstop.errors import BadInput, nearest

DROPS = ("lost", "short")
"""lost: frames in which no body is there (all joints of each in one point); the others keep their times.
short: sequences of fewer than 2 frames, which are refused otherwise."""


def drop(found: Scan, what: Seq[str]) -> Scan:
    """`found` without what is to be dropped, and a note of how much that was. Errors: BadInput for an
    unknown word."""
    for word in what:
        if word not in DROPS:
            raise BadInput(
                f"unknown drop {word!r}{nearest(word, DROPS)}; it is one of {', '.join(DROPS)}"
            )
    if "lost" in what:
        _drop_lost(found)
    if "short" in what and found.short:
        found.problems = [problem for problem in found.problems if problem not in found.short]
        found.notes.append(
            f"dropped (short): {len(found.short)} sequences of fewer than {MIN_FRAMES} frames"
        )
        found.short = []
    return found


def _drop_lost(found: Scan) -> None:
    kept: dict[int, Sequence] = {}
    frames = touched = 0
    for i, s in enumerate(found.sequences):
        here = ~absent(s.positions, found.skeleton.bodies).all(axis=1)
        frames, touched = frames + int((~here).sum()), touched + int(not here.all())
        if here.all():
            kept[i] = s
        elif here.sum() >= MIN_FRAMES:
            times = np.arange(s.frames) if s.times is None else s.times
            kept[i] = replace(s, positions=s.positions[here], times=times[here])
    if not touched:
        return
    whole = len(found.sequences) - len(kept)
    found.notes.append(
        f"dropped (lost): {frames} frames in {touched} sequences"
        + (f", {whole} of which had fewer than {MIN_FRAMES} others and are left out" * bool(whole))
    )
    place = {old: new for new, old in enumerate(kept)}
    found.sequences = list(kept.values())
    folds = [_moved(fold, place) for fold in found.folds]
    found.folds = tuple(fold for fold in folds if fold.train and fold.test)
    found.notes += [
        f"fold {fold.name} is left out: nothing is left to train or to test on"
        for fold in folds
        if not (fold.train and fold.test)
    ]


def _moved(fold: Fold, place: dict[int, int]) -> Fold:
    sides = (fold.train, fold.test, fold.validation)
    return Fold(fold.name, *(tuple(place[i] for i in side if i in place) for side in sides))
