"""masks.png of a network of many tensors: how much of each stays, from the input to the output."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bandstop.record import Record
from bandstop.report.facts import clipped, masks, thousands
from bandstop.report.style import BLUE, PALE, SMALL, SOFT, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE = 0.19
"""Height of a tensor, inches."""
MOST = 60
"""Tensors that are drawn; of more those with the most weights."""


def kept_figure(record: Record) -> Figure:
    """A bar a tensor, as long as the part of it that stays; the numbers beside it.

    Parameters
    ----------
    record : of a run
    """
    there = masks(record)
    largest = sorted(there, key=lambda name: -there[name].size)[:MOST]
    names = [name for name in there if name in largest]
    figure = sheet(record, "Weights that stay", 0.5 + LINE * len(names))
    axes = figure.add_subplot()
    places = range(len(names))
    parts = [float(there[name].mean()) for name in names]
    axes.barh(places, [1.0] * len(names), color=PALE, height=0.7)
    axes.barh(places, parts, color=BLUE, height=0.7)
    axes.grid(visible=False)
    labels = [clipped(name.removeprefix("net.").removesuffix(".weight"), 34) for name in names]
    axes.set_yticks(list(places), labels, fontsize=SMALL - 2)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlim(0, 1.32)
    axes.set_xticks([0, 0.5, 1], ["0", "50 %", "100 %"])
    axes.tick_params(axis="y", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    for place, name in zip(places, names, strict=True):
        mask = there[name]
        axes.text(
            1.02, place, f"{thousands(int(mask.sum()))} of {thousands(mask.size)}",
            va="center", fontsize=SMALL - 2, color=SOFT,
        )  # fmt: skip
    return figure
