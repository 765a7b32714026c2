"""One recording from one file, for a model that knows its skeleton; the content decides how.

An SBU `skeleton_pos.txt` (91 fields between commas), an FPHA `skeleton.txt` (64 fields between
white space), a sequence file of our CSV folder (with its header), a .npy, or an
.npz of one sequence.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bandstop.data.formats import csv_folder, fpha, sbu
from bandstop.data.formats.arrays import NPY, ZIP, read_npy, read_npz
from bandstop.data.formats.dialect import EXCEL
from bandstop.data.formats.textfile import read_text
from bandstop.data.sequence import Sequence
from bandstop.data.shape import fault as shape_fault
from bandstop.errors import BadInput, several
from bandstop.read import opened
from bandstop.skeleton import Skeleton
from bandstop.skeleton.layouts import HAND21, SBU
from bandstop.text import shown


def read_one(path: Path, skeleton: Skeleton) -> Sequence:
    """The recording in `path` on the nodes of `skeleton`; its name is the path, its label unknown.

    Errors: BadInput for an unknown content, another skeleton's recording, NaN, fewer than 2 frames.
    """
    name = shown(path.as_posix())
    with opened(path, "arrays") as (file, _):
        start = file.read(len(NPY))
    if start == NPY or start.startswith(ZIP):
        positions, times = (read_npy(path), None) if start == NPY else _npz(path)
        if wrong := shape_fault(positions, "positions", skeleton):
            raise BadInput(f"{path}: {wrong}")
        if positions.dtype.kind not in "fiu":
            raise BadInput(
                f"{path}: positions must be numbers, not {positions.dtype}; convert them"
            )
        return Sequence(name, positions, times=times)
    first = next((line for line in read_text(path).split("\n") if line.strip()), "")
    if not first:
        raise BadInput(f"{path} is empty; record or copy it again")
    if "frame" in first.lower() or EXCEL.fullmatch(first.strip()):
        return csv_folder.read_sequence(path, skeleton, name)
    if len(first.split(",")) == 1 + 3 * SBU.nodes:
        _fits(path, "SBU", SBU, skeleton)
        return sbu.read_sequence(path, name)
    if len(first.split()) == 1 + 3 * HAND21.nodes:
        _fits(path, "FPHA", HAND21, skeleton)
        return fpha.read_sequence(path, name)
    raise BadInput(
        f"{path}: the first line is neither a header `frame,…` nor a frame of SBU (91 fields "
        f"between commas, here {len(first.split(','))}) or FPHA (64 between blanks, here "
        f"{len(first.split())}); give one of these, a .npy or an .npz"
    )


def _fits(path: Path, kind: str, theirs: Skeleton, ours: Skeleton) -> None:
    if (theirs.joints, theirs.bodies) != (ours.joints, ours.bodies):
        raise BadInput(
            f"{path} is a recording of {kind} (skeleton {theirs.name!r}, {theirs.nodes} nodes) and "
            f"the model knows skeleton {ours.name!r} ({ours.nodes} nodes); give a fitting recording"
        )


def _npz(path: Path) -> tuple[np.ndarray, np.ndarray | None]:
    arrays = read_npz(path)
    if "lengths" in arrays and arrays["lengths"].size > 1:
        raise BadInput(
            f"{path} holds {arrays['lengths'].size} sequences and one is wanted; save one alone"
        )
    if "positions" in arrays:
        return arrays["positions"], arrays.get("times")
    if len(arrays) == 1:
        return next(iter(arrays.values())), None
    raise BadInput(
        f"{path} holds the arrays {several(arrays) or 'none'}; name the recording 'positions'"
    )
