"""Which records a report is made from: all that are whole, each once, and what was left out and why."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from bandstop.errors import BadInput, listed
from bandstop.record import (
    Config,
    Listing,
    Record,
    RunFolder,
    is_listing,
    read_listing,
    read_record,
)
from bandstop.skeleton import Skeleton


@dataclass(frozen=True)
class LeftOut:
    """A record that is not in the report, and why not."""

    path: str
    reason: str


@dataclass(frozen=True)
class Collection:
    """What was found under some paths.

    records     whole and each run once, in the order of their paths
    left_out    damaged, foreign, of another version, or a second run of the same options
    unfinished  run directories that have no record yet
    repeated    how many more times a record was found that is here already
    listings    the tables that these runs were made for, each table once
    """

    records: tuple[Record, ...]
    left_out: tuple[LeftOut, ...] = ()
    unfinished: tuple[str, ...] = ()
    repeated: int = 0
    listings: tuple[Listing, ...] = ()


def collect(paths: Iterable[Path]) -> Collection:
    """All records in run directories, record files, and folders that hold runs at any depth.

    Errors: BadInput for paths that do not exist, all at once, and where no record is usable.
    """
    paths = list(paths)
    missing = [f"{p} does not exist; name a run directory or a folder of runs" for p in paths
               if not p.exists()]  # fmt: skip
    if missing:
        raise BadInput(listed(missing))
    files: dict[Path, Path] = {}
    unfinished: dict[Path, Path] = {}
    lists: dict[Path, Path] = {}
    again = 0
    for path in paths:
        for found in [path] if path.is_file() else _under(path):
            known = unfinished if found.is_dir() else lists if is_listing(found.name) else files
            again += known is files and found.resolve() in known
            known.setdefault(found.resolve(), found)
    kept: dict[tuple, tuple[Record, Path]] = {}
    left_out = []
    for path in files.values():
        try:
            record = whole(path)
        except BadInput as error:
            left_out.append(LeftOut(str(path), str(error).removeprefix(f"{path} ")))
            continue
        first, where = kept.setdefault(identity(record), (record, path))
        if where == path:
            continue
        if _figures(first) == _figures(record):
            again += 1
        else:
            words = f"has the options, fold and seed of {where} but other figures; that one is used"
            left_out.append(LeftOut(str(path), words))
    listings: dict[str, Listing] = {}
    for path in lists.values():
        try:
            listing = read_listing(path)
        except BadInput as error:
            left_out.append(LeftOut(str(path), str(error).removeprefix(f"{path} ")))
        else:
            listings.setdefault(listing.table, listing)
    if not kept:
        raise BadInput(_nothing(paths, left_out, list(unfinished.values())))
    return Collection(
        tuple(record for record, _ in kept.values()),
        tuple(left_out),
        tuple(str(p) for p in unfinished.values()),
        again,
        tuple(listings.values()),
    )


def whole(path: Path) -> Record:
    """A record of which every part is whole, its skeleton too, with an accuracy to report.

    Errors: BadInput naming the file and what is wrong with it.
    """
    record = read_record(path)
    if record.result["accuracy"] is None:
        raise BadInput(f"{path} has no accuracy to report: it was trained on everybody (fold none)")
    try:
        Skeleton.from_dict(record.skeleton)
    except BadInput as error:
        raise BadInput(f"{path} is damaged: {error}; run it again") from error
    return record


def identity(record: Record) -> tuple[str, Config]:
    """What makes two records the same run: the recordings themselves and every option but their path, and
    where it was made."""
    same = replace(record.options.canonical(), data="", device=Config().device)
    return str(record.data["fingerprint"]), same


def _figures(record: Record) -> dict:
    """The figures that a second training of the same run would give again."""
    own = ("seconds", "run", "microseconds", "by_rate")
    by_rate = [{**row, "microseconds": None} for row in record.result.get("by_rate", ())]
    return {k: v for k, v in record.result.items() if k not in own} | {"by_rate": by_rate}


def _under(folder: Path) -> list[Path]:
    """Record files, run directories without one, and listings, in and under a folder, sorted."""
    found = []
    for name, folders, files in os.walk(folder):
        folders.sort()
        run = RunFolder(Path(name))
        if run.record.name in files:
            found.append(run.record)
        elif run.config.name in files:
            found.append(run.path)
        found += [run.path / file for file in sorted(files) if is_listing(file)]
    return found


def _nothing(paths: list[Path], left_out: list[LeftOut], unfinished: list[Path]) -> str:
    problems = [f"{each.path}: {each.reason}" for each in left_out]
    problems += [f"{p} is not finished; the same `bandstop design` goes on" for p in unfinished]
    if not problems:
        problems = [f"{p} holds no record.json; name the folder given as --runs" for p in paths]
    return "there is no record to report on: " + listed(problems)
