"""Sequence, Fold and Dataset: what every format is read into."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence as Seq
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np

from bandstop.data.shape import fault
from bandstop.errors import BadInput, listed, several, short
from bandstop.fingerprint import fingerprint
from bandstop.skeleton import Skeleton
from bandstop.text import LONGEST_PATH, one_line

MIN_FRAMES = 2
CLASSES = 10_000
"""Classes that are told apart at most: a table of confusions has their square."""
EVERYBODY = "none"
"""The name of the fold that trains on every labelled sequence and tests on none."""


class TooShort(BadInput):
    """A sequence of fewer than 2 frames, which may be dropped."""


@dataclass(frozen=True, eq=False)
class Sequence:
    """One recording: where every node was in every frame.

    name       unique within its data set, such as "s01s02/03/001"; one printable line
    positions  float32, (frames, nodes, 3), in the skeleton's unit; finite
    label      index into the data set's classes, or None where it is not known
    group      who was recorded: sequences of one group never stand on both sides of a split
    times      when each frame was taken, growing, in any unit (frame numbers will do); None where
               the frames follow one another evenly, which is found out

    Errors: BadInput for another shape, fewer than 2 frames, NaN or infinity (with frame and node), times
    that do not grow.
    """

    name: str
    positions: np.ndarray
    label: int | None = None
    group: str = ""
    times: np.ndarray | None = None

    def __post_init__(self) -> None:
        one_line(self.name, "a sequence's name", LONGEST_PATH)
        one_line(self.group, f"{self.name}: its group", empty=True)
        with np.errstate(over="ignore"):  # too large for float32 is refused as infinite below
            positions = np.ascontiguousarray(self.positions, dtype=np.float32)
        if wrong := fault(positions, "positions"):
            raise BadInput(f"{self.name}: {wrong}")
        if len(positions) < MIN_FRAMES:
            raise TooShort(
                f"{self.name}: a sequence needs at least {MIN_FRAMES} frames and has "
                f"{len(positions)}; leave it out, as --drop short does, or record it again"
            )
        if not np.isfinite(positions).all():
            frame, node, axis = np.argwhere(~np.isfinite(positions))[0]
            raise BadInput(
                f"{self.name}: frame {frame + 1}, node {node}, {'xyz'[axis]} is "
                f"{positions[frame, node, axis]}; coordinates must be finite: repair or drop the frame"
            )
        positions.setflags(write=False)
        object.__setattr__(self, "positions", positions)
        if self.times is not None:
            object.__setattr__(self, "times", _uneven(self.name, self.times, len(positions)))

    @property
    def frames(self) -> int:
        return len(self.positions)

    @property
    def farthest(self) -> float:
        """The largest coordinate, whatever its sign."""
        return float(max(self.positions.max(), -self.positions.min()))

    @cached_property
    def digest(self) -> str:
        """A hash of coordinates and times alone: equal for repeated recordings."""
        return fingerprint((self.positions, self.times), 16)


def _uneven(name: str, times: np.ndarray, frames: int) -> np.ndarray | None:
    """Times as they are kept: float64, or None where the frames follow one another evenly."""
    times = np.array(times, dtype=np.float64)
    if times.shape != (frames,):
        raise BadInput(f"{name}: times must be one a frame, ({frames},), not {times.shape}")
    steps = np.diff(times)
    if not np.isfinite(steps).all():
        frame = int(np.argmin(np.isfinite(steps))) + 1
        raise BadInput(f"{name}: the time of frame {frame + 1} is {times[frame]}; mend it")
    back = np.flatnonzero(steps <= 0)
    if len(back):
        before, after = times[back[0]], times[back[0] + 1]
        raise BadInput(
            f"{name}: frame {after:g} follows frame {before:g}; frame numbers must grow: sort the "
            "frames and remove repeated ones"
        )
    if np.ptp(steps) == 0:
        return None
    times.setflags(write=False)
    return times


def absent(positions: np.ndarray, bodies: int) -> np.ndarray:
    """(frames, bodies): whether all joints of a body are in one and the same point, where no body can
    be: zeros, or whatever else a sensor writes for one that it does not see. A body of a single joint
    never is."""
    one = positions.reshape(len(positions), bodies, -1, 3)
    return np.asarray((one == one[:, :, :1]).all(axis=(2, 3)) & (one.shape[2] > 1))


@dataclass(frozen=True)
class Fold:
    """One way to divide a data set: indices of the sequences to train on, to test on, and to validate
    on, where the recordings come with a validation part of their own."""

    name: str
    train: tuple[int, ...]
    test: tuple[int, ...]
    validation: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        one_line(self.name, "a fold's name")
        sides = {"train": self.train, "test": self.test, "validation": self.validation}
        for one, other in itertools.combinations(sides, 2):
            if both := set(sides[one]) & set(sides[other]):
                raise BadInput(
                    f"fold {self.name}: {len(both)} sequences are in both {one} and {other}"
                )


@dataclass(frozen=True, eq=False)
class Dataset:
    """Recordings of one skeleton, their classes and the splits they are evaluated by.

    notes  what a reader of the files should know: what was left out and why
    kind   what the names of its runs begin with, wherever its files lie and whatever they are called:
           "sbu", "fpha", "synthetic", or "own"

    Errors: BadInput for a name that is not one printable line, or naming every other broken rule.
    """

    name: str
    skeleton: Skeleton
    classes: tuple[str, ...]
    sequences: tuple[Sequence, ...]
    folds: tuple[Fold, ...]
    notes: tuple[str, ...] = field(default=())
    kind: str = "own"

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
                if any(not 0 <= i < count for i in (*indices, *fold.validation)):
                    problems.append(f"fold {fold.name} names a sequence outside 0..{count - 1}")
                if any(0 <= i < count and self.sequences[i].label is None for i in indices):
                    problems.append(f"fold {fold.name} has sequences without a label in {side}")
        if problems:
            raise BadInput(f"data set {self.name!r}: {listed(problems)}")

    def fold(self, name: str) -> Fold:
        """The fold of that name; `none` has every labelled sequence to train on and nothing to test on.

        Errors: BadInput with the names there are.
        """
        for fold in self.folds:
            if fold.name == name:
                return fold
        if name == EVERYBODY:
            return Fold(
                name, tuple(i for i, s in enumerate(self.sequences) if s.label is not None), ()
            )
        if not self.folds:
            raise BadInput(
                f"data set {self.name!r} has no split, so there is no fold {name!r}: give its sequences "
                "`split` (train or test), or `group` with at least 5 groups of labelled sequences; or "
                f"train on all of them with fold {EVERYBODY}, without measuring accuracy"
            )
        names = several(f.name for f in self.folds)
        raise BadInput(f"data set {self.name!r} has no fold {name!r}; it has {names}, or use all")

    def subset(self, indices: Seq[int]) -> tuple[Sequence, ...]:
        return tuple(self.sequences[i] for i in indices)

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that a result depends on: every field of the skeleton and of each sequence, in
        their order, classes and folds. Not of `CALLED`, which only say where the recordings came from."""
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in CALLED}
        return fingerprint(("recordings", 2, values), 16)


CALLED = ("name", "notes", "kind")
"""Fields of a data set that no result depends on; a new one is hashed until it is named here."""
