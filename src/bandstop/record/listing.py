"""Listing: which runs belong to a table, so that its figures can be made from the records alone."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from bandstop.errors import BadInput, short
from bandstop.files import write_atomically
from bandstop.read import KINDS, read_json
from bandstop.record.form import LISTING
from bandstop.text import file_word, one_line

VERSION = 1
BEGINNING = "listing-"


@dataclass(frozen=True)
class Listing:
    """One table as it was asked for.

    table    its name, a word that can be a part of a file's name
    command  the words that make it again
    date     when it was last asked for, as 2026-11-21
    rates    fractions; a training of many rates is shown at these
    runs     names of the run directories, in the table's order, those not finished among them

    Errors: BadInput for a name or a date that is none.
    """

    table: str
    command: tuple[str, ...]
    date: str
    rates: tuple[float, ...]
    runs: tuple[str, ...]
    version: int = VERSION

    def __post_init__(self) -> None:
        file_word(self.table, "a table's name")
        one_line(self.date, f"table {self.table}: its date")


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
    values, remedy = read_json(path, "listing"), KINDS["listing"].remedy
    if not isinstance(values, dict) or "version" not in values:
        raise BadInput(f"{path} is not a listing of bandstop; {remedy}")
    version = values["version"]
    if type(version) is not int or version != VERSION:
        raise BadInput(
            f"{path} is a listing of version {short(version)}, and this bandstop reads version "
            f"{VERSION}; {remedy}"
        )
    try:
        LISTING.check(values)
        tuples = {name: tuple(values[name]) for name in ("command", "rates", "runs")}
        return Listing(**values | tuples)
    except BadInput as error:
        raise BadInput(f"{path} is damaged: {error}; {remedy}") from error
