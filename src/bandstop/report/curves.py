"""Figures of many runs: accuracy against rate and against cost, target against observed rate.

Narrow, so that a phone shows them whole; the page around them says which data they are of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bandstop.report.facts import PRIORS_USED_BY
from bandstop.report.style import INK, SERIES, SMALL, SOFT, drawn
from bandstop.report.summary import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.2, 3.7)
"""Width and height, inches."""
MARKERS = ("o", "s", "^", "D", "v", "P")
MOST_TICKS = 7


def looks(rows: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Label -> (colour, marker) of every curve, the same in all figures; dense is ink."""
    labels = dict.fromkeys(row.label for row in rows if row.method != "dense")
    found = {
        label: (SERIES[n % len(SERIES)], MARKERS[(n + n // len(SERIES)) % len(MARKERS)])
        for n, label in enumerate(labels)
    }
    return {row.label: (INK, "*") for row in rows if row.method == "dense"} | found


@drawn
def accuracy_rate(rows: Sequence[Row]) -> Figure:
    """Mean accuracy at each rate, a band of one standard deviation; dense as a line across."""
    figure, axes = _narrow()
    pruned = [row for row in rows if row.method != "dense"]
    for label, (colour, marker) in looks(rows).items():
        line = [row for row in pruned if row.label == label]
        if not line:
            continue
        x = np.array([1 - row.rate for row in line])
        mean, sd = _numbers(line, "accuracy")
        axes.fill_between(x, mean - sd, np.minimum(mean + sd, 1), color=colour, alpha=0.16, lw=0)
        axes.plot(x, mean, color=colour, marker=marker, markersize=6, label=label)
    dense = {
        (r.options.fold, r.options.seed): r.result["accuracy_dense"]
        for row in rows for r in row.records
    }  # fmt: skip
    height = float(np.mean(list(dense.values())))
    axes.axhline(height, color=SOFT, linestyle="--", linewidth=1.5, label="dense", zorder=1)
    _rates(axes, sorted({row.rate for row in pruned}))
    _accuracy(axes)
    _key(figure, axes)
    return figure


def accuracy_cost(measure: str, words: str) -> Callable[[Sequence[Row]], Figure]:
    """A figure of accuracy against one cost: small dots are runs, marks are means of rows.

    The Pareto front of the means is a line, and its members are ringed: none is both cheaper and
    better.
    """

    @drawn
    def figure_of(rows: Sequence[Row]) -> Figure:
        figure, axes = _narrow()
        for label, (colour, marker) in looks(rows).items():
            line = [row for row in rows if row.label == label]
            runs = [r.result for row in line for r in row.records]
            costs, right = [r[measure] for r in runs], [r["accuracy"] for r in runs]
            axes.plot(costs, right, ".", color=colour, alpha=0.45, markersize=5, mew=0)
            cost, mean = _numbers(line, measure)[0], _numbers(line, "accuracy")[0]
            size = 11 if marker == "*" else 6
            axes.plot(cost, mean, marker, color=colour, markersize=size, label=label, zorder=4)
        points = np.stack([_numbers(rows, measure)[0], _numbers(rows, "accuracy")[0]], axis=1)
        best = points[pareto(points)]
        axes.step(best[:, 0], best[:, 1], color=SOFT, lw=1.2, where="post", zorder=2)
        axes.plot(
            best[:, 0], best[:, 1], "o", color=SOFT, markersize=12, mfc="none", mew=1.2, zorder=3,
            label="Pareto front",
        )  # fmt: skip
        _costs(axes)
        axes.set_xlabel(words)
        _accuracy(axes)
        _key(figure, axes)
        return figure

    return figure_of


def pareto(points: np.ndarray) -> np.ndarray:
    """Indices of (cost, value) points that no other equals or beats in both; by rising cost.

    >>> pareto(np.array([[3.0, 0.9], [1.0, 0.5], [2.0, 0.4], [3.0, 0.8]])).tolist()
    [1, 0]
    """
    found, best = [], -np.inf
    for place in np.lexsort((-points[:, 1], points[:, 0])):
        if points[place, 1] > best:
            found.append(int(place))
            best = points[place, 1]
    return np.array(found, dtype=int)


@drawn
def observed_rate(rows: Sequence[Row]) -> Figure:
    """What the gates observe before the cut, minus the target, for each run; 0 is on target."""
    figure, axes = _narrow()
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
    axes.set_xticks(range(len(rates)), [f"{100 * rate:g} %" for rate in rates])
    axes.set_xlim(-0.5, len(rates) - 0.5)
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.1), max(high, 0.1))
    axes.set_xlabel("target rate")
    axes.set_title("observed minus target, points", fontsize=SMALL)
    _key(figure, axes)
    return figure


CURVES: dict[str, tuple[str, str, Callable[[Sequence[Row]], Figure]]] = {
    "accuracy-rate": (
        "Accuracy against rate",
        "Means over folds and seeds; the band is one standard deviation to either side.",
        accuracy_rate,
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


def _narrow() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, layout="constrained")
    return figure, figure.subplots()


def _numbers(rows: Sequence[Row], measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (0 where there is only one run) of a measure: (rows,) each."""
    spreads = [row.spreads[measure] for row in rows]
    return np.array([s.mean for s in spreads]), np.array([s.sd or 0.0 for s in spreads])


def _rates(axes: Axes, rates: list[float]) -> None:
    """The part that is kept, on a log scale from most to least, named by what is removed."""
    from matplotlib.ticker import NullLocator

    step = -(-len(rates) // MOST_TICKS)
    shown = rates[::-1][::step][::-1]
    axes.set_xlim((1 - rates[0]) * 1.15, (1 - rates[-1]) / 1.15)
    axes.set_xscale("log")
    axes.set_xticks([1 - r for r in shown], [f"{100 * r:g} %" for r in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("rate: weights removed (log of what stays)")


def _costs(axes: Axes) -> None:
    """A log scale with plain numbers; linear where a cost is 0, in a network that has nothing left."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    costs = np.concatenate([line.get_xdata() for line in axes.lines])
    low, high = float(costs.min()), float(costs.max())
    if low > 0:
        edge = max(1.1, (high / low) ** 0.06)
        axes.set_xlim(low / edge, high * edge)
        axes.set_xscale("log")
        wide = high / low
        steps = (1.0, 2.0, 5.0) if wide < 30 else (1.0, 3.0) if wide < 300 else (1.0,)
        if wide < 4:
            steps = tuple(np.arange(1, 10, 0.5 if wide < 2 else 1.0).tolist())
        axes.xaxis.set_major_locator(LogLocator(subs=steps, numticks=12))
        axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: _short(v)))


def _short(value: float) -> str:
    """
    >>> _short(35000), _short(2e6), _short(500)
    ('35 k', '2 M', '500')
    """
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def _accuracy(axes: Axes) -> None:
    low, high = axes.get_ylim()
    axes.set_ylim(max(0.0, low), min(1.02, max(high, low + 0.05)))
    axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %" if v <= 1 + 1e-9 else "")
    axes.set_title("test accuracy", fontsize=SMALL)


def _key(figure: Figure, axes: Axes) -> None:
    """The legend under the axes."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        long = max(len(label) for label in labels) > 14
        figure.legend(handles, labels, loc="outside lower left", ncols=2 if long else 3)
