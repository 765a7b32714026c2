"""A training of many rates as one record a rate, so that tables and curves see rates alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bandstop.record import Record


def spread(records: Sequence[Record], rates: Iterable[float] | None = None) -> list[Record]:
    """Each record of many rates replaced by one a rate; the others as they are.

    rates  which; default: those that it was trained with, and those that other records have
    """
    asked = set(rates) if rates is not None else {
        r.options.rate for r in records if not r.result.get("by_rate")
    }  # fmt: skip
    found = []
    for record in records:
        by_rate = record.result.get("by_rate")
        if not by_rate:
            found.append(record)
            continue
        for row in by_rate:
            if row["rate_target"] in asked or (rates is None and row["seen"]):
                found.append(_at(record, row))
    return found


def _at(record: Record, row: dict) -> Record:
    """The record as if that rate alone had been delivered; masks and confusion stay the highest's."""
    figures = {name: value for name, value in row.items() if name != "seen"}
    result = record.result | figures | {"by_rate": [], "rate_observed": None}
    return replace(record, config=record.config | {"rate": row["rate_target"]}, result=result)
