"""A table is data: methods x rates x folds x seeds over one base configuration.

Nothing is trained here. Expanding a table finds every problem before the first training starts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandstop.data import Dataset
from bandstop.errors import BadInput, listed
from bandstop.job import check
from bandstop.method import METHODS
from bandstop.record import Config


@dataclass(frozen=True)
class Table:
    """Which runs a table has. `rates` are fractions; `folds` are names, or ("all",)."""

    methods: tuple[str, ...] = ("dense", "mp", "mp-finetune", "pmp")
    rates: tuple[float, ...] = (0.5, 0.7, 0.9, 0.95, 0.98)
    folds: tuple[str, ...] = ("all",)
    seeds: tuple[int, ...] = (0, 1, 2)


TABLES: dict[str, Table] = {
    "sbu": Table(),
    "fpha": Table(),
    "synthetic": Table(rates=(0.9, 0.98), seeds=(0,)),
}
"""Tables by name; on the command line each flag replaces one axis."""


@dataclass(frozen=True)
class Plan:
    """The runs of a table. The dense references come first, for the others are compared with them."""

    dense: tuple[Config, ...]
    rest: tuple[Config, ...]

    @property
    def runs(self) -> tuple[Config, ...]:
        return (*self.dense, *self.rest)


def expand(base: Config, table: Table, dataset: Dataset) -> Plan:
    """Every combination of the table's axes over the base, each run once.

    A method that removes nothing has no rate; one dense reference stands for each fold and seed.
    Errors: BadInput with every wrong method, rate, fold, seed and every unreachable budget at once.
    """
    problems: list[str] = []
    folds = _folds(table.folds, dataset, problems)
    cells = _cells(base, table, folds[0], dataset, problems) if folds else []
    for seed in table.seeds:
        _made(base, problems, seed=seed)
    if problems:
        raise BadInput(listed(list(dict.fromkeys(problems))))
    runs = [
        replace(cell, fold=fold, seed=seed)
        for cell in cells
        for fold in folds
        for seed in table.seeds
    ]
    return Plan(
        dense=tuple(dict.fromkeys(run.dense() for run in runs)),
        rest=tuple(dict.fromkeys(run for run in runs if run.method != "dense")),
    )


def _made(base: Config, problems: list[str], **options: object) -> Config | None:
    """The base with other options; None, and the reason among the problems, where it cannot be."""
    try:
        return replace(base, **options).canonical()  # type: ignore[arg-type]
    except BadInput as error:
        problems.append(str(error))
        return None


def _cells(
    base: Config, table: Table, fold: str, dataset: Dataset, problems: list[str]
) -> list[Config]:
    """One configuration a method and rate, its budget tried on the network it would prune."""
    cells = []
    for method in table.methods:
        whole = method in METHODS and (METHODS[method].cut is None or METHODS[method].many)
        for rate in (0.0,) if whole else table.rates:
            cell = _made(base, problems, method=method, rate=rate, fold=fold)
            if cell is None:
                continue
            cells.append(cell)
            try:
                check(cell, dataset)
            except BadInput as error:
                problems.append(f"{method} at rate {rate:g}: {error}")
    return cells


def _folds(names: Sequence[str], dataset: Dataset, problems: list[str]) -> list[str]:
    if tuple(names) == ("all",):
        return [fold.name for fold in dataset.folds]
    known = []
    for name in names:
        try:
            known.append(dataset.fold(name).name)
        except BadInput as error:
            problems.append(str(error))
    return known


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0-2,7` -> (0, 1, 2, 7).

    >>> parse_seeds("0-2,7")
    (0, 1, 2, 7)
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.partition("-")
            seeds += range(int(first), int(last if dash else first) + 1)
    except ValueError as error:
        raise BadInput(f"seeds are numbers and ranges like 0-2,7, not {text!r}") from error
    if not seeds:
        raise BadInput(f"seeds {text!r} name no seed; write a range upwards, such as 0-2")
    return tuple(dict.fromkeys(seeds))
