"""The figures of many runs, as one literal table: against rate, against cost, on target or not.

Narrow, so that a phone shows them whole; the page around them says which data they are of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bandstop.report.facts import PRIORS_USED_BY
from bandstop.report.fronts import accuracy_cost
from bandstop.report.many import key_below, looks, narrow
from bandstop.report.panels import accuracy_rate
from bandstop.report.side_by_side import side_by_side
from bandstop.report.style import SMALL, SOFT, drawn
from bandstop.report.summary import Row
from bandstop.report.ticks import labelled, percent, removed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

APART = 0.13
"""Least distance of two rates that are named on an axis, as a part of its length."""


@drawn
def observed_rate(rows: Sequence[Row]) -> Figure:
    """What the gates observe before the cut, minus the target, for each run; 0 is on target."""
    figure, axes = narrow()
    gated = [row for row in rows if row.method in PRIORS_USED_BY]
    found = looks(rows)
    labels = list(dict.fromkeys(row.label for row in gated))
    rates = sorted({row.rate for row in gated})
    axes.axhline(0, color=SOFT, linewidth=1.5, linestyle="--", zorder=1)
    for number, label in enumerate(labels):
        points = [
            (rates.index(row.rate), 100 * (r.result["rate_observed"] - row.rate))
            for row in gated if row.label == label
            for r in row.records if r.result.get("rate_observed") is not None
        ]  # fmt: skip
        shift = 0.5 * (number - (len(labels) - 1) / 2) / len(labels)
        x, y = [p[0] + shift for p in points], [p[1] for p in points]
        colour, marker = found[label]
        axes.plot(x, y, marker, color=colour, markersize=6, alpha=0.7, mew=0, label=label)
    axes.set_xticks(range(len(rates)))
    labelled(axes.xaxis, lambda place: percent(rates[round(place)]))
    axes.set_xlim(-0.5, len(rates) - 0.5)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.1), max(high, 0.1))
    axes.set_xlabel("target rate")
    axes.set_title("observed minus target, points", fontsize=SMALL)
    key_below(figure, axes)
    return figure


def can_show(name: str, rows: Sequence[Row]) -> bool:
    """Whether these rows have what a curve needs: a gate that observed, one rate, several."""
    pruned = {row.rate for row in rows if row.rate > 0}
    observed = any(r.result.get("rate_observed") is not None for row in rows
                   if row.method in PRIORS_USED_BY for r in row.records)  # fmt: skip
    needs = {
        "observed-rate": observed,
        "side-by-side": len(pruned) < 2,
        "accuracy-rate": bool(pruned),
        "accuracy-us": any(row.spreads["microseconds"].mean is not None for row in rows),
    }
    return needs.get(name, bool(pruned) or len(rows) > 1)


CURVES: dict[str, tuple[str, str, Callable[[Sequence[Row]], Figure]]] = {
    "accuracy-rate": (
        "Accuracy against rate",
        "Means over folds and seeds; the band is one standard deviation to either side.",
        accuracy_rate,
    ),
    "side-by-side": (
        "Accuracy side by side",
        "Dots: runs; marks: means; the bar is one standard deviation to either side.",
        side_by_side,
    ),
    "accuracy-us": (
        "Accuracy against microseconds",
        "One signal to its class by the C that bandstop makes, measured on one core: of one run "
        "of each mean.",
        accuracy_cost("microseconds", "µs in C, one core"),
    ),
    "accuracy-bytes": (
        "Accuracy against bytes",
        "What the bundle weighs. Dots: runs; marks: means; ringed: no mean is both lighter and better.",
        accuracy_cost("bytes", "bytes of the bundle"),
    ),
    "accuracy-macs": (
        "Accuracy against MACs",
        "Multiplications of a runtime that skips zeros.",
        accuracy_cost("macs_sparse", "MACs, zeros skipped"),
    ),
    "accuracy-macs-dense": (
        "Accuracy against MACs, dense runtime",
        "Only what was compacted away counts.",
        accuracy_cost("macs", "MACs of the compacted net, zeros included"),
    ),
    "observed-rate": (
        "Target against observed rate",
        "What the gates observe before the cut, minus the target, run by run; 0 is on target.",
        observed_rate,
    ),
}
"""Name -> title, caption and figure of the rows of one data set."""


def rates_axis(axes: Axes, rates: list[float], among: list[float] | None = None) -> None:
    """The part that is kept, on a log scale from most to least, named by what is removed.

    among  rates that may be named; default: all
    """
    from matplotlib.ticker import NullLocator

    shown = named_rates(rates if among is None else among)
    axes.set_xlim((1 - rates[0]) * 1.15, (1 - rates[-1]) / 1.15)
    axes.set_xscale("log")
    axes.set_xticks([1 - r for r in shown])
    labelled(axes.xaxis, removed)
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("rate: weights removed (log of what stays)")


def named_rates(rates: list[float]) -> list[float]:
    """Those of rising rates that have room for their names: the highest first, the lowest if it fits.

    >>> named_rates([0.5, 0.55, 0.6, 0.7, 0.9, 0.95, 0.98])
    [0.5, 0.7, 0.9, 0.95, 0.98]
    """
    places = [math.log(1 / (1 - rate)) for rate in rates]
    least = APART * (places[-1] - places[0])
    chosen: list[int] = []
    for n in reversed(range(len(rates))):
        clear = not chosen or places[chosen[-1]] - places[n] >= least
        if clear and (n == 0 or places[n] - places[0] >= least):
            chosen.append(n)
    return [rates[n] for n in reversed(chosen)]
