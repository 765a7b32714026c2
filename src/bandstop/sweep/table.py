"""From a table to its runs: variants x methods x rates x folds x seeds over one base configuration.

Nothing is trained here. Expanding a table finds every problem before the first training starts.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bandstop import read
from bandstop.data import Dataset
from bandstop.errors import BadInput, listed, nearest, short
from bandstop.job import check
from bandstop.method import METHODS
from bandstop.record import Config
from bandstop.sweep.tables import OLD, TABLES, Table, Variant

SEEDS = 10_000


def named(name: str) -> tuple[str, Table]:
    """The question that a name stands for, and its table; what tables were called before still does.

    Errors: BadInput for another name, with the nearest and all there are.
    """
    asks = OLD.get(name, name)
    if asks not in TABLES:
        raise BadInput(
            f"unknown table {name!r}{nearest(name, [*TABLES, *OLD])}; there are {', '.join(TABLES)}"
        )
    return asks, TABLES[asks]


UNNAMED = ("overview", "quick")
"""Questions whose tables are called as the recordings alone."""


def called(asks: str, dataset: Dataset) -> str:
    """What a table of these recordings is called: their name, and the question.

    So "methods" of recordings in wave.npz is "wave-methods", and "overview" of them "wave".
    """
    data = dataset.name if dataset.kind == "own" else dataset.kind
    data = re.sub(r"[^\w.+-]+", "_", data).strip("._-") or dataset.kind
    return data if asks in UNNAMED else f"{data}-{asks}"


def unlearnable(dataset: Dataset, folds: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Fold -> classes that it tests on and has nothing of to train on; folds without any are left out."""
    found = {}
    for name in [f.name for f in dataset.folds] if tuple(folds) == ("all",) else folds:
        fold = dataset.fold(name)
        train, test = (
            {dataset.sequences[i].label for i in side} for side in (fold.train, fold.test)
        )
        lost = sorted(k for k in test - train if k is not None)
        if lost:
            found[name] = tuple(dataset.classes[k] for k in lost)
    return found


def only(table: Table, names: Sequence[str]) -> Table:
    """The table with these of its variants alone. Errors: BadInput naming all it does not have."""
    known = {variant.name: variant for variant in table.variants}
    problems = [
        f"unknown variant {name!r}{nearest(name, known)}; there are {', '.join(known)}"
        for name in names
        if name not in known
    ]
    if problems:
        raise BadInput(listed(problems))
    return replace(table, variants=tuple(known[name] for name in dict.fromkeys(names)))


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
    problems += _idle(base, table)
    if problems:
        raise BadInput(listed(list(dict.fromkeys(problems))))
    runs = [
        replace(cell, fold=fold, seed=seed)
        for cell in cells
        for fold in folds
        for seed in table.seeds
    ]
    return Plan(
        dense=tuple(dict.fromkeys(d for run in runs for d in (run.dense(), *run.taught_by))),
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
    """One configuration a variant, method and rate, its budget tried on the network it would prune."""
    cells: dict[Config, None] = {}
    for variant, method in table.lines:
        own = dict(variant.options)
        whole = method in METHODS and (METHODS[method].cut is None or METHODS[method].many)
        for rate in (0.0,) if whole else table.rates:
            asked = {"rate": rate, "fold": fold} | own | {"method": method}
            cell = _made(base, problems, **asked)
            if cell is None or cell in cells:
                continue
            cells[cell] = None
            try:
                check(cell, dataset)
            except BadInput as error:
                problems.append(f"{_called(variant, method)} at rate {rate:g}: {error}")
    return list(cells)


def _idle(base: Config, table: Table) -> list[str]:
    """Options of the base that no line of the table looks at."""
    lines = [
        {**variant.options, "method": method}
        for variant, method in table.lines
        if method in METHODS
    ]
    try:
        idle = [replace(base, **line).idle for line in lines]
    except BadInput:  # named already
        return []
    asked = base.differing().keys() - {"method", "rate", "fold", "seed"}
    return [
        f"{name.replace('_', '-')} has no effect in this table: {idle[0][name]}; leave it out"
        for name in sorted(asked)
        if idle and all(name in each for each in idle)
    ]


def _called(variant: Variant, method: str) -> str:
    return f"{method} ({variant.name})" if variant.name else method


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
            named = range(read.whole(first), read.whole(last if dash else first) + 1)
            seeds += named[: SEEDS + 1]
    except ValueError as error:
        raise BadInput(f"seeds are numbers and ranges like 0-2,7, not {short(text)}") from error
    if len(seeds) > SEEDS:
        raise BadInput(f"seeds {short(text)} name more than {SEEDS}; name fewer")
    if not seeds:
        raise BadInput(f"seeds {text!r} name no seed; write a range upwards, such as 0-2")
    return tuple(dict.fromkeys(seeds))
