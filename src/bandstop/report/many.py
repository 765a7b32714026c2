"""What the figures of many runs share: their size, the looks of a method, the axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bandstop.report.facts import clipped
from bandstop.report.style import DPI, INK, SERIES, SMALL
from bandstop.report.summary import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.2, 3.7)
"""Width and height, inches."""
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)))
"""Lines beyond the sixth differ in their dashes, for the colours come again."""
KEY_LINE, LONGEST = 0.2, 52
"""Height of a line of the key, inches, and how many characters fit into one."""


def looks(rows: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Label -> (colour, marker) of every curve, the same in all figures; dense is ink."""
    labels = dict.fromkeys(row.label for row in rows if row.method != "dense")
    found = {
        label: (SERIES[n % len(SERIES)], MARKERS[(n + n // len(SERIES)) % len(MARKERS)])
        for n, label in enumerate(labels)
    }
    return {row.label: (INK, "*") for row in rows if row.method == "dense"} | found


def dashes(rows: Sequence[Row]) -> dict[str, Any]:
    """Label -> line style of every curve, the same in all figures."""
    labels = dict.fromkeys(row.label for row in rows if row.method != "dense")
    return {label: DASHES[n // len(SERIES) % len(DASHES)] for n, label in enumerate(labels)}


def narrow() -> tuple[Figure, Axes]:
    """An empty figure that a phone shows whole, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    return figure, figure.subplots()


def numbers(rows: Sequence[Row], measure: str) -> tuple[np.ndarray, np.ndarray]:
    """Means and standard deviations (0 where there is only one run) of a measure: (rows,) each."""
    spreads = [row.spreads[measure] for row in rows]
    return np.array([s.mean for s in spreads]), np.array([s.sd or 0.0 for s in spreads])


def accuracy_axis(axes: Axes) -> None:
    """Accuracy upwards, in percent."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(0.0, low), min(1.02, max(high, low + 0.05)))
    axes.yaxis.set_major_formatter(lambda v, _: f"{100 * v:.0f} %" if v <= 1 + 1e-9 else "")
    axes.set_title("test accuracy", fontsize=SMALL)


def key_below(figure: Figure, axes: Axes) -> None:
    """The legend under the axes; the figure grows by what it takes."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        longest = max(len(label) for label in labels)
        columns = 3 if longest <= 14 else 2 if longest <= 24 else 1
        lines = -(-len(handles) // columns)
        figure.set_size_inches(SIZE[0], SIZE[1] + KEY_LINE * max(0, lines - 2))
        words = [clipped(label, LONGEST) for label in labels]
        figure.legend(handles, words, loc="outside lower left", ncols=columns)
