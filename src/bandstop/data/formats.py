"""The formats there are, as one table, and `load`, which reads any of them.

A data set is named by `FORMAT:PATH`, such as `sbu:recordings/SBU`; `synthetic` needs no path.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bandstop.data import sbu
from bandstop.data.scan import Scan
from bandstop.data.sequence import Dataset
from bandstop.errors import BadInput
from bandstop.numerics import nearest


@dataclass(frozen=True)
class Format:
    """A row of the table: how to scan it, and what its path is (None: it has none)."""

    scan: Callable[[Path], Scan]
    path: str | None
    words: str


FORMATS: dict[str, Format] = {
    "sbu": Format(sbu.scan, "folder", "SBU Kinect Interaction, released layout"),
}


def parse(spec: str) -> tuple[str, str]:
    """`sbu:some/folder` -> ("sbu", "some/folder"). Errors: BadInput with the nearest valid name."""
    kind, _, path = spec.partition(":")
    if kind not in FORMATS:
        raise BadInput(
            f"unknown data format {kind!r}{nearest(kind, FORMATS)}; "
            f"write FORMAT:PATH with FORMAT one of {', '.join(FORMATS)}"
        )
    wants = FORMATS[kind].path
    if wants and not path:
        raise BadInput(f"data {spec!r} lacks its {wants}; write {kind}:PATH")
    return kind, path


def scan(spec: str) -> Scan:
    """Read what `spec` names and keep the problems beside the recordings (for the doctor)."""
    kind, path = parse(spec)
    return FORMATS[kind].scan(Path(path))


def load(kind: str, path: str | Path = "") -> Dataset:
    """The data set that `kind` and `path` name: `load("sbu", "recordings/SBU")`, `load("synthetic")`.

    `kind` may also hold both, as on the command line: `load("sbu:recordings/SBU")`.
    Errors: BadInput naming every file that cannot be used.
    """
    return scan(f"{kind}:{path}" if str(path) else kind).dataset()
