"""Crops of the masks of several networks side by side, so that blocks, rows and columns are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Config, Record
from bandstop.report.facts import masks, percent, removed
from bandstop.report.style import (
    BLUES,
    DPI,
    FAINT,
    ORANGE,
    SMALL,
    SOFT,
    TEXT,
    WIDTH,
    drawn,
    ramp,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORDER = ("dense", "structured", "unstructured", "semi-structured", "ctf")
"""Methods that are shown, from left to right: the original first."""
NAMES = {"dense": "original"}
CELL = 0.02
"""Side of a cell, inches: 4 pixels at 200 dpi."""
ACROSS, DOWN = 60, 60
"""Most cells of a crop either way."""
GAP, HEAD, LINE = 0.18, 0.62, 0.36


@dataclass(frozen=True)
class Crop:
    """Some blocks of a mask as one picture.

    cells   (row, column) booleans;  rows, columns  where a block ends
    """

    cells: np.ndarray
    rows: tuple[int, ...]
    columns: tuple[int, ...]


def alike(records: Sequence[Record]) -> list[Record] | None:
    """One run a method, all of one network, fold and seed and of the rate that most methods have; None
    where there are fewer than two pruned ones, or no structured one."""
    groups: dict[tuple, dict[str, Record]] = {}
    for r in records:
        o = r.options
        if o.method in ORDER and o.method != "dense":
            key = (*_compared(r), o.rate)
            known = groups.setdefault(key, {}).setdefault(o.method, r)
            if len(o.differing()) < len(known.options.differing()):
                groups[key][o.method] = r  # the whole method, not one of its ablations
    usable = [g for g in groups.values() if len(g) > 1 and {"structured", "ctf"} & set(g)]
    if not usable:
        return None
    found = max(usable, key=lambda g: (len(g), -abs(_first(g).options.rate - 0.95)))
    one = _first(found)
    same = [r for r in records if r.options.method == "dense" and _compared(r) == _compared(one)]
    return [*same[:1], *(found[name] for name in ORDER if name in found)]


def _compared(record: Record) -> tuple[str, Config]:
    """Equal for runs that one dense reference stands for: recordings, fold, network, training, seed."""
    return str(record.data["fingerprint"]), replace(record.options.dense(), data="")


def _first(group: dict[str, Record]) -> Record:
    return next(iter(group.values()))


def fullest(masks: Sequence[np.ndarray], axis: int, most: int) -> np.ndarray:
    """The `most` places along an axis where most is left, each network counting alike; in their order.

    >>> fullest([np.eye(3)[None], np.array([[[0, 0, 5]] * 3])], axis=2, most=1)
    array([2])
    """
    others = tuple(a for a in range(3) if a != axis)
    shares = sum(m.sum(axis=others) / max(m.sum(), 1) for m in masks)
    return np.sort(np.argsort(-shares, kind="stable")[:most])


def chosen(masks: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The same blocks, rows and columns of every network, as many as a crop holds."""
    for axis, most in ((1, DOWN), (2, ACROSS)):
        masks = [np.take(m, fullest(masks, axis, most), axis) for m in masks]
    _, high, wide = masks[0].shape
    held = fullest(masks, 0, (ACROSS // wide) * (DOWN // high))
    return [m[held] for m in masks]


def crop(mask: np.ndarray) -> Crop:
    """Blocks laid out in lines.

    >>> crop(np.ones((4, 30, 30), bool)).cells.shape
    (60, 60)
    """
    blocks, high, wide = mask.shape
    beside = max(1, min(blocks, ACROSS // wide))
    below = max(1, min(-(-blocks // beside), DOWN // high))
    cells = np.zeros((below * high, beside * wide), dtype=bool)
    for place in range(min(blocks, beside * below)):
        y, x = divmod(place, beside)
        cells[y * high : (y + 1) * high, x * wide : (x + 1) * wide] = mask[place]
    rows = tuple(n * high for n in range(1, below))
    return Crop(cells, rows, tuple(n * wide for n in range(1, beside)))


WORDS = {
    "attention": "attention: a block is a head; down nodes computed, across nodes read",
    "filters": "filters: a block is a head; down features, across filters (the fullest)",
    "dense": "dense layer: a block is a filter; down nodes, across classes",
}


@drawn
def crops(records: Sequence[Record]) -> Figure:
    """A column a network, a row a tensor; dark stays, thin lines part the blocks.

    Shown are the same blocks, rows and columns of every network: those where most is left.
    """
    from matplotlib.figure import Figure

    all_masks = [masks(r) for r in records]
    parts = {name: [crop(m) for m in chosen([m[name] for m in all_masks])] for name in all_masks[0]}
    pitch = (WIDTH - GAP) / max(len(records), 4)
    cell = min(CELL, (pitch - GAP) / max(p[0].cells.shape[1] for p in parts.values()))
    high = {name: cell * p[0].cells.shape[0] for name, p in parts.items()}
    height = HEAD + sum(LINE + h for h in high.values()) + GAP
    figure = Figure(figsize=(WIDTH, height), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    for n, record in enumerate(records):
        _head(axes, record, GAP + n * pitch)
    top = HEAD
    for name, row in parts.items():
        axes.text(GAP, top + 0.1, WORDS.get(name, name), fontsize=SMALL, color=SOFT, va="top")
        top += LINE
        for n, part in enumerate(row):
            _draw(axes, part, GAP + n * pitch, top, cell)
        top += high[name]
    return figure


def _head(axes: Axes, record: Record, left: float) -> None:
    method = record.options.method
    rate = percent(removed(np.concatenate([m.ravel() for m in masks(record).values()])))
    axes.text(left, 0.12, NAMES.get(method, method), fontsize=TEXT - 1, fontweight="bold", va="top")
    words = "all weights" if method == "dense" else f"rate {rate}"
    axes.text(left, 0.36, words, fontsize=SMALL, color=SOFT, va="top")


def _draw(axes: Axes, part: Crop, left: float, top: float, cell: float) -> None:
    rows, columns = part.cells.shape
    right, bottom = left + columns * cell, top + rows * cell
    axes.imshow(
        part.cells, cmap=ramp(BLUES[-2:]), vmin=1e-9, vmax=1, extent=(left, right, bottom, top),
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    for y in part.rows:
        axes.plot([left, right], [top + y * cell] * 2, color=ORANGE, lw=0.7)
    for x in part.columns:
        axes.plot([left + x * cell] * 2, [top, bottom], color=ORANGE, lw=0.7)
    axes.plot(
        [left, right, right, left, left], [top, top, bottom, bottom, top], color=FAINT, lw=0.7
    )
