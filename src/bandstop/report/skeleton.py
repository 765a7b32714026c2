"""skeleton.png: which joints the compacted network still reads, and how much of it reads them."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Record
from bandstop.report.facts import readers
from bandstop.report.poses import pose
from bandstop.report.style import (
    BLUES,
    FAINT,
    MARGIN,
    PAPER,
    SMALL,
    SOFT,
    TEXT,
    WIDTH,
    canvas,
    drawn,
    ramp,
    sheet,
)  # fmt: skip
from bandstop.skeleton import Skeleton

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TALL = 4.0
"""Height of a body, inches; less where many stand side by side."""
COLUMNS = 3
APART = 0.4
"""Gap between bodies, inches."""
SMALLEST, LARGEST = 0.045, 0.15
"""Radius of a joint, inches."""


@drawn
def skeleton_figure(record: Record) -> Figure:
    """Every body in its canonical pose; a joint's area is the number of weights that read it.

    Hollow and grey: not read at all.
    """
    skeleton = Skeleton.from_dict(record.skeleton)
    points, caption = pose(skeleton)
    live = set(record.live_nodes)
    counts = readers(record)
    wide = min(skeleton.bodies, COLUMNS)
    pitch = (WIDTH - 2 * MARGIN) / wide
    tall = min(TALL, (pitch - 2 * LARGEST - APART) / max(np.ptp(points[:, 0]), 0.1))
    rows = -(-skeleton.bodies // wide)
    idle = [name for n, name in enumerate(skeleton.node_names) if n not in live]
    notes = (
        textwrap.wrap("not read: " + ", ".join(idle), 94, max_lines=3, placeholder=" …")
        if idle
        else []
    )
    notes = [*notes, caption] if caption else notes
    step = tall + 0.8
    figure = sheet(record, "Joints that are read", rows * step + 0.62 + 0.2 * len(notes), free=True)
    axes = canvas(figure)
    most = max(1, int(counts.max(initial=0)))
    for body in range(skeleton.bodies):
        row, column = divmod(body, wide)
        middle = MARGIN + (column + 0.5) * pitch
        places = np.stack(
            [middle + tall * points[:, 0], row * step + 0.5 + tall * (1 - points[:, 1])], axis=1
        )
        _body(axes, skeleton, body, places, counts, live, most)
        read = sum(n // len(points) == body for n in live)
        name = f"body {body + 1}: " if skeleton.bodies > 1 else ""
        words = f"{name}{read} of {len(points)} joints"
        axes.text(middle, row * step + 0.06, words, fontsize=TEXT, ha="center", va="top")
    bottom = rows * step + 0.1
    _key(axes, bottom, most, "attention" in record.masks)
    for number, words in enumerate(notes):
        axes.text(MARGIN, bottom + 0.36 + 0.2 * number, words, fontsize=SMALL, color=SOFT, va="top")
    return figure


def _body(
    axes: Axes, skeleton: Skeleton, body: int, places: np.ndarray, counts: np.ndarray,
    live: set[int], most: int,
) -> None:  # fmt: skip
    for parent, child in skeleton.bones:
        ends = places[[parent, child]]
        axes.plot(ends[:, 0], ends[:, 1], color=FAINT, linewidth=4, zorder=1)
    for joint, (x, y) in enumerate(places):
        node = body * len(places) + joint
        _joint(axes, x, y, int(counts[node]) if node in live else 0, most)


def _joint(axes: Axes, x: float, y: float, count: int, most: int) -> None:
    """A disc whose area grows with the count; none: hollow and grey."""
    share = count / most
    radius = LARGEST * np.sqrt(max(share, (SMALLEST / LARGEST) ** 2))
    face = ramp(BLUES)(share) if count else PAPER
    axes.plot(
        [x], [y], "o", markersize=2 * 72 * radius, markerfacecolor=face, zorder=2,
        markeredgecolor=PAPER if count else SOFT, markeredgewidth=1.2,
    )  # fmt: skip


def _key(axes: Axes, top: float, most: int, weights: bool) -> None:
    """What the sizes mean: none, and up to three counts of weights, where weights are counted."""
    x, y = MARGIN + LARGEST, top + 0.1
    sizes = sorted({0, round(most / 4) or 1, round(most / 2) or 1, most})
    for count in sizes:
        _joint(axes, x, y, count, most)
        words = "not read" if not count else f"{count}" if weights else "read"
        axes.text(x + LARGEST + 0.06, y, words, fontsize=SMALL, color=SOFT, va="center")
        x += 0.5 + 0.08 * len(words)
    if weights:
        axes.text(
            x - LARGEST,
            y,
            "attention weights read the joint",
            fontsize=SMALL,
            color=SOFT,
            va="center",
        )
