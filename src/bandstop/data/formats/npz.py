"""One file of numpy arrays, for a user's own recordings; nothing in it is ever unpickled.

positions  (all frames, nodes, 3)  the sequences one after the other, in the skeleton's unit
lengths    (sequences,)            frames of each; they add up to the first axis of `positions`
labels     (sequences,)            class names; or indices into `classes`; "" or -1: not known
classes    (classes,)              names in the order of the labels; optional where labels are names
names      (sequences,)            optional, unique; "1", "2", … without it
groups     (sequences,)            optional: who was recorded
split      (sequences,)            optional: train and test, or the name of the fold that tests it
times      (all frames,)           optional: when each frame was taken, such as its number
skeleton   text                    name of a known layout, such as "sbu" or "hand21"; or else
skeleton_json  text                `json.dumps(skeleton.to_dict())`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

from bandstop.data.folds import add_folds, split_of
from bandstop.data.formats.arrays import read_npz
from bandstop.data.scan import Scan
from bandstop.data.sequence import Dataset, Sequence
from bandstop.data.shape import fault as shape_fault
from bandstop.errors import BadInput, listed, nearest, several, short
from bandstop.files import beside
from bandstop.read import KINDS, parse_json
from bandstop.skeleton import LAYOUTS, Skeleton
from bandstop.text import LONGEST, shown

REQUIRED = ("positions", "lengths", "labels")
OPTIONAL = ("classes", "names", "groups", "split", "times", "skeleton", "skeleton_json")


def skeleton_from(text: str) -> Skeleton:
    """A skeleton from the name of a known layout, or from JSON. Errors: BadInput."""
    plain = text.strip()
    if plain[:1] in ("{", '"', "["):
        value = parse_json(plain, "the skeleton", KINDS["skeleton"].remedy)
        if not isinstance(value, str):
            return Skeleton.from_dict(value)
        plain = value
    if plain not in LAYOUTS:
        raise BadInput(
            f"unknown skeleton {short(plain)}{nearest(plain, LAYOUTS)}; name one of "
            f"{', '.join(LAYOUTS)}, or describe your own as JSON with name, joints, bones and mirror"
        )
    return LAYOUTS[plain]


def _texts(array: np.ndarray) -> list[str]:
    return [str(v) for v in array]


def _problems(arrays: dict[str, np.ndarray]) -> list[str]:
    """What is wrong with the file as a whole: keys, shapes, kinds, whether they fit together."""
    problems = [f"array {key!r} is missing; add it" for key in REQUIRED if key not in arrays]
    known = (*REQUIRED, *OPTIONAL)
    problems += [
        f"unknown array {short(key)}{nearest(key, known)}; there may be {', '.join(known)}"
        for key in arrays
        if key not in known
    ]
    if "skeleton" not in arrays and "skeleton_json" not in arrays:
        problems.append("array 'skeleton' is missing; add skeleton='sbu' or skeleton_json=…")
    for key, array in arrays.items():
        kinds = {"positions": "fiu", "times": "fiu", "lengths": "iu"}.get(key, "iuU")
        if key in known and array.dtype.kind not in kinds:
            wanted = {"fiu": "numbers", "iu": "whole numbers"}.get(kinds, "text or whole numbers")
            problems.append(f"array {key!r} must hold {wanted}, not {array.dtype}; convert it")
        elif key in ("skeleton", "skeleton_json") and array.size != 1:
            problems.append(f"{key} must be one text, not of shape {array.shape}; write one")
        elif key in known[1:8] and array.ndim != 1:
            problems.append(f"{key} must be a list, one entry each, not {array.shape}; flatten it")
    return problems


def _unfitting(arrays: dict[str, np.ndarray]) -> list[str]:
    """What does not fit together in arrays that are each as they must be."""
    problems = []
    count, total = len(arrays["lengths"]), sum(arrays["lengths"].tolist())  # never overflows
    for key in ("labels", "names", "groups", "split"):
        if key in arrays and len(arrays[key]) != count:
            problems.append(
                f"lengths has {count} sequences and {key} {len(arrays[key])}; give one entry each"
            )
    if "times" in arrays and len(arrays["times"]) != len(arrays["positions"]):
        problems.append(
            f"times has {len(arrays['times'])} entries and positions {len(arrays['positions'])} frames; "
            "give one entry each"
        )
    if count == 0:
        problems.append("lengths is empty: there are no sequences; add some")
    elif int(arrays["lengths"].min()) < 0:
        index = int(arrays["lengths"].argmin())
        problems.append(
            f"lengths[{index}] is {arrays['lengths'][index]}; frames cannot be negative"
        )
    elif total != len(arrays["positions"]):
        problems.append(
            f"lengths add up to {total} frames and positions has {len(arrays['positions'])}; "
            "the file may be cut short: write it again"
        )
    if "classes" not in arrays and arrays["labels"].dtype.kind != "U":
        problems.append("labels are indices, so array 'classes' must name them; add it")
    return problems


def _label(value: str | int, classes: Mapping[str, int]) -> int | None:
    """A label as an index, None where not known. Errors: BadInput for an unknown class."""
    if isinstance(value, str):
        if value and value not in classes:
            raise BadInput(
                f"unknown class {short(value)}{nearest(value, classes)}; "
                f"classes are {several(classes)}"
            )
        return classes[value] if value else None
    if not -1 <= value < len(classes):
        raise BadInput(
            f"label {value} is outside 0..{len(classes) - 1}, the classes (-1: not known); mend it"
        )
    return None if value == -1 else value


def scan(path: Path) -> Scan:
    """The recordings in `path`. Errors: BadInput where the file as a whole cannot be used."""
    arrays = read_npz(path)
    problems = _problems(arrays)
    if problems:
        raise BadInput(f"{path}: {listed(problems)}")
    labels = arrays["labels"].tolist()
    classes = _texts(arrays["classes"]) if "classes" in arrays else sorted({*labels} - {""})
    try:
        key = "skeleton_json" if "skeleton_json" in arrays else "skeleton"
        skeleton = skeleton_from(_texts(arrays[key].reshape(-1))[0])
    except BadInput as error:
        raise BadInput(f"{path}, {key}: {error}") from error
    if wrong := shape_fault(arrays["positions"], "positions", skeleton):
        raise BadInput(f"{path}: {wrong}")
    if problems := _unfitting(arrays):
        raise BadInput(f"{path}: {listed(problems)}")
    found = Scan(shown(path.stem)[:LONGEST], skeleton, tuple(classes))
    lengths, index_of = arrays["lengths"].tolist(), {c: i for i, c in enumerate(classes)}
    names, groups, sides = (_texts(arrays[k]) if k in arrays else None for k in OPTIONAL[1:4])
    split: list[str] | None = None if sides is None else []
    for i, (end, length) in enumerate(zip(accumulate(lengths), lengths, strict=True)):
        name, group = names[i] if names else str(i + 1), groups[i] if groups else ""
        try:
            label = _label(labels[i], index_of)
            frames = slice(end - length, end)
            times = arrays["times"][frames] if "times" in arrays else None
            found.sequences.append(Sequence(name, arrays["positions"][frames], label, group, times))
        except BadInput as error:
            found.refuse(error, f"{path}, sequence {i} (from 0)")
            continue
        if split is not None and sides is not None:
            split.append(sides[i])
    add_folds(found, split)
    return found


def write_npz(data: Dataset, path: str | Path) -> None:
    """`data` as such a file, written beside and renamed; loading it gives an equal data set back.

    Errors: BadInput for folds that cannot be written as `split`, Failure where the disk refuses.
    """
    arrays: dict[str, Any] = {
        "positions": np.concatenate([s.positions for s in data.sequences]),
        "lengths": np.array([s.frames for s in data.sequences]),
        "labels": np.array([-1 if s.label is None else s.label for s in data.sequences]),
        "classes": np.array(data.classes, dtype=str),
        "names": np.array([s.name for s in data.sequences], dtype=str),
        "groups": np.array([s.group for s in data.sequences], dtype=str),
        "split": np.array(split_of(data), dtype=str),
        "skeleton_json": np.array(json.dumps(data.skeleton.to_dict())),
    }
    if any(s.times is not None for s in data.sequences):
        arrays["times"] = np.concatenate(
            [np.arange(s.frames) if s.times is None else s.times for s in data.sequences]
        )
    with beside(Path(path)) as part, part.open("wb") as file:
        np.savez(file, **arrays)
