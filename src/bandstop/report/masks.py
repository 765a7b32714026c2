"""masks.png: which weights stay, entry by entry."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Record
from bandstop.report.facts import clipped, masks, percent, removed, thousands
from bandstop.report.kept import kept_figure
from bandstop.report.style import (
    BLUES,
    INK,
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

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST, MOST, STEP = 0.015, 0.08, 0.005
"""Sides of a cell and their unit, inches: at 200 dpi 3 to 16 pixels, and one."""
TALLEST = 5.0
"""Height that the panels of a tensor should not exceed, inches."""
COLUMNS = 6
GAP, LABEL, HEAD_LINE = 0.14, 0.2, 0.68
LETTER = 0.072
"""Width of a character at SMALL, inches."""


@dataclass(frozen=True)
class Section:
    """One tensor as equal panels.

    panels  (panel, row, column) booleans;  names  of the panels
    axes    what the rows and columns are, in words
    cuts    rows and columns before which a thin line is drawn: another body, another head
    """

    name: str
    panels: np.ndarray
    names: list[str]
    axes: str
    row_cuts: list[int]
    column_cuts: list[int]


@dataclass(frozen=True)
class Tiling:
    """How a section is laid out, in inches; a cell stands for `block` neighbouring columns."""

    columns: int
    pitch: float
    line: float
    block: int
    wide: float
    high: float
    height: float


@drawn
def masks_figure(record: Record) -> Figure:
    """Attention by head, filters by head, the dense layer by class; dark is a weight that stays."""
    if "attention" not in record.masks:
        return kept_figure(record)
    parts = sections(record)
    tilings = [tiling(*part.panels.shape) for part in parts]
    height = sum(HEAD_LINE + t.height for t in tilings) + 0.1
    figure = sheet(record, "Weights that stay", max(height, 1.0), free=True)
    axes = canvas(figure)
    top = 0.0
    for part, tiles in zip(parts, tilings, strict=True):
        _draw(axes, part, tiles, top)
        top += HEAD_LINE + tiles.height
    return figure


def sections(record: Record) -> list[Section]:
    """The tensors that the record knows, each cut into panels that mean something."""
    joints = len(record.skeleton["joints"])
    bodies = [b * joints for b in range(1, record.skeleton.get("bodies", 1))]
    classes = [str(name) for name in record.data["classes"]]
    filters = record.options.filters
    found = []
    for name, mask in masks(record).items():
        heads = [f"head {k + 1}" for k in range(mask.shape[0])]
        if name == "attention":
            words = "down: node computed, across: node read"
            found.append(Section(name, mask, heads, words, bodies, bodies))
        elif name == "filters":
            words = "down: feature, across: filter"
            found.append(Section(name, mask, heads, words, [], []))
        else:
            by_class = np.moveaxis(mask, -1, 0).swapaxes(1, 2)
            concat = record.options.fusion == "concat"
            cuts = list(range(filters, mask.shape[0], filters)) if concat else []
            words = "down: node, across: filter" + (" of each head" if concat else "")
            found.append(Section(name, by_class, classes, words, bodies, cuts))
    return found


def tiling(panels: int, rows: int, columns: int) -> Tiling:
    """The number of panels beside each other that leaves most room for a cell.

    All of a tensor takes TALLEST inches or little more. Cells are whole STEPs; where there is no room
    for LEAST, neighbouring columns share a cell.

    >>> tiling(8, 30, 30).columns, tiling(8, 30, 30).block
    (4, 1)
    """
    most = max(1, min(panels, COLUMNS))
    choices = [_tiled(panels, rows, columns, beside) for beside in range(1, most + 1)]

    def merit(t: Tiling) -> tuple[float, float, float]:
        room = t.wide * t.high / t.block * (0.8 if panels % t.columns else 1)
        return -max(0.0, round(t.height - TALLEST, 2)), room, -t.height

    return max(choices, key=merit)


def _tiled(panels: int, rows: int, columns: int, beside: int) -> Tiling:
    """The tiling with so many panels beside each other."""
    room = WIDTH - 2 * MARGIN + GAP
    block = 1
    while columns / block * LEAST > room / beside - GAP and block < columns:
        block *= 2
    cells, lines = math.ceil(columns / block), math.ceil(panels / beside)
    wide = _stepped((room / beside - GAP) / cells)
    high = _stepped((TALLEST / lines - LABEL - GAP) / rows)
    if block == 1:
        wide = high = min(wide, high)
    line = LABEL + rows * high + GAP
    pitch, used = room / beside, cells * wide
    if beside > 1 and (room - GAP - used) / (beside - 1) < 1.5 * used:
        pitch = (room - GAP - used) / (beside - 1)  # to the right margin, with even gaps
    return Tiling(beside, pitch, line, block, wide, high, lines * line)


def _stepped(size: float) -> float:
    """Rounded down to a whole STEP, within LEAST and MOST."""
    return float(np.clip(math.floor(size / STEP + 1e-6) * STEP, LEAST, MOST))


def shares(panel: np.ndarray, block: int) -> np.ndarray:
    """The share that stays of every `block` neighbouring columns: (rows, ceil(columns / block)).

    >>> shares(np.array([[True, False, False, False, True]]), 2)
    array([[0.5, 0. , 1. ]])
    """
    starts = np.arange(0, panel.shape[1], block)
    widths = np.minimum(block, panel.shape[1] - starts)
    return np.add.reduceat(panel.astype(float), starts, axis=1) / widths


def _draw(axes: Axes, part: Section, tiles: Tiling, top: float) -> None:
    count, size = int(part.panels.sum()), part.panels.size
    words = f"{part.name}  ·  rate {percent(removed(part.panels))}"
    stay = f"{thousands(count)} of {thousands(size)} stay"
    axes.text(MARGIN, top + 0.16, words, fontsize=TEXT, fontweight="bold", va="top")
    axes.text(WIDTH - MARGIN, top + 0.18, stay, fontsize=SMALL, color=SOFT, va="top", ha="right")
    note = part.axes
    if tiles.block > 1:
        note += f"; a cell is {tiles.block} filters, darker where more stay"
    axes.text(MARGIN, top + 0.4, note, fontsize=SMALL, color=SOFT, va="top")
    cells = [shares(panel, tiles.block) for panel in part.panels]
    top_share = max((float(c.max(initial=0)) for c in cells), default=0) or 1.0
    colours = ramp(BLUES if tiles.block > 1 else BLUES[-2:])
    for number, name in enumerate(part.names):
        row, column = divmod(number, tiles.columns)
        left = MARGIN + column * tiles.pitch
        upper = top + HEAD_LINE + row * tiles.line
        kept = int(part.panels[number].sum())
        tail = f" · {thousands(kept)}"
        fitting = int((tiles.pitch - GAP) / LETTER)
        words = name + tail if len(name + tail) <= fitting else clipped(name, fitting)
        colour = INK if kept else SOFT
        axes.text(left, upper + LABEL - 0.04, words, fontsize=SMALL, va="bottom", color=colour)
        box = _box(cells[number], tiles, left, upper + LABEL)
        axes.imshow(
            cells[number], cmap=colours, vmin=1e-9, vmax=top_share, extent=box, aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        for y in (box[3] + cut * tiles.high for cut in part.row_cuts):
            axes.plot(box[:2], [y, y], color=PAPER, linewidth=0.6)
        for x in (left + cut * tiles.wide / tiles.block for cut in part.column_cuts):
            axes.plot([x, x], box[2:], color=PAPER, linewidth=0.6)


def _box(
    cells: np.ndarray, tiles: Tiling, left: float, top: float
) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a panel, inches downwards."""
    rows, columns = cells.shape
    return left, left + columns * tiles.wide, top + rows * tiles.high, top
