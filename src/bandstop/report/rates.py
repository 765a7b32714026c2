"""One training, every rate: accuracy of a multi-rate network at seen and unseen rates, and beyond."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Record
from bandstop.report.curves import rates_axis
from bandstop.report.many import accuracy_axis, key_below, narrow
from bandstop.report.style import BLUE, ORANGE, PAPER, SHADE, drawn
from bandstop.report.summary import Spread

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Rate:
    """Accuracy at one rate over runs; `seen`: it was trained."""

    rate: float
    accuracy: Spread
    seen: bool = True


@dataclass(frozen=True)
class Ladder:
    """A network of many rates, and networks trained for one rate each, on the same folds and seeds."""

    many: tuple[Rate, ...]
    single: tuple[Rate, ...]


def ladder(records: Sequence[Record]) -> Ladder | None:
    """Means over the runs of method mrmp, and of pmp at its rates; None without the former.

    Of pmp those runs count whose other options are what most of its runs have.
    """
    many: dict[tuple[float, bool], list[float]] = {}
    for record in records:
        for row in record.result.get("by_rate") or ():
            many.setdefault((row["rate_target"], row["seen"]), []).append(row["accuracy"])
    if not many:
        return None
    single: dict[float, list[float]] = {}
    for record in records:
        if record.options.method == "pmp":
            single.setdefault(record.options.rate, []).append(record.result["accuracy"])
    return Ladder(
        tuple(Rate(rate, Spread.of(v), seen) for (rate, seen), v in sorted(many.items())),
        tuple(Rate(rate, Spread.of(v)) for rate, v in sorted(single.items())),
    )


@drawn
def many_rates(shown: Ladder) -> Figure:
    """A line through all rates of the one training: seen ones filled, unseen ones hollow; what lies
    beyond the highest seen rate on a shaded ground; networks trained for one rate as squares."""
    figure, axes = narrow()
    x, mean, sd = _numbers(shown.many)
    last = max(r.rate for r in shown.many if r.seen)
    axes.fill_between(x, mean - sd, np.minimum(mean + sd, 1), color=BLUE, alpha=0.16, lw=0)
    axes.plot(x, mean, color=BLUE, lw=1.2, zorder=2)
    for seen, face, label in ((True, BLUE, "mrmp, seen"), (False, PAPER, "mrmp, unseen")):
        part = [r for r in shown.many if r.seen == seen]
        if part:
            x, mean, _ = _numbers(part)
            size = 6.0 if seen else 3.5
            axes.plot(
                x, mean, "o", color=BLUE, markersize=size, mfc=face, mew=1, label=label, zorder=3
            )
    if shown.single:
        x, mean, sd = _numbers(shown.single)
        axes.errorbar(
            x, mean, sd, fmt="s", color=ORANGE, markersize=5, lw=1, label="pmp, one rate a training",
            zorder=4,
        )  # fmt: skip
    rates = sorted({r.rate for r in (*shown.many, *shown.single)})
    rates_axis(
        axes,
        rates,
        [r for r in rates if r > last or any(s.seen and s.rate == r for s in shown.many)],
    )
    if rates[-1] > last:
        axes.axvspan(1 - last, axes.get_xlim()[1], color=SHADE, lw=0, zorder=0, label="beyond")
    accuracy_axis(axes)
    key_below(figure, axes)
    return figure


def _numbers(rates: Sequence[Rate]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What stays, mean and deviation: (rates,) each."""
    rows = [(1 - r.rate, r.accuracy.mean, r.accuracy.sd or 0.0) for r in rates]
    x, mean, sd = np.array(rows, dtype=float).T
    return x, mean, sd
