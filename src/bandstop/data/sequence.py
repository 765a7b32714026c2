"""Sequence, Fold and Dataset: what every format is read into."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence as Seq
from dataclasses import dataclass, field

import numpy as np

from bandstop.errors import BadInput, listed, several, short
from bandstop.skeleton import Skeleton
from bandstop.text import LONGEST_PATH, one_line

MIN_FRAMES = 2
CLASSES = 10_000
"""Classes that are told apart at most: a table of confusions has their square."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """One recording: where every node was in every frame.

    name       unique within its data set, such as "s01s02/03/001"; one printable line
    positions  float32, (frames, nodes, 3), in the skeleton's unit; finite
    label      index into the data set's classes, or None where it is not known
    group      who was recorded: sequences of one group never stand on both sides of a split

    Errors: BadInput for another shape, fewer than 2 frames, NaN or infinity (with frame and node).
    """

    name: str
    positions: np.ndarray
    label: int | None = None
    group: str = ""

    def __post_init__(self) -> None:
        one_line(self.name, "a sequence's name", LONGEST_PATH)
        one_line(self.group, f"{self.name}: its group", empty=True)
        with np.errstate(over="ignore"):  # too large for float32 is refused as infinite below
            positions = np.ascontiguousarray(self.positions, dtype=np.float32)
        if positions.ndim != 3 or positions.shape[2] != 3:
            raise BadInput(
                f"{self.name}: positions must be (frames, nodes, 3), not {positions.shape}"
            )
        if len(positions) < MIN_FRAMES:
            raise BadInput(
                f"{self.name}: a sequence needs at least {MIN_FRAMES} frames and has "
                f"{len(positions)}; leave it out or record it again"
            )
        if not np.isfinite(positions).all():
            frame, node, axis = np.argwhere(~np.isfinite(positions))[0]
            raise BadInput(
                f"{self.name}: frame {frame + 1}, node {node}, {'xyz'[axis]} is "
                f"{positions[frame, node, axis]}; coordinates must be finite: repair or drop the frame"
            )
        positions.setflags(write=False)
        object.__setattr__(self, "positions", positions)

    @property
    def frames(self) -> int:
        return len(self.positions)

    @property
    def digest(self) -> str:
        """A hash of the coordinates alone: equal for repeated recordings."""
        return hashlib.sha256(self.positions.tobytes()).hexdigest()[:16]


@dataclass(frozen=True)
class Fold:
    """One way to divide a data set: indices of the sequences to train on and to test on."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]

    def __post_init__(self) -> None:
        one_line(self.name, "a fold's name")
        both = set(self.train) & set(self.test)
        if both:
            raise BadInput(f"fold {self.name}: {len(both)} sequences are in both train and test")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Recordings of one skeleton, their classes and the splits they are evaluated by.

    notes  what a reader of the files should know: what was left out and why

    Errors: BadInput for a name that is not one printable line, or naming every other broken rule.
    """

    name: str
    skeleton: Skeleton
    classes: tuple[str, ...]
    sequences: tuple[Sequence, ...]
    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        one_line(self.name, "a data set's name")
        for label in self.classes:
            one_line(label, f"data set {self.name!r}: a class's name")
        problems = []
        if not self.sequences:
            problems.append("it holds no sequences")
        for name, count in Counter(s.name for s in self.sequences).items():
            if count > 1:
                problems.append(f"{count} sequences are named {short(name)}; names must be unique")
        for s in self.sequences:
            if s.positions.shape[1] != self.skeleton.nodes:
                problems.append(
                    f"{s.name} has {s.positions.shape[1]} nodes, but skeleton "
                    f"{self.skeleton.name!r} has {self.skeleton.nodes}"
                )
            if s.label is not None and not 0 <= s.label < len(self.classes):
                problems.append(
                    f"{s.name} has label {s.label}, but there are {len(self.classes)} classes"
                )
        if len(set(self.classes)) != len(self.classes):
            problems.append("class names must differ from each other")
        if len(self.classes) > CLASSES:
            problems.append(f"it has {len(self.classes)} classes, and {CLASSES} can be told apart")
        count = len(self.sequences)
        for fold in self.folds:
            for side, indices in (("train", fold.train), ("test", fold.test)):
                if not indices:
                    problems.append(f"fold {fold.name} has nothing to {side} on")
                if any(not 0 <= i < count for i in indices):
                    problems.append(f"fold {fold.name} names a sequence outside 0..{count - 1}")
                if any(0 <= i < count and self.sequences[i].label is None for i in indices):
                    problems.append(f"fold {fold.name} has sequences without a label in {side}")
        if problems:
            raise BadInput(f"data set {self.name!r}: {listed(problems)}")

    def fold(self, name: str) -> Fold:
        """The fold of that name. Errors: BadInput with the names there are."""
        for fold in self.folds:
            if fold.name == name:
                return fold
        if not self.folds:
            raise BadInput(
                f"data set {self.name!r} has no split, so there is no fold {name!r}: give its sequences "
                "`split` (train or test), or `group` with at least 5 groups of labelled sequences"
            )
        names = several(f.name for f in self.folds)
        raise BadInput(f"data set {self.name!r} has no fold {name!r}; it has {names}, or use all")

    def subset(self, indices: Seq[int]) -> tuple[Sequence, ...]:
        return tuple(self.sequences[i] for i in indices)

    @property
    def fingerprint(self) -> str:
        """A hash of names, labels, groups, coordinates and folds: the same data, the same print."""
        digest = hashlib.sha256(repr((self.classes, self.folds)).encode())
        for s in self.sequences:
            digest.update(f"{s.name}|{s.label}|{s.group}|{s.digest}".encode())
        return digest.hexdigest()[:16]
