"""SBU Kinect Interaction in its released layout: `<pair>/<class>/<take>/skeleton_pos.txt`.

A line is a frame: its number, then 2 persons x 15 joints x (x, y, z), comma separated: 91 fields.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bandstop.data.formats.textfile import read_frames
from bandstop.data.protocols import SBU_FOLDS, folds_by_group
from bandstop.data.scan import Scan, existing_folder
from bandstop.data.sequence import Sequence
from bandstop.errors import BadInput
from bandstop.skeleton.layouts import SBU

CLASSES = (
    "approaching",
    "departing",
    "kicking",
    "pushing",
    "shaking hands",
    "hugging",
    "exchanging object",
    "punching",
)
"""Class folders 01 to 08, in this order."""

FILE = "skeleton_pos.txt"


def to_millimetres(normalised: np.ndarray) -> np.ndarray:
    """X = 2560 x - 1280, Y = 960 - 1920 y (up is positive), Z = 10000 z / 7.8125; (..., 3) in and out."""
    scale = np.array([2560.0, -1920.0, 10000.0 / 7.8125])
    return normalised * scale + np.array([-1280.0, 960.0, 0.0])


def read_sequence(path: Path, name: str, label: int | None = None, group: str = "") -> Sequence:
    """One `skeleton_pos.txt`. Errors: BadInput with file, line, field and value."""
    values = read_frames(path, fields=1 + SBU.nodes * 3, separator=",")
    positions = to_millimetres(values[:, 1:].reshape(len(values), SBU.nodes, 3))
    return Sequence(name, positions, label, group, values[:, 0])


def scan(root: Path) -> Scan:
    """Every take under `root`, with the five official folds by participant pair."""
    existing_folder(root, "give the folder that holds s01s02, s01s03, …")
    found = Scan("sbu", SBU, CLASSES, kind="sbu")
    known_pairs = {pair for pairs in SBU_FOLDS.values() for pair in pairs}
    for path in sorted(root.glob(f"*/*/*/{FILE}")):
        pair, number, take = path.relative_to(root).parts[:3]
        if pair not in known_pairs:
            found.problems.append(
                f"{path}: unknown participant pair {pair!r}; the protocol knows "
                f"{min(known_pairs)} … {max(known_pairs)}: rename or remove the folder"
            )
        elif not re.fullmatch("0[1-8]", number):
            found.problems.append(
                f"{path}: unknown class folder {number!r}; classes are 01 to 08: rename or remove it"
            )
        else:
            try:
                found.sequences.append(
                    read_sequence(path, f"{pair}/{number}/{take}", int(number) - 1, pair)
                )
            except BadInput as error:
                found.refuse(error)
    if not found.sequences and not found.problems:
        raise BadInput(
            f"{root} holds no <pair>/<class>/<take>/{FILE}; give the folder that holds s01s02, s01s03, …"
        )
    found.notes += [
        f"left out: {take.relative_to(root)} holds no {FILE}"
        for take in sorted(root.glob("s*/0[1-8]/*"))
        if take.is_dir() and not (take / FILE).exists()
    ]
    found.folds = folds_by_group(found.sequences, SBU_FOLDS)
    return found
