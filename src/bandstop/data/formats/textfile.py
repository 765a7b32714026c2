"""Frames out of a text file, one a line; every complaint names file, line, field and value."""

from __future__ import annotations

import re
from collections.abc import Sequence as Seq
from pathlib import Path

import numpy as np

from bandstop import read
from bandstop.errors import BadInput, short

BLOCK = 1024
"""Lines that are taken apart at a time: as text a number takes ten times the memory."""
PLAIN = b"0123456789eE+-.,; \t"
"""What a line of numbers holds: of nothing else, Python reads a number as everybody does."""
NOT_FINITE = re.compile(r"[+-]?(nan|inf|infinity)", re.IGNORECASE)


def read_text(path: Path) -> str:
    """The whole file, UTF-8. Errors: BadInput for one that is missing, no file, or not text."""
    return read.read_text(path, "recording")


def read_frames(path: Path, fields: int, separator: str | None) -> np.ndarray:
    """float64 (frames, fields): the lines of `path` split at `separator` (None: white space).

    Errors: BadInput for a file that is missing, empty or not text, and as `frames_of`.
    """
    return frames_of(path, read_text(path).split("\n"), fields, separator)


def frames_of(
    path: Path, lines: Seq[str], fields: int, separator: str | None, skip: int = 0
) -> np.ndarray:
    """float64 (frames, fields), from the lines of the file `path`, each split at `separator`.

    Empty lines are passed over; `skip` lines at the top (a header) are not read.
    Errors: BadInput where there are none, for a wrong number of fields, a field that is not a number,
    NaN or infinity.
    """
    lines = [line.strip() for line in lines]
    kept = [n for n, line in enumerate(lines) if line and n >= skip]
    if not kept:
        raise BadInput(f"{path} holds no frames; remove it or copy it again")
    blocks = []
    for start in range(0, len(kept), BLOCK):
        block = kept[start : start + BLOCK]
        rows = [lines[n].split(separator) for n in block]
        for n, row in zip(block, rows, strict=True):
            if len(row) != fields:
                raise BadInput(
                    f"{path}, line {n + 1}: a frame has {fields} fields and this line has "
                    f"{len(row)}; the file may be cut short: mend or remove the line"
                )
        try:
            if "".join([lines[n] for n in block]).encode().translate(None, PLAIN):
                raise ValueError
            blocks.append(np.array(rows, dtype=np.float64))
        except ValueError:
            # looked at one by one only now: most files hold nothing but numbers
            raise _no_number(path, lines, block, rows) from None
    values = np.concatenate(blocks)
    if not np.isfinite(values).all():
        at, column = np.argwhere(~np.isfinite(values))[0]
        field = lines[kept[at]].split(separator)[column]
        raise _bad_field(path, kept[at], int(column), field, finite=False)
    return values


def _no_number(path: Path, lines: list[str], block: Seq[int], rows: list[list[str]]) -> BadInput:
    """What to say of the first field that is no number, or of a character between the fields."""
    for n, row in zip(block, rows, strict=True):
        for column, field in enumerate(row):
            try:
                read.number(field)
            except ValueError:
                finite = NOT_FINITE.fullmatch(field.strip()) is None
                return _bad_field(path, n, column, field, finite)
        if odd := lines[n].encode().translate(None, PLAIN).decode():
            return BadInput(
                f"{path}, line {n + 1}: {odd[0]!r} stands between the numbers; remove it"
            )
    raise AssertionError("a line of numbers was refused")


def _bad_field(path: Path, line: int, column: int, field: str, finite: bool) -> BadInput:
    where = f"{path}, line {line + 1}, field {column + 1}: {short(field)}"
    if finite:
        return BadInput(f"{where} is not a number; mend or remove the line")
    return BadInput(f"{where} is not finite; coordinates must be numbers: mend or remove the line")
