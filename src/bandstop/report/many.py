"""What the figures of many runs share: their size, the looks of a method, the axes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import numpy as np

from bandstop.report.style import DPI, INK, SERIES, SMALL
from bandstop.report.summary import Row
from bandstop.report.ticks import at_most_all, labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SIZE = (4.2, 3.7)
"""Width and height, inches."""
MARKERS = ("o", "s", "^", "D", "v", "P")
KEY_LINE, LONGEST = 0.2, 52
"""Height of a line of the key, inches; how many characters fit into one."""


def looks(rows: Sequence[Row]) -> dict[str, tuple[str, str]]:
    """Label -> (colour, marker) of every curve, the same in all figures; dense is ink."""
    labels = dict.fromkeys(row.label for row in rows if row.method != "dense")
    found = {
        label: (SERIES[n % len(SERIES)], MARKERS[(n + n // len(SERIES)) % len(MARKERS)])
        for n, label in enumerate(labels)
    }
    return {row.label: (INK, "*") for row in rows if row.method == "dense"} | found


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
    labelled(axes.yaxis, at_most_all)
    axes.set_title("test accuracy", fontsize=SMALL)


LIST = re.compile(r"\b([\d.]+)(,[\d.]+){2,},([\d.]+)\b")


def key_words(labels: Sequence[str]) -> list[str]:
    """What tells curves apart: labels without the words that all of them share, in at most two lines; of a
    list of numbers the first and the last.

    >>> key_words(["pmp, prior gaussian, rate 0.9", "pmp, prior laplace, rate 0.9", "dense"])
    ['prior gaussian', 'prior laplace', 'dense']
    >>> key_words(["mrmp, seen 50,70,90,98", "pmp"])
    ['mrmp, seen 50…98', 'pmp']
    """
    parts = [LIST.sub(r"\1…\3", label).split(", ") for label in labels]
    compared = [set(p) for p in parts if p[0] not in ("dense", "Pareto front")]
    common = set.intersection(*compared) if len(compared) > 1 else set()
    own = [", ".join(word for word in p if word not in common) for p in parts]
    return [
        fill(mine or label, LONGEST, max_lines=2, placeholder=" …", break_long_words=True)
        for mine, label in zip(own, labels, strict=True)
    ]


def key_below(figure: Figure, axes: Axes) -> None:
    """The legend under the axes; the figure grows by what it takes."""
    handles, labels = axes.get_legend_handles_labels()
    if handles:
        words = key_words(labels)
        longest = max(len(line) for word in words for line in word.splitlines())
        columns = 3 if longest <= 14 else 2 if longest <= 24 else 1
        tall = sum(word.count("\n") for word in words)
        lines = -(-len(handles) // columns) + tall
        figure.set_size_inches(SIZE[0], SIZE[1] + KEY_LINE * max(0, lines - 2))
        figure.legend(handles, words, loc="outside lower left", ncols=columns)
