"""confusion.png: which class was taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Record
from bandstop.report.facts import clipped, percent
from bandstop.report.style import (
    BLUES,
    INK,
    MARGIN,
    ORANGES,
    PAPER,
    SMALL,
    SOFT,
    WIDTH,
    canvas,
    drawn,
    ramp,
    sheet,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TEXT_CELL = 11.0
"""Largest font of a count, points."""
LONGEST = 18
"""Characters of a class name that are shown."""
LEAST = 0.19
"""Side of a cell at least, inches; many classes make the figure wider."""
LETTER = 0.078
"""Width of a character at SMALL, inches (a little more than the average)."""


@drawn
def confusion(record: Record) -> Figure:
    """Test sequences by true class (down) and predicted class (across); colour is the row's share."""
    counts = np.asarray(record.confusion, dtype=int).reshape(len(record.data["classes"]), -1)
    names = [clipped(str(name), LONGEST) for name in record.data["classes"]]
    longest = max(len(name) for name in names)
    left = MARGIN + LETTER * longest + 0.12
    right = 0.62
    cell = max(LEAST, min(0.62, (WIDTH - left - right - MARGIN) / len(names)))
    side = cell * len(names)
    width = max(WIDTH, left + side + right + MARGIN)
    below = 0.72 * LETTER * longest + 0.32
    figure = sheet(record, "Confusion on the test recordings", side + below + 0.3, True, width)
    axes = canvas(figure)
    _matrix(axes, counts, left, 0.25, cell)
    _names(axes, counts, names, left, 0.25, cell)
    return figure


def _matrix(axes: Axes, counts: np.ndarray, left: float, top: float, cell: float) -> None:
    """The cells: right ones blue, wrong ones orange, each with its count unless that is 0."""
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    box = (left, left + cell * len(counts), top + cell * len(counts), top)
    diagonal = np.eye(len(counts), dtype=bool)
    for colours, part in ((ORANGES, ~diagonal), (BLUES, diagonal)):
        axes.imshow(
            np.where(part, share, np.nan), cmap=ramp(colours), vmin=1e-9, vmax=1.0, extent=box,
            aspect="auto", interpolation="nearest",
        )  # fmt: skip
    for line in np.arange(len(counts) + 1) * cell:
        axes.plot([left, box[1]], [top + line] * 2, color=PAPER, linewidth=1)
        axes.plot([left + line] * 2, [top, box[2]], color=PAPER, linewidth=1)
    size = min(TEXT_CELL, 72 * cell * 0.53)
    for row, column in zip(*np.nonzero(counts), strict=True):
        axes.text(
            left + (column + 0.5) * cell, top + (row + 0.5) * cell, str(counts[row, column]),
            ha="center", va="center", fontsize=size,
            color=PAPER if share[row, column] > 0.45 else INK,
        )  # fmt: skip


def _names(
    axes: Axes, counts: np.ndarray, names: list[str], left: float, top: float, cell: float
) -> None:
    """Class names at both sides, and at the right how much of each class was recognised."""
    size, end = min(SMALL, 72 * cell * 0.62), left + cell * len(names)
    bottom = top + cell * len(names)
    axes.text(left - 0.1, top - 0.06, "true", ha="right", va="bottom", fontsize=SMALL, color=SOFT)
    axes.text(end + 0.1, top - 0.06, "right", ha="left", va="bottom", fontsize=SMALL, color=SOFT)
    axes.text(MARGIN, bottom + 0.1, "predicted", va="top", fontsize=SMALL, color=SOFT)
    for i, name in enumerate(names):
        middle, total = (i + 0.5) * cell, int(counts[i].sum())
        recognised = percent(round(counts[i, i] / total, 2)).replace(".0 ", " ") if total else "–"
        axes.text(left - 0.1, top + middle, name, ha="right", va="center", fontsize=size)
        axes.text(end + 0.1, top + middle, recognised, va="center", fontsize=size, color=SOFT)
        axes.text(
            left + middle + 0.03, bottom + 0.08, name, ha="right", va="top", fontsize=size,
            rotation=45, rotation_mode="anchor",
        )  # fmt: skip
