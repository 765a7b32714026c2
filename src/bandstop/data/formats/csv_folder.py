"""A folder of CSV files, for a user's own recordings; a spreadsheet can write all of it.

index.csv      header `file,label,group,split` (group, split and `name` are optional columns), then
               a line a sequence: its file in the folder, the class name (empty: not known), who was
               recorded, and train or test or the name of the fold that tests it
skeleton.json  the name of a known layout, as `"sbu"`; or the fields of a skeleton
classes.txt    optional: class names in order, one a line; else the labels in alphabetical order
<file>         header `frame,<node>.x,<node>.y,<node>.z,…` for all nodes, columns in any order, then
               a line a frame: its number or time, which grows, and the coordinates in the skeleton's
               unit; where numbers are missing, frames count at their numbers

Semicolons, tabs, quotes and decimal commas are found out and said in a note (`dialect`).
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np

from bandstop import read
from bandstop.data.folds import add_folds, split_of
from bandstop.data.formats import dialect as dialects
from bandstop.data.formats.dialect import Dialect
from bandstop.data.formats.npz import skeleton_from
from bandstop.data.formats.textfile import frames_of, read_text
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
    return _read(path, skeleton, name, label, group)[0]


def _read(
    path: Path, skeleton: Skeleton, name: str, label: int | None, group: str
) -> tuple[Sequence, Dialect]:
    wanted = header_of(skeleton)
    lines = read_text(path).split("\n")
    dialect, header, begin = dialects.header_of(
        lines, path, lambda header: set(header) == set(wanted)
    )
    place = {column: n for n, column in enumerate(header)}
    if place.keys() != set(wanted) or len(header) != len(wanted):
        raise BadInput(f"{path}, line {begin}: {_header_fault(header, wanted)}")
    plain, dialect = dialects.plain_lines(lines, dialect, begin, path)
    first = next((line for line in plain[begin:] if line.strip()), "")
    if first.count(",") >= 2 * len(wanted) - 2:
        raise BadInput(
            f"{path} has about twice as many fields in a line as in its header, as numbers with "
            "decimal commas have between commas; write decimal points, or separate by semicolons"
        )
    values = frames_of(path, plain, fields=len(wanted), separator=",", skip=begin)
    values = values[:, [place[column] for column in wanted]]
    positions = values[:, 1:].reshape(len(values), skeleton.nodes, 3)
    return Sequence(name, positions, label, group, values[:, 0]), dialect


def _header_fault(header: list[str], wanted: list[str]) -> str:
    """Why a header is not the wanted one, as the end of an error."""
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


def read_index(path: Path) -> tuple[list[tuple[int, dict[str, str]]], Dialect]:
    """(line number, column -> text) for every sequence, and the dialect that it is written in.

    Errors: BadInput for a wrong header.
    """
    lines = read.read_text(path, "index").split("\n")
    dialect, header, begin = dialects.header_of(
        lines, path, lambda header: set(COLUMNS[:2]) <= set(header) <= set(COLUMNS)
    )
    if len(header) > 100:
        raise BadInput(
            f"{path}, line {begin}: {len(header)} columns; columns are {', '.join(COLUMNS)}"
        )
    problems = [
        f"unknown column {short(c)}{nearest(c, COLUMNS)}; columns are {', '.join(COLUMNS)}"
        for c in header
        if c not in COLUMNS
    ]
    problems += [f"column {c!r} is missing; add it" for c in COLUMNS[:2] if c not in header]
    twice = [c for c, times in Counter(header).items() if times > 1]
    problems += [f"column {short(c)} appears twice; remove one" for c in twice]
    if problems:
        raise BadInput(f"{path}, line {begin}: {listed(problems)}")
    rows = []
    for number, row in dialect.rows(lines[begin:], path):
        if any(row):
            line = begin + number
            padded = [*row, *[""] * (len(header) - len(row))]
            if len(padded) > len(header):
                raise BadInput(
                    f"{path}, line {line}: {len(row)} fields, but the header has "
                    f"{len(header)}; put a field that holds a separator in quotes"
                )
            rows.append((line, dict(zip(header, padded, strict=True))))
    return rows, dialect


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
    rows, dialect = read_index(root / INDEX)
    if not rows:
        raise BadInput(f"{root / INDEX} names no sequences; add a line for each: file,label")
    if (root / CLASSES).exists():
        lines = (line.strip() for line in read.read_text(root / CLASSES, "index").split("\n"))
        classes = tuple(line for line in lines if line)
    else:
        classes = tuple(sorted({row["label"] for _, row in rows} - {""}))
    found = Scan(shown(root.resolve().name)[:LONGEST] or "csv", _skeleton(root / SKELETON), classes)
    index_of = {name: index for index, name in enumerate(classes)}
    if dialect.words:
        found.notes.append(f"{INDEX} is {dialect.words}")
    if turned := sum(_with_slashes(root, row) for _, row in rows):
        found.notes.append(
            f"{INDEX} names {turned} files with backslashes, which are read as slashes"
        )
    split: list[str] | None = [] if "split" in rows[0][1] else None
    used: Counter[str] = Counter()
    first: dict[PurePosixPath, int] = {}
    for line, row in rows:
        if (before := first.setdefault(PurePosixPath(row["file"]), line)) != line:
            found.problems.append(
                f"{root / INDEX}, line {line}: line {before} names {short(row['file'])} already; "
                "remove one of them"
            )
            continue
        try:
            sequence, dialect = _sequence(root, row, found.skeleton, index_of)
        except BadInput as error:
            found.refuse(error, f"{root / INDEX}, line {line}")
            continue
        found.sequences.append(sequence)
        used[dialect.words] += 1
        if split is not None:
            split.append(row["split"])
    found.notes += [f"{n} sequence files are {words}" for words, n in used.items() if words]
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


def _with_slashes(root: Path, row: dict[str, str]) -> bool:
    """Turn the backslashes of a path that is only there with slashes; whether that was so."""
    turned = row["file"].replace("\\", "/")
    if turned == row["file"] or (root / row["file"]).exists():
        return False
    row["file"] = turned
    return True


def _sequence(
    root: Path, row: dict[str, str], skeleton: Skeleton, classes: Mapping[str, int]
) -> tuple[Sequence, Dialect]:
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
    return _read(root / file, skeleton, name, label, row.get("group", ""))


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
                times = np.arange(1, s.frames + 1) if s.times is None else s.times
                rows = np.column_stack([times, s.positions.reshape(s.frames, -1)])
                np.savetxt(
                    part / name, rows, fmt=["%.17g"] + ["%.9g"] * (rows.shape[1] - 1), delimiter=",",
                    header=header.getvalue(), comments="", encoding="utf-8",
                )  # fmt: skip
