"""Microseconds of networks that are finished: measured on this machine and written into their records."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from bandstop.bundle import load_bundle
from bandstop.errors import BadInput
from bandstop.fit.limit import microseconds
from bandstop.record import RunFolder, read_record, write_record


def time_run(folder: RunFolder, rates: Collection[float] = ()) -> list[tuple[float, float]]:
    """Measure what a run delivered and write `microseconds` into its result, by rate where it has many.

    rates  of a network of many rates, which of them
    Gives (rate, microseconds) for each that was measured.
    Errors: BadInput where the bundle or the record is missing or damaged; Missing without a C compiler.
    """
    record = read_record(folder.record)
    if not folder.bundle.exists():
        raise BadInput(f"{folder.bundle} is missing; run it again to have its network")
    bundle = load_bundle(folder.bundle)
    result, found = record.result, []
    if bundle.order is None:
        found.append((record.options.rate, microseconds(bundle)))
        result = result | {"microseconds": found[0][1]}
    else:
        by_rate = []
        for row in result["by_rate"]:
            if row["rate_target"] in rates:
                took = microseconds(bundle.at(row["rate_target"], force=True))
                found.append((row["rate_target"], took))
                row = row | {"microseconds": took}
            by_rate.append(row)
        result = result | {"by_rate": by_rate}
    write_record(folder.record, replace(record, result=result))
    return found
