"""What can be doubtful about recordings that could be read: one pure function a check.

Every check gives findings; none changes or refuses anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from collections.abc import Sequence as Seq
from dataclasses import dataclass

from bandstop.data.sequence import Fold, Sequence, absent
from bandstop.skeleton import Skeleton

LEAKS = ("repeated across a split", "groups on both sides")
"""Findings that make accuracies wrong, so that each case counts."""
OVERLAP = 0.5
"""Two sequences repeat each other if they share this part of the shorter one's frames."""


@dataclass(frozen=True)
class Finding:
    """Something to look at: which check, what in words, and where (examples, the worst first)."""

    check: str
    words: str
    where: tuple[str, ...] = ()


def counted(count: int, noun: str, plural: str = "") -> str:
    """A number with its noun, in the plural where it is due."""
    return f"{count} {noun if count == 1 else plural or noun + 's'}"


def still_frames(skeleton: Skeleton, sequences: Seq[Sequence]) -> list[Finding]:
    """Frames with all joints of a body in one point (lost, often all zero) though it is there in others,
    and repeated frames."""
    lost: list[tuple[int, str]] = []
    frozen: list[tuple[int, str]] = []
    for s in sequences:
        away = absent(s.positions, skeleton.bodies)
        now_and_then = ~away.all(axis=0) | (skeleton.bodies == 1)
        gone = int(away[:, now_and_then].any(axis=1).sum())
        same = int((s.positions[1:] == s.positions[:-1]).all(axis=(1, 2)).sum())
        if gone:
            lost.append((gone, f"{s.name}: {gone} of {s.frames}"))
        if same:
            frozen.append((same, f"{s.name}: {same} of {s.frames}"))
    findings = []
    for check, cases, words in (
        ("lost frames", lost, "have all joints of a body in one point (zero, or not tracked)"),
        ("frozen frames", frozen, "are identical to the frame before"),
    ):
        if cases:
            total = sum(count for count, _ in cases)
            where = tuple(text for _, text in sorted(cases, reverse=True))
            words = f"{counted(total, 'frame')} in {counted(len(cases), 'sequence')} {words}"
            findings.append(Finding(check, words, where))
    return findings


def repeats(sequences: Seq[Sequence], folds: Iterable[Fold]) -> list[Finding]:
    """Recordings that stand there twice, whole or cut, and those that a fold trains and tests on."""
    pairs = _overlaps(sequences)
    sides = [(f.name, set(f.train), set(f.test)) for f in folds]
    whole: list[str] = []
    part: list[str] = []
    leak: list[str] = []
    for (i, j), shared in pairs.items():
        a, b = sequences[i], sequences[j]
        text = (
            f"{a.name} = {b.name}" if a.label == b.label else f"{a.name} = {b.name}, labels differ"
        )
        if a.digest == b.digest:
            whole.append(text)
        else:
            text = f"{text.replace(' = ', ' ~ ')} ({shared} frames in common)"
            part.append(text)
        split = [n for n, train, test in sides if {i, j} & train and {i, j} & test]
        if split:
            leak.append(f"{text}: fold {', '.join(split)}")
    findings = []
    if leak:
        words = f"{counted(len(leak), 'pair')} of repeated recordings stand in both train and test"
        findings.append(Finding("repeated across a split", words, tuple(leak)))
    if whole:
        words = f"{counted(len(whole), 'pair')} of sequences have identical coordinates"
        findings.append(Finding("repeated", words, tuple(whole)))
    if part:
        words = (
            f"{counted(len(part), 'pair')} of sequences share {OVERLAP:.0%} or more of the frames"
        )
        findings.append(Finding("overlapping", words, tuple(part)))
    return findings


def _overlaps(sequences: Seq[Sequence]) -> dict[tuple[int, int], int]:
    """Pairs of sequences that share at least `OVERLAP` of the shorter one's distinct frames."""
    frames = [{f.tobytes() for f in s.positions} for s in sequences]
    holders: dict[int, list[int]] = defaultdict(list)
    for i, distinct in enumerate(frames):
        for frame in distinct:
            holders[hash(frame)].append(i)
    shared: Counter[tuple[int, int]] = Counter()
    for those in holders.values():
        if 1 < len(those) <= 50:
            shared.update((i, j) for k, i in enumerate(those) for j in those[k + 1 :])
    return {
        (i, j): count
        for (i, j), count in sorted(shared.items())
        if count >= max(2, OVERLAP * min(len(frames[i]), len(frames[j])))
        or sequences[i].digest == sequences[j].digest
    }


def splits(
    classes: tuple[str, ...], sequences: Seq[Sequence], folds: Iterable[Fold]
) -> list[Finding]:
    """Groups on both sides of a fold, classes a fold cannot learn or test, classes without any."""
    findings = []
    held = {s.label for s in sequences}
    empty = tuple(name for k, name in enumerate(classes) if k not in held)
    if empty:
        words = f"{counted(len(empty), 'class', 'classes')} without a sequence"
        findings.append(Finding("empty classes", words, empty))
    shared: list[str] = []
    lacking: list[str] = []
    for fold in folds:
        groups = [{sequences[i].group for i in side} - {""} for side in (fold.train, fold.test)]
        both = sorted(groups[0] & groups[1])
        if both:
            shared.append(f"fold {fold.name}: {', '.join(both[:5])}")
        trained = {sequences[i].label for i in fold.train}
        tested = {sequences[i].label for i in fold.test}
        for k in sorted(k for k in tested - trained if k is not None):
            lacking.append(f"fold {fold.name}: {classes[k]!r}")
    if shared:
        words = f"{counted(len(shared), 'fold')} have the same group in train and test"
        findings.append(Finding("groups on both sides", words, tuple(shared)))
    if lacking:
        words = "a fold tests a class that it never trains on"
        findings.append(Finding("untrained classes", words, tuple(lacking)))
    return findings
