"""Accuracy of every row beside the others: for tables of one rate, or of networks without one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bandstop.report.many import SIZE, key_words, looks, numbers
from bandstop.report.style import DPI, SMALL, drawn
from bandstop.report.summary import Row
from bandstop.report.ticks import at_most_all, labelled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE = 0.42
"""Height of a row, inches."""


@drawn
def side_by_side(rows: Sequence[Row]) -> Figure:
    """One line a row: small dots are runs, the mark is their mean, the bar one standard deviation."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(SIZE[0], 0.9 + LINE * len(rows)), dpi=DPI, layout="constrained")
    axes, found = figure.subplots(), looks(rows)
    means, deviations = numbers(rows, "accuracy")
    words_of = dict(zip(found, key_words(list(found)), strict=True))
    for place, (row, mean, sd) in enumerate(zip(rows, means, deviations, strict=True)):
        colour, marker = found[row.label]
        right = [r.result["accuracy"] for r in row.records]
        axes.plot(right, [place] * len(right), ".", color=colour, alpha=0.45, markersize=6, mew=0)
        axes.plot([mean - sd, min(mean + sd, 1.0)], [place, place], color=colour, lw=2, alpha=0.6)
        axes.plot([mean], [place], marker, color=colour, markersize=9, zorder=4)
        words = words_of[row.label].replace("\n", " ") + (
            f"  ·  rate {row.rate:g}" if row.rate else ""
        )
        words += f"  ·  {100 * mean:.1f} %"
        axes.annotate(
            words, (0, place), (0, 9), xycoords=("axes fraction", "data"), fontsize=SMALL,
            textcoords="offset points", va="center",
        )  # fmt: skip
    axes.set_ylim(len(rows) - 0.6, -0.75)
    axes.set_yticks([])
    axes.grid(True, axis="x")
    axes.spines["left"].set_visible(False)
    low, high = axes.get_xlim()
    axes.set_xlim(max(0.0, low), max(min(1.02, high), low + 0.05))
    axes.xaxis.set_major_locator(MaxNLocator(6))
    labelled(axes.xaxis, at_most_all)
    axes.set_title("test accuracy", fontsize=SMALL)
    return figure
