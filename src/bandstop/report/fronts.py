"""Accuracy against a cost, and the Pareto front."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from bandstop.report.many import MARKERS, key_words, numbers
from bandstop.report.panels import panels_of, reach, stacked
from bandstop.report.style import INK, SERIES, SMALL, SOFT, drawn
from bandstop.report.summary import Row
from bandstop.report.ticks import at_most_all, count, labelled, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


BESIDE = 18
"""Characters of a line of the key at a panel's right."""


def accuracy_cost(measure: str, words: str) -> Callable[[Sequence[Row]], Figure]:
    """A figure of accuracy against one cost: small dots are runs, marks are means of rows.

    The Pareto front of all means is a line in every panel, and its members are ringed: none is both
    cheaper and better.
    """

    @drawn
    def figure_of(rows: Sequence[Row]) -> Figure:
        rows = [row for row in rows if row.spreads[measure].mean is not None]
        panels = panels_of([row for row in rows if row.method != "dense"] or rows)
        figure, every = stacked(len(panels))
        points = np.stack([numbers(rows, measure)[0], numbers(rows, "accuracy")[0]], axis=1)
        best, (low, high) = points[pareto(points)], reach(rows)
        dense = [row.label for row in rows if row.method == "dense"][:1]
        for axes, (title, labels) in zip(every, panels.items(), strict=True):
            for label in dict.fromkeys([*labels, *dense]):
                line = [row for row in rows if row.label == label]
                runs = [
                    r.result
                    for row in line
                    for r in row.records
                    if r.result.get(measure) is not None
                ]
                colour, marker = (
                    (INK, "*") if label in dense
                    else (SERIES[labels.index(label)], MARKERS[labels.index(label)])
                )  # fmt: skip
                costs, right = [r[measure] for r in runs], [r["accuracy"] for r in runs]
                axes.plot(costs, right, ".", color=colour, alpha=0.45, markersize=5, mew=0)
                cost, mean = numbers(line, measure)[0], numbers(line, "accuracy")[0]
                size = 9 if marker == "*" else 5
                axes.plot(cost, mean, marker, color=colour, markersize=size, label=label, zorder=4)
            axes.step(best[:, 0], best[:, 1], color=SOFT, lw=1.2, where="post", zorder=2)
            axes.plot(
                best[:, 0], best[:, 1], "o", color=SOFT, markersize=10, mfc="none", mew=1.2, zorder=3,
                label="Pareto front",
            )  # fmt: skip
            axes.set_title(f"test accuracy{f': {title}' if title else ''}", fontsize=SMALL)
            key_beside(axes, rows, labels, low)
        _costs(every)
        every[0].set_ylim(low, high)
        labelled(every[0].yaxis, at_most_all)
        every[-1].set_xlabel(words)
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


def key_beside(axes: Axes, rows: Sequence[Row], labels: Sequence[str], low: float) -> None:
    """The key at the panel's right; with its best accuracy a line that lies under the axis whole."""
    handles, names = axes.get_legend_handles_labels()
    words = {
        name: fill(said, BESIDE, max_lines=3, placeholder=" …")
        for name, said in zip(names, key_words(names), strict=True)
    }
    for label in labels:
        most = max(r.spreads["accuracy"].mean or 0.0 for r in rows if r.label == label)
        if most < low:
            words[label] += f" ({percent(round(most, 3))})"
    axes.legend(
        handles, [words[name] for name in names], loc="center left", bbox_to_anchor=(1.0, 0.5),
        fontsize=SMALL - 1.5, handletextpad=0.3, borderaxespad=0.3, frameon=False,
    )  # fmt: skip


def _costs(every: Sequence[Axes]) -> None:
    """A log scale with plain numbers; linear where a cost is 0, in a network that has nothing left."""
    from matplotlib.ticker import LogLocator, NullLocator

    axes = every[-1]
    costs = np.concatenate([line.get_xdata() for some in every for line in some.lines])
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
