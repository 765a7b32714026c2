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
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from bandstop import read
from bandstop.data.folds import add_folds, split_of
from bandstop.data.formats.npz import skeleton_from
from bandstop.data.formats.textfile import read_frames, read_text
from bandstop.data.scan import Scan, existing_folder
from bandstop.data.sequence import Dataset, Sequence
from bandstop.errors import BadInput, listed, nearest, several, short
from bandstop.files import beside
from bandstop.skeleton import Skeleton
from bandstop.text import LONGEST, LONGEST_PATH, one_line, shown

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
    first = read_text(path).partition("\n")[0]
    header = [c.strip() for c in next(iter(_table(first, path)), (1, []))[1]]
    place = {column: n for n, column in enumerate(header)}
    if place.keys() != set(wanted) or len(header) != len(wanted):
        raise BadInput(f"{path}, line 1: {_header_fault(header, wanted)}")
    values = read_frames(path, fields=len(wanted), separator=",", skip=1)
    values = values[:, [place[column] for column in wanted]]
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
    held, known = Counter(header), set(wanted)
    missing = [c for c in wanted if c not in held]
    unknown = [c for c in header if c not in known]
    if missing:
        hint = f" (unknown: {', '.join(map(short, unknown[:3]))})" if unknown else ""
        return (
            f"the header must name frame, then x, y and z of every node; {len(missing)} columns "
            f"are missing, the first is {missing[0]!r}{hint}; add or rename it"
        )
    if unknown:
        return (
            f"unknown column {short(unknown[0])}{nearest(unknown[0], wanted)}; remove or rename it"
        )
    return f"column {held.most_common(1)[0][0]!r} appears twice; remove one"


def _table(text: str, path: Path) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields) of every row. Errors: BadInput for what is no CSV."""
    reader = csv.reader(io.StringIO(text))
    try:
        for row in reader:
            yield reader.line_num, row
    except csv.Error as error:
        raise BadInput(
            f"{path}, line {reader.line_num}: it is no CSV ({error}); export the file again"
        ) from error


def read_index(path: Path) -> list[tuple[int, dict[str, str]]]:
    """(line number, column -> text) for every sequence. Errors: BadInput for a wrong header."""
    table = _table(read.read_text(path, "index"), path)
    header = [c.strip() for c in next(table, (1, []))[1]]
    if len(header) > 100:
        raise BadInput(f"{path}, line 1: {len(header)} columns; columns are {', '.join(COLUMNS)}")
    problems = [
        f"unknown column {short(c)}{nearest(c, COLUMNS)}; columns are {', '.join(COLUMNS)}"
        for c in header
        if c not in COLUMNS
    ]
    problems += [f"column {c!r} is missing; add it" for c in COLUMNS[:2] if c not in header]
    twice = [c for c, times in Counter(header).items() if times > 1]
    problems += [f"column {short(c)} appears twice; remove one" for c in twice]
    if problems:
        raise BadInput(f"{path}, line 1: {listed(problems)}")
    rows = []
    for line, row in table:
        if any(field.strip() for field in row):
            padded = [*row, *[""] * (len(header) - len(row))]
            if len(padded) > len(header):
                raise BadInput(
                    f"{path}, line {line}: {len(row)} fields, but the header has "
                    f"{len(header)}; put a field that holds a comma in double quotes"
                )
            fields = (field.strip() for field in padded)
            rows.append((line, dict(zip(header, fields, strict=True))))
    return rows


def _skeleton(path: Path) -> Skeleton:
    text = read.read_text(path, "skeleton")
    try:
        return skeleton_from(text)
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
        lines = (line.strip() for line in read.read_text(root / CLASSES, "index").split("\n"))
        classes = tuple(line for line in lines if line)
    else:
        classes = tuple(sorted({row["label"] for _, row in rows} - {""}))
    found = Scan(shown(root.resolve().name)[:LONGEST] or "csv", _skeleton(root / SKELETON), classes)
    index_of = {name: index for index, name in enumerate(classes)}
    split: list[str] | None = [] if "split" in rows[0][1] else None
    first: dict[PurePosixPath, int] = {}
    for line, row in rows:
        if (before := first.setdefault(PurePosixPath(row["file"]), line)) != line:
            found.problems.append(
                f"{root / INDEX}, line {line}: line {before} names {short(row['file'])} already; "
                "remove one of them"
            )
            continue
        try:
            found.sequences.append(_sequence(root, row, found.skeleton, index_of))
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


def _sequence(
    root: Path, row: dict[str, str], skeleton: Skeleton, classes: Mapping[str, int]
) -> Sequence:
    file = PurePosixPath(one_line(row["file"], "file", LONGEST_PATH, empty=True))
    if not file.name or file.is_absolute() or ".." in file.parts:
        raise BadInput(f"file must be a path within the folder, not {short(row['file'])}; mend it")
    if row["label"] and row["label"] not in classes:
        raise BadInput(
            f"unknown class {short(row['label'])}{nearest(row['label'], classes)}; "
            f"{CLASSES} names {several(classes)}"
        )
    label = classes[row["label"]] if row["label"] else None
    name = row.get("name") or file.with_suffix("").as_posix()
    return read_sequence(root / file, skeleton, name, label, row.get("group", ""))


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
