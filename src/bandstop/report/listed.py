"""The tables among the runs of a report, each with its records, rows and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.record import Listing, Record
from bandstop.report.collect import Collection
from bandstop.report.curves import CURVES, can_show
from bandstop.report.groups import GROUPS
from bandstop.report.pages import PAGES, Page, question
from bandstop.report.spread import spread
from bandstop.report.summary import Row, rows, trained

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EVERY = (*CURVES, *GROUPS)
"""All figures of several runs."""


@dataclass(frozen=True)
class Listed:
    """A table with the records of its runs that there are; `missing` are not finished."""

    listing: Listing
    records: tuple[Record, ...]
    missing: int

    @property
    def name(self) -> str:
        return self.listing.table

    @property
    def page(self) -> Page:
        return PAGES.get(
            question(self.name), Page(f"Table {self.name}", "Every figure of its runs.", EVERY)
        )

    @property
    def rows(self) -> list[Row]:
        """As the table has them: a training of many rates once for each."""
        return rows(spread(self.records, self.listing.rates))


@dataclass(frozen=True)
class Drawn:
    """One figure of a table; `draw` makes it."""

    name: str
    title: str
    caption: str
    draw: Callable[[], Figure]
    picture: bool = False
    wide: bool = False


def listed(collection: Collection) -> list[Listed]:
    """The tables that these runs were made for, in the pages' order, with what is finished of each."""
    by_name: dict[str, Record] = {}
    for record in collection.records:
        by_name.setdefault(Path(record.result["run"]).name, record)
    found = []
    for listing in collection.listings:
        records = tuple(by_name[name] for name in listing.runs if name in by_name)
        if records:
            found.append(Listed(listing, records, len(listing.runs) - len(records)))
    order = [*PAGES, ""]
    return sorted(found, key=lambda table: order.index(question(table.name)))


def figures_of(
    names: Sequence[str], records: Sequence[Record], shown: list[Row]
) -> Iterator[Drawn]:
    """Those of the named figures that these runs can show; curves leave out rates beyond."""
    fair = trained(shown)
    for name in names:
        if name in CURVES:
            if can_show(name, fair):
                title, caption, draw = CURVES[name]
                yield Drawn(name, title, caption, partial(draw, fair))
        elif (picked := GROUPS[name].pick(records)) is not None:
            group = GROUPS[name]
            yield Drawn(
                name,
                group.title,
                group.caption,
                partial(group.draw, picked),
                group.picture,
                group.wide,
            )
