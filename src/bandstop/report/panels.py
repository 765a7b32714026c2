"""Small multiples: at most six lines a panel, each named beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import WHOLE
from bandstop.report.facts import clipped
from bandstop.report.many import key_words, numbers
from bandstop.report.style import DPI, INK, SERIES, SMALL, SOFT, drawn
from bandstop.report.summary import Row
from bandstop.report.ticks import at_most_all, labelled, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FAMILIES = {
    "by magnitude": ("mp", "mp-finetune", "gradual", "n-m"),
    "after a regulariser": ("mp-l0", "mp-l1", "mp-entropy", "mp-cost"),
    "aligned with a prior": ("pmp", "mrmp"),
    "whole groups, and entries": ("unstructured", "semi-structured", "structured", "ctf"),
}
"""A panel's title -> the methods in it, where there are more than one panel."""
MOST = 6
"""Lines in a panel: as many as there are colours."""
WIDTH, HEIGHT, AXIS = 4.2, 2.3, 0.7
"""Of a panel, and of what stands under the last one, inches."""
NAMES, LINE = 0.4, 0.16
"""Part of the width that the names take, and inches from one name to the next at least."""
LONGEST = 25
"""Characters of a name."""
TITLE = 0.45
"""Of a panel's height, inches that its title and ticks take."""
SHOWN = 0.35
"""How far under the best mean the axis reaches."""


@drawn
def accuracy_rate(rows: Sequence[Row]) -> Figure:
    """Mean accuracy at each rate, a band of one standard deviation; dense as a line across."""
    pruned = [row for row in rows if row.method not in WHOLE]
    panels = panels_of(pruned)
    figure, every = stacked(len(panels))
    low, high = reach(rows)
    for axes, (title, labels) in zip(every, panels.items(), strict=True):
        axes.axhline(
            _dense(rows), xmax=1 - NAMES, color=SOFT, linestyle="--", linewidth=1.2, zorder=1
        )
        ends = {}
        for label, colour in zip(labels, SERIES, strict=False):
            line = [row for row in pruned if row.label == label]
            x = np.array([1 - row.rate for row in line])
            mean, sd = numbers(line, "accuracy")
            axes.fill_between(
                x, mean - sd, np.minimum(mean + sd, 1), color=colour, alpha=0.12, lw=0
            )
            axes.plot(x, mean, color=colour, marker="o", markersize=4, lw=1.6)
            ends[label] = (float(x[-1]), float(mean[-1]), colour)
        _rates(axes, sorted({row.rate for row in pruned}))
        axes.set_ylim(low, high)
        labelled(axes.yaxis, at_most_all)
        last = 1 - max(row.rate for row in pruned)
        _name(axes, ends | {"dense": (last, _dense(rows), SOFT)})
        axes.set_title(f"test accuracy{f': {title}' if title else ''}", fontsize=SMALL)
    every[-1].set_xlabel("rate: weights removed (log of what stays)")
    return figure


def stacked(count: int) -> tuple[Figure, list[Axes]]:
    """A figure of that many panels under each other, with the same axes."""
    from matplotlib.figure import Figure

    size = (WIDTH, HEIGHT * count + AXIS)
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    return figure, list(figure.subplots(count, 1, sharex=True, sharey=True, squeeze=False)[:, 0])


def panels_of(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Title -> the labels of its lines, at most MOST: all in one panel if they fit, else by family."""
    labels = list(dict.fromkeys(row.label for row in rows))
    if len(labels) <= MOST:
        return {"": labels}
    methods = {row.label: row.method for row in rows}
    found: dict[str, list[str]] = {}
    for label in labels:
        family = next((f for f, of in FAMILIES.items() if methods[label] in of), methods[label])
        found.setdefault(family, []).append(label)
    order = [*FAMILIES, *(f for f in found if f not in FAMILIES)]
    return {
        family + (f", {start // MOST + 1}" if len(found[family]) > MOST else ""): part
        for family in order
        if family in found
        for start in range(0, len(found[family]), MOST)
        for part in [found[family][start : start + MOST]]
    }


def _dense(rows: Sequence[Row]) -> float:
    """The mean of the dense references, each once."""
    found = {
        (r.options.fold, r.options.seed): r.result["accuracy_dense"]
        for row in rows
        for r in row.records
    }
    return float(np.mean(list(found.values())))


def reach(rows: Sequence[Row]) -> tuple[float, float]:
    """Of the axis of accuracies: what lies far under the best is named, and not shown."""
    means = [row.spreads["accuracy"].mean or 0.0 for row in rows]
    low = max(min(means) - 0.02, max(means) - SHOWN, 0.0)
    return np.floor(20 * low) / 20, min(1.0, np.ceil(20 * max([*means, _dense(rows)]) + 0.4) / 20)


def _rates(axes: Axes, rates: list[float]) -> None:
    """As `curves.rates_axis`, with room for the names at the right."""
    from bandstop.report.curves import rates_axis

    rates_axis(axes, rates)
    axes.set_xlabel("")
    axes.tick_params(axis="x", labelsize=SMALL - 2)
    left, right = axes.get_xlim()
    width = np.log(left / right) / (1 - NAMES)
    axes.set_xlim(left, left / np.exp(width))


def _name(axes: Axes, ends: dict[str, tuple[float, float, str]]) -> None:
    """Each line's name right of its end, moved apart where they would touch; what ends below the axis
    is named at its foot, with its accuracy."""
    low, high = axes.get_ylim()
    least = LINE / (HEIGHT - TITLE) * (high - low)
    words = dict(zip(ends, key_words(list(ends)), strict=True))
    names = sorted(ends, key=lambda name: ends[name][1])
    foot = low + least / 2
    start = 0.8 * min(x for x, _, _ in ends.values())
    places = spaced([max(ends[name][1], foot) for name in names], least, foot, high)
    for name, place in zip(names, places, strict=True):
        x, y, colour = ends[name]
        said = words[name].replace("\n", " ") + (f" ({percent(round(y, 2))})" if y < low else "")
        axes.plot([x, 1.05 * start], [max(y, low), place], ":", color=colour, lw=0.8, zorder=1)
        named = axes.text(
            start, place, clipped(said, LONGEST), color=INK, fontsize=SMALL - 1.5, va="center"
        )
        named.set_in_layout(False)  # the axes have room for it


def spaced(places: Sequence[float], least: float, low: float, high: float) -> list[float]:
    """Rising places moved as little as needed so that they lie `least` apart, and within the axis.

    >>> spaced([0.0, 0.1, 5.0], 1.0, 0.0, 10.0)
    [0.0, 1.0, 5.0]
    """
    found: list[float] = []
    for place in places:
        found.append(max(place, found[-1] + least) if found else max(place, low))
    top = high
    for at in reversed(range(len(found))):
        found[at] = min(found[at], top)
        top = found[at] - least
    return found
