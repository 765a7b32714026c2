"""Which runs are shown closely."""

from __future__ import annotations

from collections.abc import Iterable

from bandstop.record import WHOLE, Record


def best_small(records: Iterable[Record]) -> Record | None:
    """The pruned run with the highest test accuracy; of equals the one with the fewest bytes.

    Then fewest MACs, lowest seed. It is picked by the accuracy that is shown, so that is optimistic.
    """
    pruned = [r for r in records if r.options.method not in WHOLE]
    return min(pruned, key=_merit, default=None)


def _merit(record: Record) -> tuple:
    result = record.result
    return -result["accuracy"], result["bytes"], result["macs_sparse"], record.options.seed


def tops(kinds: Iterable[tuple[str, Record]]) -> dict[str, Record]:
    """The most accurate run of each kind, in the order of the kinds' names."""
    found: dict[str, list[Record]] = {}
    for kind, record in kinds:
        found.setdefault(kind, []).append(record)
    return {kind: min(found[kind], key=_merit) for kind in sorted(found)}
