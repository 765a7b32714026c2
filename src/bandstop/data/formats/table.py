"""The formats there are, as one table, and `load`, which reads any of them.

A data set is named by `FORMAT:PATH`, such as `sbu:recordings/SBU`; `synthetic` needs no path, but
may name a variant, as in `synthetic:gestures`.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as Seq
from dataclasses import dataclass
from pathlib import Path

from bandstop.data.drop import drop as leave_out
from bandstop.data.formats import csv_folder, fpha, npz, sbu
from bandstop.data.formats.detect import detect
from bandstop.data.scan import Scan
from bandstop.data.sequence import Dataset
from bandstop.data.synthetic import variants as synthetic
from bandstop.errors import BadInput, nearest


@dataclass(frozen=True)
class Format:
    """A row of the table.

    scan      how to read it
    path      what its path is; None where there is none
    words     what it is, for people
    variants  what may stand in the path's place where there is none
    """

    scan: Callable[[Path], Scan]
    path: str | None
    words: str
    variants: tuple[str, ...] = ()


FORMATS: dict[str, Format] = {
    "sbu": Format(sbu.scan, "folder", "SBU Kinect Interaction, released layout"),
    "fpha": Format(fpha.scan, "folder", "FPHA first-person hand action, released layout"),
    "npz": Format(npz.scan, "file", "one file of numpy arrays, see docs/data-formats.md"),
    "csv": Format(csv_folder.scan, "folder", "a folder of CSV files, see docs/data-formats.md"),
    "synthetic": Format(
        synthetic.scan, None, "made by a kinematic model, no file needed", tuple(synthetic.VARIANTS)
    ),
}


def parse(spec: str) -> tuple[str, str]:
    """`sbu:some/folder` -> ("sbu", "some/folder"); a bare path's format is found by looking into it.

    Errors: BadInput with the nearest valid name.
    """
    kind, _, path = spec.partition(":")
    if kind not in FORMATS and Path(spec).exists():
        return parse(detect(spec))
    if kind not in FORMATS:
        raise BadInput(
            f"unknown data format {kind!r}{nearest(kind, FORMATS)}; "
            f"write FORMAT:PATH with FORMAT one of {', '.join(FORMATS)}"
        )
    wants, variants = FORMATS[kind].path, FORMATS[kind].variants
    if wants and not path:
        raise BadInput(f"data {spec!r} lacks its {wants}; write {kind}:PATH")
    if wants is None and path and path not in variants:
        raise BadInput(
            f"data {spec!r}: {kind} has no variant {path!r}{nearest(path, variants)}; "
            f"write {kind} or {kind}:VARIANT with VARIANT one of {', '.join(variants)}"
        )
    return kind, path


def canonical(spec: str) -> str:
    """One spec for what has several: the format said, the path without detours.

    >>> canonical("npz:./my//walk.npz"), canonical("synthetic:gestures")
    ('npz:my/walk.npz', 'synthetic:gestures')
    """
    kind, path = parse(spec)
    return f"{kind}:{Path(path)}" if path else kind


def scan(spec: str) -> Scan:
    """Read what `spec` names and keep the problems beside the recordings (for the doctor)."""
    kind, path = parse(spec)
    return FORMATS[kind].scan(Path(path))


def load(kind: str, path: str | Path = "", drop: Seq[str] = ()) -> Dataset:
    """The data set that `kind` and `path` name: `load("sbu", "recordings/SBU")`.

    `kind` may also hold both, as on the command line: `load("sbu:recordings/SBU")`, or need no
    path, as in `load("synthetic")`. `drop` leaves out "lost" frames, "short" sequences, or both.
    Errors: BadInput naming every file that cannot be used.
    """
    return leave_out(scan(f"{kind}:{path}" if str(path) else kind), drop).dataset()
