"""Frames out of a text file, one a line; every complaint names file, line, field and value."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bandstop.errors import BadInput


def read_text(path: Path) -> str:
    """The whole file, UTF-8. Errors: BadInput for one that is missing, a folder, or not text."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise BadInput(f"{path} does not exist") from error
    except IsADirectoryError as error:
        raise BadInput(f"{path} is a folder; a text file is wanted") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path} is not a text file (byte {error.start} is not UTF-8)") from error
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}") from error


def read_frames(path: Path, fields: int, separator: str | None, skip: int = 0) -> np.ndarray:
    """float64 (frames, fields): the lines of `path` split at `separator` (None: white space).

    Empty lines are passed over; `skip` lines at the top (a header) are not read.
    Errors: BadInput for a file that is missing, empty or not text, a wrong number of fields, a
    field that is not a number, NaN or infinity.
    """
    text = read_text(path)
    numbers, rows = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if number > skip and line.strip():
            parts = line.strip().split(separator)
            if len(parts) != fields:
                raise BadInput(
                    f"{path}, line {number}: a frame has {fields} fields and this line has "
                    f"{len(parts)}; the file may be cut short: mend or remove the line"
                )
            numbers.append(number)
            rows.append(parts)
    if not rows:
        raise BadInput(f"{path} holds no frames; remove it or copy it again")
    try:
        values = np.array(rows, dtype=np.float64)
    except ValueError:
        number, index, value = next(
            (n, i + 1, v)
            for n, row in zip(numbers, rows, strict=True)
            for i, v in enumerate(row)
            if not _is_number(v)
        )
        raise BadInput(
            f"{path}, line {number}, field {index}: {value!r} is not a number; "
            "mend or remove the line"
        ) from None
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        raise BadInput(
            f"{path}, line {numbers[row]}, field {column + 1}: {rows[row][column]!r} is not "
            "finite; coordinates must be numbers: mend or remove the line"
        )
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
