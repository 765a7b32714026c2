"""The report: one HTML file that holds everything, made from records alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from importlib.resources import files
from typing import Any

from bandstop.record import WHOLE, Record
from bandstop.report.collect import Collection
from bandstop.report.comparison import Comparison, against_dense, between_methods
from bandstop.report.facts import PRIORS_USED_BY, heading, origin, percent, thousands
from bandstop.report.figures import FIGURES
from bandstop.report.listed import EVERY, Drawn, figures_of, listed
from bandstop.report.picked import best_small, tops
from bandstop.report.reproduce import environments, words_of
from bandstop.report.spread import spread
from bandstop.report.style import Note, attempted
from bandstop.report.summary import COLUMNS, Row, rows
from bandstop.report.svg import inline
from bandstop.text import in_shell, shown

PICTURES = ("masks", "confusion", "skeleton")
"""Figures with pictures in them: the page inverts them as a whole in the dark."""
TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class Shown:
    """A figure in the page: its name is its id; `wide` ones may be scrolled on a phone."""

    name: str
    title: str
    caption: str
    svg: str
    wide: bool
    picture: bool


@dataclass(frozen=True)
class Part:
    """The report on one data set, or on one table of it.

    question  what a table is for
    rows      a training of many rates once for each
    made      the trainings as they were made
    """

    key: str
    name: str
    question: str
    facts: dict[str, Any]
    runs: int
    words: str
    best: Record | None
    rows: list[Row]
    made: list[Row]
    curves: list[Shown]
    best_figures: list[Shown]
    others: list[tuple[str, list[Shown]]]
    families: list[tuple[str, str, list[Comparison]]]


def page(collection: Collection) -> str:
    """The report as HTML: no script, nothing from outside, the same for the same records."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, finalize=_printed, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"percent": percent, "thousands": thousands, "points": points, "p": _p}
    environment.filters |= {
        "words": lambda record: [in_shell([w]) for w in words_of(record.options)]
    }
    source = files("bandstop.report").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(source).render(
        parts=parts(collection),
        columns={name: show for name, show in COLUMNS.items() if name != "data"},
        collection=collection,
        machines=environments(collection.records),
        version=version("bandstop"),
    )


def _printed(value: Any) -> Any:
    """What stands in double braces, before it is escaped for HTML."""
    return shown(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def parts(collection: Collection) -> list[Part]:
    """The tables among the records, then what is in none of them by data set."""
    tables = listed(collection)
    made = [
        _part(f"d{n + 1}", t.page.title, t.page.words, t.records, t.rows, t.page.figures)
        for n, t in enumerate(tables)
    ]
    seen = {id(record) for table in tables for record in table.records}
    by_data: dict[str, list[Record]] = {}
    for row in rows([record for record in collection.records if id(record) not in seen]):
        by_data.setdefault(row.data, []).extend(row.records)
    return made + [
        _part(f"d{len(made) + n + 1}", name, "", found, rows(spread(found)), EVERY)
        for n, (name, found) in enumerate(by_data.items())
    ]


def _part(
    key: str, name: str, question: str, runs: Sequence[Record], found: list[Row],
    figures: Sequence[str],
) -> Part:  # fmt: skip
    best, made = best_small(runs), rows(runs)
    return Part(
        key=key,
        name=name,
        question=question,
        facts=runs[0].data,
        runs=len(runs),
        words=_words(made, runs),
        best=best,
        rows=found,
        made=made,
        curves=[_shown(key, drawn) for drawn in figures_of(figures, runs, found)],
        best_figures=[] if best is None else [_of_run(key, "best", n, best) for n in FIGURES],
        others=_others(key, made, best),
        families=[
            ("Between methods", "first minus second", between_methods(found)),
            ("Against the dense reference", "the others minus dense", against_dense(found)),
        ],
    )


def _shown(key: str, drawn: Drawn) -> Shown:
    name = f"{key}-{drawn.name}"
    return _figure(name, drawn, drawn.title)


def _others(key: str, found: list[Row], best: Record | None) -> list[tuple[str, list[Shown]]]:
    """Figures of further runs, folded away: the most accurate run of each kind but the best one."""
    labelled = [(row, record) for row in found for record in row.records]
    pruned = [(row, record) for row, record in labelled if row.method not in WHOLE]
    kinds: list[tuple[str, str, dict[str, Record]]] = [
        (
            "Weights against the prior: the most accurate run of each other prior",
            "weights",
            tops((r.options.prior, r) for row, r in pruned if row.method in PRIORS_USED_BY),
        ),
        (
            "Joints that are read: the most accurate run at each rate",
            "skeleton",
            tops((f"{row.rate:.9f}", r) for row, r in pruned),
        ),
        (
            "Training curves: the most accurate run of each other method",
            "training",
            tops((row.label, r) for row, r in labelled if r.history),
        ),
    ]
    shown = [
        (title, [_of_run(key, f"other{n}", figure, r) for n, r in enumerate(found_tops.values())
                 if r is not best])
        for title, figure, found_tops in kinds
    ]  # fmt: skip
    return [(title, figures) for title, figures in shown if figures]


def _of_run(key: str, kind: str, figure: str, record: Record) -> Shown:
    name = f"{key}-{kind}-{figure}"
    picture = figure in PICTURES
    words = f"{figure}: {heading(record)}, {origin(record)}"
    drawn = Drawn(figure, "", "", partial(FIGURES[figure], record), picture, wide=True)
    return _figure(name, drawn, words)


def _figure(name: str, drawn: Drawn, words: str) -> Shown:
    """words  for those who hear the page"""
    svg = attempted(lambda: inline(drawn.draw(), name, words, adaptive=not drawn.picture))
    if isinstance(svg, Note):
        return Shown(name, drawn.title or drawn.name, svg, "", drawn.wide, picture=False)
    return Shown(name, drawn.title, drawn.caption, svg, drawn.wide, drawn.picture)


def _words(found: list[Row], runs: Sequence[Record]) -> str:
    """How many of what, in a line."""
    methods = list(dict.fromkeys(row.method for row in found))
    rates = sorted({row.rate for row in found if row.method not in WHOLE})
    folds = {r.options.fold for r in runs}
    seeds = {r.options.seed for r in runs}
    shown = f"rates {', '.join(f'{rate:g}' for rate in rates)} · " if rates else ""
    return (
        f"{', '.join(methods)} · {shown}{_some(len(folds), 'fold')} · {_some(len(seeds), 'seed')}"
    )


def _some(count: int, thing: str) -> str:
    return f"{count} {thing}" + ("" if count == 1 else "s")


def points(value: float) -> str:
    """A difference of accuracies in percentage points, signed with a true minus.

    >>> points(-0.0123), points(0.0)
    ('−1.2', '0.0')
    """
    words = f"{100 * value:+.1f}"
    return "0.0" if float(words) == 0 else words.replace("-", "−")


def _p(value: float | None) -> str:
    """
    >>> _p(0.03125), _p(0.00001), _p(None)
    ('0.031', '< 0.0001', '–')
    """
    if value is None:
        return "–"
    return "< 0.0001" if value < 1e-4 else f"{value:.2g}" if value < 1 else "1"
