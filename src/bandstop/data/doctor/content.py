"""What there is to learn from: how classes are balanced, what never moves, bodies that are not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence as Seq
from itertools import combinations

import numpy as np

from bandstop.data.doctor.checks import Finding, counted
from bandstop.data.sequence import Sequence, absent
from bandstop.skeleton import Skeleton

UNEQUAL = 5
"""The most frequent class may have this many times the sequences of the rarest."""
LONG = 20
"""A recording is long where it has more than this many times the frames of the median one."""


def balance(classes: tuple[str, ...], sequences: Seq[Sequence]) -> list[Finding]:
    """Classes of which there are far fewer sequences than of others."""
    counts = Counter(s.label for s in sequences if s.label is not None)
    if len(counts) < 2:
        return []
    most = max(counts.values())
    rare = sorted((n, k) for k, n in counts.items() if UNEQUAL * n <= most)
    if not rare:
        return []
    words = (
        f"{counted(len(rare), 'class', 'classes')} with at most one fifth of the {most} sequences of the "
        "most frequent one: look at the mean accuracy of the classes, and try --class-weights balanced"
    )
    return [Finding("imbalance", words, tuple(f"{classes[k]} {n}" for n, k in rare))]


def lengths(sequences: Seq[Sequence]) -> list[Finding]:
    """Recordings far longer than the rest: often several in one, or one that was never stopped."""
    if len(sequences) < 3:
        return []
    usual = float(np.median([s.frames for s in sequences]))
    long = sorted(((s.frames, s.name) for s in sequences if s.frames > LONG * usual), reverse=True)
    if not long:
        return []
    words = (
        f"{counted(len(long), 'sequence')} with more than {LONG} times the median of {usual:g} frames: "
        "cut them into single movements"
    )
    return [Finding("length", words, tuple(f"{name}: {n} frames" for n, name in long))]


def nothing(skeleton: Skeleton, sequences: Seq[Sequence]) -> list[str]:
    """Why there is nothing to learn from these recordings at all, as a problem; empty where there is."""
    if not sequences:
        return []
    if all(absent(s.positions, skeleton.bodies).all() for s in sequences):
        return [
            "nothing moves: every sequence has all joints in one point in every frame, so nothing was "
            "tracked; record again, or look at how the coordinates are read"
        ]
    first = _pose(sequences[0])
    if all(not _moves(s) and np.array_equal(_pose(s), first) for s in sequences):
        return [
            "nothing moves: every sequence is one and the same pose in every frame; look at how the "
            "coordinates are read"
        ]
    return []


def still(sequences: Seq[Sequence]) -> list[Finding]:
    """Recordings in which nothing moves from the first frame to the last."""
    held = tuple(s.name for s in sequences if not _moves(s))
    if not held:
        return []
    return [Finding("still", f"nothing moves in {counted(len(held), 'sequence')}", held)]


def _moves(s: Sequence) -> bool:
    return bool((s.positions != s.positions[0]).any())


def _pose(s: Sequence) -> np.ndarray:
    """The first frame, wherever it stands."""
    return np.asarray(s.positions[0] - s.positions[0, 0])


def bodies(skeleton: Skeleton, sequences: Seq[Sequence]) -> list[Finding]:
    """Bodies that are never there in a recording, and two that are one and the same."""
    if skeleton.bodies < 2 or not sequences:
        return []
    findings = []
    gone = np.stack([absent(s.positions, skeleton.bodies).all(axis=0) for s in sequences])
    for b in range(skeleton.bodies):
        names = tuple(s.name for s, away in zip(sequences, gone[:, b], strict=True) if away)
        if names:
            words = (
                f"body {b + 1} is absent (all joints in one point) in {counted(len(names), 'sequence')}; it "
                "counts as standing at the centre of the others"
            )
            findings.append(Finding("absent body", words, names))
    twins = [
        f"{s.name}: bodies {a + 1} and {b + 1}" for s in sequences for a, b in _twins(skeleton, s)
    ]
    if twins:
        words = f"two bodies are one and the same in {counted(len(twins), 'sequence')}"
        findings.append(Finding("twin bodies", words, tuple(twins)))
    return findings


def _twins(skeleton: Skeleton, s: Sequence) -> list[tuple[int, int]]:
    """Pairs of bodies that are equal in at least half of the frames in which both are there."""
    x = s.positions.reshape(s.frames, skeleton.bodies, -1)
    here = ~absent(s.positions, skeleton.bodies)
    found = []
    for a, b in combinations(range(skeleton.bodies), 2):
        both = here[:, a] & here[:, b]
        same = (x[both, a] == x[both, b]).all(axis=1)
        if both.any() and 2 * same.sum() >= both.sum():
            found.append((a, b))
    return found


def depth(sequences: Seq[Sequence]) -> list[Finding]:
    """A third coordinate that lies within 0 to 1 beside two that do not: a confidence, not a depth."""
    if not sequences:
        return []
    low = np.min([s.positions.min(axis=(0, 1)) for s in sequences], axis=0)
    high = np.max([s.positions.max(axis=(0, 1)) for s in sequences], axis=0)
    span = (high - low)[:2].max()
    if not (0 <= low[2] < high[2] <= 1 and span > 20):
        return []
    words = (
        f"the third coordinate is within {low[2]:.2g} to {high[2]:.2g} while the others span {span:.3g}: it "
        "looks like a confidence, not a depth; write positions[..., 2] = 0 where only x and y are known"
    )
    return [Finding("confidence", words)]
