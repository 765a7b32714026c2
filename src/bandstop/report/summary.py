"""Rows of a table: runs that differ only in fold and seed, as mean and standard deviation."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from bandstop.record import Config, Record
from bandstop.report.facts import thousands
from bandstop.text import in_csv, in_markdown

APART = ("data", "method", "rate", "fold", "seed", "device")
"""Options that have a place of their own in a row, are averaged over, or say where a run was made."""
MEASURES = (
    "accuracy", "mean_class_accuracy", "accuracy_dense", "rate", "rate_observed", "weights_kept",
    "macs", "macs_sparse", "bytes", "microseconds", "seconds",
)  # fmt: skip
"""Figures of a result that are averaged."""


NOTHING = "–"
"""In place of a figure that there is not."""


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation; `sd` is None for a single value, both for none."""

    mean: float | None
    sd: float | None

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Spread:
        """
        >>> Spread.of([1.0, 3.0])
        Spread(mean=2.0, sd=1.4142135623730951)
        """
        found = [float(v) for v in values if v is not None]
        mean = statistics.fmean(found) if found else None
        return cls(mean, statistics.stdev(found) if len(found) > 1 else None)


@dataclass(frozen=True)
class Row:
    """Runs of one data set, method, rate and options.

    data      name of the recordings, with the fingerprint's first digits where a name stands for two
    options   what else differs between the runs of the table, by name
    spreads   measure -> Spread
    records   the runs themselves, by fold and seed
    """

    data: str
    method: str
    rate: float
    options: dict[str, Any]
    folds: tuple[str, ...]
    seeds: tuple[int, ...]
    spreads: dict[str, Spread]
    records: tuple[Record, ...]

    @property
    def n(self) -> int:
        return len(self.records)

    @property
    def measured(self) -> bool:
        """Whether there was anything to test on: fold none trains on everybody."""
        return any(r.result["accuracy"] is not None for r in self.records)

    @property
    def label(self) -> str:
        """Method and options: what a curve is named."""
        words = [f"{k.replace('_', '-')} {_words(v)}" for k, v in self.options.items()]
        return ", ".join([self.method, *words])

    @property
    def beyond(self) -> bool:
        """Whether it is a rate above those that a network of many rates was trained with."""
        options = self.records[0].options
        return "seen" in _looked_at(options) and self.rate > options.seen_rates[-1] + 1e-9

    def values(self) -> dict[str, Any]:
        """Plain values, one level deep: what CSV and JSON hold."""
        found: dict[str, Any] = {"data": self.data, "method": self.method, "rate_target": self.rate}
        found["options"] = " ".join(f"{k}={_words(v)}" for k, v in self.options.items())
        found |= {"beyond": self.beyond, "n": self.n, "folds": " ".join(self.folds)}
        found["seeds"] = " ".join(str(seed) for seed in self.seeds)
        for name, spread in self.spreads.items():
            found |= {f"{name}_mean": spread.mean, f"{name}_sd": spread.sd}
        return found


def rows(records: Sequence[Record]) -> list[Row]:
    """One row for each data set, method, rate and set of options, in that order; dense first."""
    names = data_names(records)
    differing = _differing(records)
    groups: dict[tuple[str, str, float, tuple], list[Record]] = {}
    for record in records:
        options = record.options
        used = _looked_at(options)
        own = {
            k: getattr(options, k) for k in differing[_data(record), options.method] if k in used
        }
        key = (names[_data(record)], options.method, options.rate, tuple(own.items()))
        groups.setdefault(key, []).append(record)
    return sorted((_row(key, found) for key, found in groups.items()), key=_order)


def trained(table: Sequence[Row]) -> list[Row]:
    """The rows but those of rates beyond: what methods may be compared by."""
    return [row for row in table if not row.beyond]


def _row(key: tuple[str, str, float, tuple], found: list[Record]) -> Row:
    data, method, rate, own = key
    found = sorted(found, key=lambda r: (_natural(r.options.fold), r.options.seed))
    return Row(
        data=data,
        method=method,
        rate=rate,
        options=dict(own),
        folds=tuple(dict.fromkeys(r.options.fold for r in found)),
        seeds=tuple(sorted({r.options.seed for r in found})),
        spreads={name: Spread.of(r.result.get(name) for r in found) for name in MEASURES},
        records=tuple(found),
    )


def data_names(records: Iterable[Record]) -> dict[tuple[str, str], str]:
    """(name, fingerprint) of recordings -> what they are called; the fingerprint only where it must, and
    as much of it as it takes to tell them apart."""
    known = list(dict.fromkeys(_data(r) for r in records))
    called = [name for name, _ in known]
    for digits in (6, 16, None):
        found = {
            (name, mark): name if called.count(name) == 1 else f"{name} ({mark[:digits]})"
            for name, mark in known
        }
        if len(set(found.values())) == len(found):
            break
    return found


def _data(record: Record) -> tuple[str, str]:
    return str(record.data["name"]), str(record.data["fingerprint"])


def _differing(records: Sequence[Record]) -> dict[tuple[tuple[str, str], str], list[str]]:
    """(recordings, method) -> options with more than one value among the runs that look at them.

    An option of some methods alone tells runs of one method apart; all others those of the recordings.
    """
    everywhere: dict[tuple, set] = {}
    pairs = dict.fromkeys((_data(r), r.options.method) for r in records)
    for record in records:
        options = record.options
        for name in _looked_at(options):
            where = (_data(record), options.method if _special(name) else None, name)
            everywhere.setdefault(where, set()).add(getattr(options, name))
    names = [f.name for f in fields(Config) if f.name not in APART]
    return {
        (data, method): [
            n
            for n in names
            if len(everywhere.get((data, method if _special(n) else None, n), ())) > 1
        ]
        for data, method in pairs
    }


def _special(name: str) -> bool:
    """Whether only some methods look at an option."""
    return bool(Config.__dataclass_fields__[name].metadata["only"])


def _looked_at(options: Config) -> set[str]:
    """The options that this method and this network take into account."""
    dense = options.method == "dense"
    return {
        f.name
        for f in fields(Config)
        if options.network in (f.metadata["networks"] or (options.network,))
        and (
            not f.metadata["only"]
            or (
                options.method in f.metadata["only"]
                and not (dense and f.metadata["panel"] == "Method" and f.name != "method")
            )
        )
    }


def _order(row: Row) -> tuple:
    return row.data, row.method != "dense", row.method, row.label, row.rate


def _natural(fold: str) -> tuple[int, str]:
    return (int(fold), "") if fold.isascii() and fold.isdigit() else (10**200, fold)


def _words(value: Any) -> str:
    return "+".join(value) or "none" if isinstance(value, tuple) else f"{value}"


def spread_words(spread: Spread, show: Callable[[float], str]) -> str:
    """Mean ± deviation; the mean alone where all runs have it to the digits that are shown.

    >>> spread_words(Spread(0.9126, 0.0204), lambda v: f"{100 * v:.1f}")
    '91.3 ± 2.0'
    """
    if spread.mean is None:
        return NOTHING
    same = spread.sd is None or show(spread.sd) == show(0.0)
    return show(spread.mean) + ("" if same else f" ± {show(spread.sd or 0.0)}")


def _percents(value: float) -> str:
    return f"{100 * value:.1f}"


def _rate(value: float) -> str:
    return f"{value:.4f}"


def _count(value: float) -> str:
    return thousands(round(value))


COLUMNS: dict[str, Callable[[Row], str]] = {
    "data": lambda row: row.data,
    "method": lambda row: row.label,
    "rate asked": lambda row: f"{row.rate:g}, beyond" if row.beyond else f"{row.rate:g}",
    "observed": lambda row: spread_words(row.spreads["rate_observed"], _rate),
    "delivered": lambda row: spread_words(row.spreads["rate"], _rate),
    "accuracy, %": lambda row: (
        spread_words(row.spreads["accuracy"], _percents) if row.measured else "not measured"
    ),
    "mean of classes, %": lambda row: spread_words(row.spreads["mean_class_accuracy"], _percents),
    "dense, %": lambda row: spread_words(row.spreads["accuracy_dense"], _percents),
    "weights kept": lambda row: spread_words(row.spreads["weights_kept"], _count),
    "MACs, zeros skipped": lambda row: spread_words(row.spreads["macs_sparse"], _count),
    "MACs, dense runtime": lambda row: spread_words(row.spreads["macs"], _count),
    "bytes": lambda row: spread_words(row.spreads["bytes"], _count),
    "µs in C": lambda row: spread_words(row.spreads["microseconds"], lambda v: f"{v:.2f}"),
    "runs": lambda row: f"{row.n}",
}
"""The table for people: heading -> what stands there. Means ± sample standard deviations.

Rates: what was asked for, what the gates observed before the exact cut, and what was delivered.
"beyond": the network of many rates was not trained for that rate, and refuses it unless forced.
"""
SOMETIMES = ("µs in C",)
"""Columns that are left out where no row has anything to show in them."""


def to_markdown(table: Sequence[Row], marks: Mapping[int, str] | None = None) -> str:
    """The table in GitHub's Markdown. marks: place of a row -> what is set around its accuracy."""
    columns = {
        name: show
        for name, show in COLUMNS.items()
        if name not in SOMETIMES or any(show(row) != NOTHING for row in table)
    }
    lines = ["| " + " | ".join(columns) + " |", "|---|---" + "|---:" * (len(columns) - 2) + "|"]
    for place, row in enumerate(table):
        cells = {name: in_markdown(show(row)) for name, show in columns.items()}
        if marks and place in marks:
            cells["accuracy, %"] = marks[place].format(cells["accuracy, %"])
        lines.append("| " + " | ".join(cells.values()) + " |")
    return "\n".join(lines) + "\n"


def to_csv(table: Sequence[Row]) -> str:
    """Plain values, one column a figure, full precision; nothing where there is no value."""
    values = [row.values() for row in table]
    return in_csv([list(values[0]) if values else [], *(row.values() for row in values)])
