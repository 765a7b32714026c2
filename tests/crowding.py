"""Texts of a figure that lie over each other, or leave it."""

from __future__ import annotations

from itertools import combinations

from matplotlib.figure import Figure
from matplotlib.text import Text


def texts(figure: Figure) -> list[Text]:
    """The upright texts that are seen."""
    found = list(figure.texts)
    for axes in figure.axes:
        found += [*axes.texts, axes.title, axes._left_title, axes._right_title]
        found += axes.get_legend().get_texts() if axes.get_legend() else []
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            ticks = axis.get_major_ticks()
            found += [
                t.label1 for t in ticks if t.label1.get_visible() and low <= t.get_loc() <= high
            ]
            found.append(axis.label)
    return [t for t in found if t.get_text().strip() and t.get_rotation() == 0]


def crowded(figure: Figure) -> list[str]:
    """Texts that lie over each other, or leave the figure."""
    boxes = [(t.get_text(), t.get_window_extent()) for t in texts(figure)]
    bad = [f"{a} | {b}" for (a, p), (b, q) in combinations(boxes, 2) if p.padded(-1).overlaps(q)]
    whole = figure.bbox
    return bad + [a for a, p in boxes if p.x0 < 0 or p.y0 < 0 or p.x1 > whole.x1 or p.y1 > whole.y1]
