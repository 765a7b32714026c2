"""FPHA, first-person hand action, in its released layout: two things side by side in one folder.

`Hand_pose_annotation_v1/Subject_<1..6>/<action>/<take>/skeleton.txt`: a line is a frame, its
number and 21 joints x (x, y, z) in mm, separated by white space: 64 fields.
`data_split_action_recognition.txt`: `Training 600` and that many lines `Subject_1/action/take
label`, then `Test 575` and as many. Its terms forbid redistribution: ask its authors for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from bandstop.data.formats.textfile import read_frames, read_text
from bandstop.data.scan import Scan, existing_folder
from bandstop.data.sequence import Fold, Sequence
from bandstop.errors import BadInput
from bandstop.skeleton.layouts import HAND21

POSES, SPLIT, FILE = (
    "Hand_pose_annotation_v1",
    "data_split_action_recognition.txt",
    "skeleton.txt",
)
PARTS = ("Training", "Test")
HEADER = re.compile(r"\s*(Training|Test)\s+([0-9]{1,9})\s*")
ENTRY = re.compile(r"\s*(Subject_[0-9]+(?:/(?!\.\.?[/\s])[^/\s]{1,200}){2})\s+([0-9]{1,9})\s*")
"""A line of the official list; no part of its path is `.` or `..`."""
REMEDY = f"give the folder that holds {POSES} and {SPLIT}"


@dataclass(frozen=True)
class Take:
    """A line of the official list: `Subject_1/open_juice_bottle/1 0` in the part "Training"."""

    line: int
    part: str
    name: str
    label: int

    @property
    def action(self) -> str:
        return self.name.split("/")[1]


def read_sequence(path: Path, name: str, label: int | None = None) -> Sequence:
    """One `skeleton.txt`. Errors: BadInput with file, line, field and value."""
    values = read_frames(path, fields=1 + HAND21.nodes * 3, separator=None)
    positions = values[:, 1:].reshape(len(values), HAND21.nodes, 3)
    return Sequence(name, positions, label, times=values[:, 0])


def read_split(path: Path) -> tuple[list[Take], list[str]]:
    """The takes of the official list, in its order, and what is wrong with it."""
    takes: list[Take] = []
    problems: list[str] = []
    promised: dict[str, int] = {}
    part = ""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        header, entry = HEADER.fullmatch(line), ENTRY.fullmatch(line)
        if header:
            part = header[1]
            if part in promised:
                problems.append(
                    f"{path}, line {number}: a second header {part!r}; keep one of each"
                )
            promised[part] = int(header[2])
        elif entry and part:
            takes.append(Take(number, part, entry[1], int(entry[2])))
        elif line.strip():
            problems.append(
                f"{path}, line {number}: {line.strip()[:60]!r} is neither `Training 600` nor "
                "`Test 575` nor, below one of them, `Subject_1/action/take label`; mend or remove it"
            )
    for name in PARTS:
        held = sum(t.part == name for t in takes)
        if name not in promised:
            problems.append(f"{path}: it lacks the header {name!r}; copy the file again")
        elif held != promised[name]:
            problems.append(
                f"{path}: its header promises {promised[name]} sequences under {name!r} and "
                f"{held} lines follow; copy the file again"
            )
    return takes, problems + _inconsistent(path, takes)


def _inconsistent(path: Path, takes: list[Take]) -> list[str]:
    """Takes named twice, and labels that do not stand for exactly one action, 0, 1, 2, …"""
    problems: list[str] = []
    first: dict[str, Take] = {}
    action_of: dict[int, Take] = {}
    label_of: dict[str, Take] = {}
    for take in takes:
        before = first.setdefault(take.name, take)
        if before is not take:
            problems.append(
                f"{path}, line {take.line}: {take.name} is named twice ({before.part} in line "
                f"{before.line}, {take.part} here); remove one of the lines"
            )
        other = action_of.setdefault(take.label, take)
        if other.action != take.action:
            problems.append(
                f"{path}, line {take.line}: label {take.label} stands for {take.action!r} here and "
                f"for {other.action!r} in line {other.line}; a label must name one action"
            )
        other = label_of.setdefault(take.action, take)
        if other.label != take.label:
            problems.append(
                f"{path}, line {take.line}: {take.action!r} has label {take.label} here and "
                f"{other.label} in line {other.line}; an action must have one label"
            )
    missing = next(label for label in count() if label not in action_of)
    if missing < len(action_of):
        problems.append(
            f"{path}: the list names {len(action_of)} actions, so labels must run from 0 to "
            f"{len(action_of) - 1}, and {missing} is missing; copy the file again"
        )
    return problems


def scan(root: Path) -> Scan:
    """Every take that the official list names, with its one fold "1": 600 train, 575 test.

    `group` stays empty: the official split has the same subjects on both sides.
    """
    existing_folder(root, REMEDY)
    poses = root if root.name == POSES else root / POSES
    split = next((f for f in (root / SPLIT, poses.parent / SPLIT) if f.exists()), None)
    if not poses.is_dir() or split is None:
        lacking = SPLIT if poses.is_dir() else POSES
        raise BadInput(f"{root} does not hold {lacking}; {REMEDY}")
    takes, problems = read_split(split)
    action_of = {t.label: t.action for t in reversed(takes)}
    found = Scan(
        "fpha",
        HAND21,
        tuple(action_of[k] for k in sorted(action_of)),
        problems=problems,
        kind="fpha",
    )
    index_of = {label: index for index, label in enumerate(sorted(action_of))}
    sides: dict[str, list[int]] = {part: [] for part in PARTS}
    for take in {t.name: t for t in takes}.values():
        path = poses / take.name / FILE
        if not path.exists():
            found.problems.append(
                f"{path} is missing, but {split.name}, line {take.line} names it; copy it again"
            )
            continue
        try:
            sequence = read_sequence(path, take.name, index_of[take.label])
        except BadInput as error:
            found.refuse(error)
            continue
        sides[take.part].append(len(found.sequences))
        found.sequences.append(sequence)
    if all(sides.values()):
        found.folds = (Fold("1", tuple(sides["Training"]), tuple(sides["Test"])),)
    on_disk = {p.parent.relative_to(poses).as_posix() for p in poses.glob(f"*/*/*/{FILE}")}
    extra = sorted(on_disk - {t.name for t in takes})
    if extra:
        found.notes.append(
            f"{len(extra)} takes on disk are left out, because {split.name} does not name them: "
            + ", ".join(extra[:5])
            + (", …" if len(extra) > 5 else "")
        )
    return found
