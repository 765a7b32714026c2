"""A folder of CSV files, for a user's own recordings; a spreadsheet can write all of it.

index.csv      header `file,label,group,split` (group, split and `name` are optional columns), then
               a line a sequence: its file in the folder, the class name (empty: not known), who was
               recorded, and train or test or the name of the fold that tests it
skeleton.json  the name of a known layout, as `"sbu"`; or the fields of a skeleton
classes.txt    optional: class names in order, one a line; else the labels in alphabetical order
<file>         header `frame,<node>.x,<node>.y,<node>.z,…` for all nodes, columns in any order, then
               a line a frame: its number, which grows, and the coordinates in the skeleton's unit
"""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path, PurePosixPath

import numpy as np

from bandstop.data.folds import add_folds, split_of
from bandstop.data.formats.npz import skeleton_from
from bandstop.data.formats.textfile import read_frames, read_text
from bandstop.data.scan import Scan, existing_folder
from bandstop.data.sequence import Dataset, Sequence
from bandstop.errors import BadInput, listed, nearest
from bandstop.files import beside
from bandstop.skeleton import Skeleton

INDEX, SKELETON, CLASSES = "index.csv", "skeleton.json", "classes.txt"
COLUMNS = ("file", "label", "group", "split", "name")


def header_of(skeleton: Skeleton) -> list[str]:
    """The header of a sequence file: frame, then three columns a node."""
    return ["frame", *(f"{node}.{axis}" for node in skeleton.node_names for axis in "xyz")]


def read_sequence(
    path: Path, skeleton: Skeleton, name: str, label: int | None = None, group: str = ""
) -> Sequence:
    """One sequence file. Errors: BadInput with file, line, column and value."""
    wanted = header_of(skeleton)
    lines = read_text(path).splitlines()
    header = [c.strip() for c in next(csv.reader(lines[:1]), [])]
    if set(header) != set(wanted) or len(header) != len(wanted):
        raise BadInput(f"{path}, line 1: {_header_fault(header, wanted)}")
    values = read_frames(path, fields=len(wanted), separator=",", skip=1)
    values = values[:, [header.index(column) for column in wanted]]
    back = np.flatnonzero(np.diff(values[:, 0]) <= 0)
    if len(back):
        before, after = values[back[0], 0], values[back[0] + 1, 0]
        raise BadInput(
            f"{path}: frame {after:g} follows frame {before:g}; frame numbers must grow: sort the "
            "lines and remove repeated ones"
        )
    return Sequence(name, values[:, 1:].reshape(len(values), skeleton.nodes, 3), label, group)


def _header_fault(header: list[str], wanted: list[str]) -> str:
    """Why a header is not the wanted one, as the end of an error."""
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        return "the columns must be separated by commas; export the file as CSV with commas"
    missing = [c for c in wanted if c not in header]
    unknown = [c for c in header if c not in wanted]
    if missing:
        hint = f" (unknown: {', '.join(map(repr, unknown[:3]))})" if unknown else ""
        return (
            f"the header must name frame, then x, y and z of every node; {len(missing)} columns "
            f"are missing, the first is {missing[0]!r}{hint}; add or rename it"
        )
    if unknown:
        return f"unknown column {unknown[0]!r}{nearest(unknown[0], wanted)}; remove or rename it"
    twice = next(c for c in header if header.count(c) > 1)
    return f"column {twice!r} appears twice; remove one"


def read_index(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line number, column -> text) for every sequence. Errors: BadInput for a wrong header."""
    reader = csv.reader(io.StringIO(read_text(path)))
    header = [c.strip() for c in next(reader, [])]
    problems = [
        f"unknown column {c!r}{nearest(c, COLUMNS)}; columns are {', '.join(COLUMNS)}"
        for c in header
        if c not in COLUMNS
    ]
    problems += [f"column {c!r} is missing; add it" for c in COLUMNS[:2] if c not in header]
    problems += [f"column {c!r} appears twice; remove one" for c in header if header.count(c) > 1]
    if problems:
        raise BadInput(f"{path}, line 1: {listed(problems)}")
    rows = []
    for row in reader:
        if any(field.strip() for field in row):
            padded = [*row, *[""] * (len(header) - len(row))]
            if len(padded) > len(header):
                raise BadInput(
                    f"{path}, line {reader.line_num}: {len(row)} fields, but the header has "
                    f"{len(header)}; put a field that holds a comma in double quotes"
                )
            fields = (field.strip() for field in padded)
            rows.append((reader.line_num, dict(zip(header, fields, strict=True))))
    return rows


def _skeleton(path: Path) -> Skeleton:
    text = read_text(path).strip()
    try:
        return skeleton_from(text.strip('"'))
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def scan(root: Path) -> Scan:
    """Every sequence that `index.csv` names. Errors: BadInput for an unusable index or skeleton."""
    remedy = f"give the folder that holds {INDEX} and {SKELETON}"
    existing_folder(root, remedy)
    for file in (INDEX, SKELETON):
        if not (root / file).exists():
            raise BadInput(f"{root} does not hold {file}; {remedy}")
    rows = read_index(root / INDEX)
    if not rows:
        raise BadInput(f"{root / INDEX} names no sequences; add a line for each: file,label")
    if (root / CLASSES).exists():
        lines = (line.strip() for line in read_text(root / CLASSES).splitlines())
        classes = tuple(line for line in lines if line)
    else:
        classes = tuple(sorted({row["label"] for _, row in rows} - {""}))
    found = Scan(root.resolve().name, _skeleton(root / SKELETON), classes)
    split: list[str] | None = [] if "split" in rows[0][1] else None
    for line, row in rows:
        try:
            found.sequences.append(_sequence(root, row, found))
        except BadInput as error:
            found.problems.append(f"{root / INDEX}, line {line}: {error}")
            continue
        if split is not None:
            split.append(row["split"])
    named = {row["file"] for _, row in rows} | {INDEX}
    extra = sorted({p.relative_to(root).as_posix() for p in root.rglob("*.csv")} - named)
    if extra:
        found.notes.append(
            f"{len(extra)} CSV files are left out, because {INDEX} does not name them: "
            + ", ".join(extra[:5])
            + (", …" if len(extra) > 5 else "")
        )
    add_folds(found, split)
    return found


def _sequence(root: Path, row: dict[str, str], found: Scan) -> Sequence:
    file = PurePosixPath(row["file"])
    if not row["file"] or file.is_absolute() or ".." in file.parts:
        raise BadInput(f"file must be a path within the folder, not {row['file']!r}; mend it")
    if row["label"] and row["label"] not in found.classes:
        raise BadInput(
            f"unknown class {row['label']!r}{nearest(row['label'], found.classes)}; "
            f"{CLASSES} names {', '.join(found.classes)}"
        )
    label = found.classes.index(row["label"]) if row["label"] else None
    name = row.get("name") or file.with_suffix("").as_posix()
    return read_sequence(root / file, found.skeleton, name, label, row.get("group", ""))


def write_csv(data: Dataset, path: str | Path) -> None:
    """`data` as such a folder, which must be new or empty; loading it gives an equal data set back.

    Errors: BadInput for a folder in the way, for folds that cannot be written as a column, for
    class names that a text file cannot keep; Failure where the disk refuses.
    """
    split, header = split_of(data), io.StringIO()
    kept = [*data.classes, *(s.name for s in data.sequences), *(s.group for s in data.sequences)]
    for text in kept:
        if text != text.strip() or len(text.splitlines()) > 1:
            raise BadInput(f"{text!r} has blanks at an end or a line break; rename it for CSV")
    csv.writer(header, lineterminator="").writerow(header_of(data.skeleton))
    digits = len(str(len(data.sequences)))
    with beside(Path(path)) as part:
        part.mkdir()
        (part / SKELETON).write_text(json.dumps(data.skeleton.to_dict(), indent=1), "utf-8")
        (part / CLASSES).write_text("".join(f"{c}\n" for c in data.classes), "utf-8")
        with (part / INDEX).open("w", encoding="utf-8", newline="") as file:
            index = csv.writer(file, lineterminator="\n")
            index.writerow(COLUMNS)
            for i, s in enumerate(data.sequences):
                name = f"{i + 1:0{digits}}.csv"
                label = "" if s.label is None else data.classes[s.label]
                index.writerow([name, label, s.group, split[i], s.name])
                rows = np.column_stack(
                    [np.arange(1, s.frames + 1), s.positions.reshape(s.frames, -1)]
                )
                np.savetxt(
                    part / name, rows, fmt=["%d"] + ["%.9g"] * (rows.shape[1] - 1), delimiter=",",
                    header=header.getvalue(), comments="", encoding="utf-8",
                )  # fmt: skip
