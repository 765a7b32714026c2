"""Accuracy against a cost, and the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bandstop.report.many import accuracy_axis, key_below, looks, narrow, numbers
from bandstop.report.style import SOFT, drawn
from bandstop.report.summary import Row
from bandstop.report.ticks import count, labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def accuracy_cost(measure: str, words: str) -> Callable[[Sequence[Row]], Figure]:
    """A figure of accuracy against one cost: small dots are runs, marks are means of rows.

    The Pareto front of the means is a line, and its members are ringed: none is both cheaper and
    better.
    """

    @drawn
    def figure_of(rows: Sequence[Row]) -> Figure:
        figure, axes = narrow()
        for label, (colour, marker) in looks(rows).items():
            line = [row for row in rows if row.label == label]
            runs = [r.result for row in line for r in row.records]
            costs, right = [r[measure] for r in runs], [r["accuracy"] for r in runs]
            axes.plot(costs, right, ".", color=colour, alpha=0.45, markersize=5, mew=0)
            cost, mean = numbers(line, measure)[0], numbers(line, "accuracy")[0]
            size = 11 if marker == "*" else 6
            axes.plot(cost, mean, marker, color=colour, markersize=size, label=label, zorder=4)
        points = np.stack([numbers(rows, measure)[0], numbers(rows, "accuracy")[0]], axis=1)
        best = points[pareto(points)]
        axes.step(best[:, 0], best[:, 1], color=SOFT, lw=1.2, where="post", zorder=2)
        axes.plot(
            best[:, 0], best[:, 1], "o", color=SOFT, markersize=12, mfc="none", mew=1.2, zorder=3,
            label="Pareto front",
        )  # fmt: skip
        _costs(axes)
        axes.set_xlabel(words)
        accuracy_axis(axes, rows)
        key_below(figure, axes)
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


def _costs(axes: Axes) -> None:
    """A log scale with plain numbers; linear where a cost is 0, in a network that has nothing left."""
    from matplotlib.ticker import LogLocator, NullLocator

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
    labelled(axes.xaxis, count)
