"""Listing: which runs belong to a table, so that its figures can be made from the records alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from bandstop.errors import BadInput
from bandstop.files import write_atomically

VERSION = 1
BEGINNING = "listing-"


@dataclass(frozen=True)
class Listing:
    """One table as it was asked for.

    table    its name
    command  the words that make it again
    date     when it was last asked for, as 2026-11-21
    rates    fractions; a training of many rates is shown at these
    runs     names of the run directories, in the table's order, those not finished among them
    """

    table: str
    command: tuple[str, ...]
    date: str
    rates: tuple[float, ...]
    runs: tuple[str, ...]
    version: int = VERSION


def write_listing(runs: Path, listing: Listing) -> Path:
    """Write it into the folder of runs; its path."""
    path = runs / f"{BEGINNING}{listing.table}.json"
    write_atomically(path, json.dumps(asdict(listing), indent=1) + "\n")
    return path


def is_listing(name: str) -> bool:
    """Whether a file of that name is one."""
    return name.startswith(BEGINNING) and name.endswith(".json")


def read_listing(path: Path) -> Listing:
    """Errors: BadInput for a file that is damaged, foreign or of another version."""
    try:
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise BadInput(
            f"{path} cannot be read as a listing ({error}); make the table again"
        ) from error
    if not isinstance(values, dict) or set(values) != {f.name for f in fields(Listing)}:
        raise BadInput(f"{path} is not a listing of bandstop; make the table again")
    if values["version"] != VERSION:
        raise BadInput(
            f"{path} is a listing of version {values['version']!r}, and this bandstop reads version "
            f"{VERSION}; make the table again"
        )
    wrong = [
        name
        for name, kind in (("command", str), ("runs", str), ("rates", float | int))
        if not isinstance(values[name], list) or not all(isinstance(v, kind) for v in values[name])
    ]
    if wrong:
        raise BadInput(f"{path} is damaged ({', '.join(wrong)}); make the table again")
    tuples = {name: tuple(values[name]) for name in ("command", "rates", "runs")}
    return Listing(**values | tuples)
