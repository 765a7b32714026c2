"""The house style of every figure: paper, ink, palette, a heading. No other module sets a colour.

matplotlib is imported when the first figure is drawn. Nothing here touches its global state: a figure
is drawn with matplotlib's defaults and HOUSE, whatever the user's own settings are.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from bandstop.record import Record
from bandstop.report.facts import heading, origin
from bandstop.report.ticks import labelled, unlabelled
from bandstop.text import shown

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import YAxis
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

WIDTH = 7.2
"""Width of a figure, inches: 720 pixels at 100 dpi, which a phone shows whole."""
HEAD = 0.82
"""Height of the heading, inches."""
MARGIN = 0.2
"""Free border around everything, inches."""
DPI = 200
"""A hundredth of an inch is two pixels: the cells of a mask come out even."""

INK, SOFT, FAINT, PALE, PAPER = "#1d2433", "#667085", "#d5d9e2", "#edf0f5", "#ffffff"
SHADE = "#e4e8f0"
BLUE, ORANGE, GREEN, PINK, AMBER, SKY = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9",
)  # fmt: skip
SERIES = (BLUE, ORANGE, GREEN, PINK, AMBER, SKY)
"""Colours that remain apart for the colour-blind (Okabe and Ito 2008)."""
BLUES = ("#8fbbdf", "#2f7fbf", "#08305f")
ORANGES = ("#f6d3bd", "#e8834a", "#a84300")

SMALL, TEXT, LARGE = 9.0, 10.5, 14.0
"""Font sizes, points; SMALL is 12 pixels high at 100 dpi."""

HOUSE: dict[str, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.labelsize": SMALL,
    "axes.titlesize": TEXT,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": FAINT,
    "grid.linewidth": 0.7,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "lines.linewidth": 2.0,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": SMALL,
    "legend.handlelength": 1.4,
    "legend.columnspacing": 1.2,
    "figure.facecolor": PAPER,
    "figure.constrained_layout.h_pad": 0.06,
    "figure.constrained_layout.w_pad": 0.06,
}


@contextlib.contextmanager
def house() -> Iterator[None]:
    """matplotlib's defaults and HOUSE within, the user's settings again after.

    A sign that the font lacks is drawn as a box, without a warning for each.
    """
    from matplotlib import style

    with style.context(["default", HOUSE]), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        yield


Shown = TypeVar("Shown")
Made = TypeVar("Made")


def drawn(draw: Callable[[Shown], Figure]) -> Callable[[Shown], Figure]:
    """Let `draw` work in the house style; what it returns is laid out to the last tick, and every
    tick says its value. All of its text is printable, and none of it a formula."""

    @functools.wraps(draw)
    def within(data: Shown) -> Figure:
        from matplotlib.text import Text

        with house():
            figure = draw(data)
            for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
                if unlabelled(axis):
                    labelled(axis)
            for text in figure.findobj(Text):
                text.set_text(shown(text.get_text(), keep="\n"))
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
        return figure

    return within


class Note(str):
    """Why a figure is not there, in a sentence."""


def attempted(make: Callable[[], Made]) -> Made | Note:
    """What `make` draws, or a note: of many figures one that fails is no reason to lose the others."""
    try:
        return make()
    except Exception as error:  # whatever matplotlib raises on numbers that nobody thought of
        return Note(shown(f"it cannot be drawn ({type(error).__name__}: {error})"))


def sheet(
    record: Record, title: str, height: float, free: bool = False, width: float = WIDTH
) -> Figure:
    """An empty figure under its heading: what it shows, of which run, how good that run is.

    height  inches below the heading
    width   inches of the whole
    free    False: axes are laid out by matplotlib; True: the caller places them, see `canvas`
    """
    from matplotlib.figure import Figure

    whole = height + HEAD
    figure = Figure(figsize=(width, whole), dpi=DPI)
    if not free:
        edge = 0.5 * MARGIN
        box = (edge / width, edge / whole, 1 - 2 * edge / width, (height - edge) / whole)
        figure.set_layout_engine("constrained", rect=box)
    left, right = MARGIN / width, 1 - MARGIN / width
    first, second = 1 - 0.19 / whole, 1 - 0.5 / whole
    figure.text(left, first, title, fontsize=LARGE, fontweight="bold", va="top")
    figure.text(
        right, 1 - 0.23 / whole, origin(record), fontsize=SMALL, color=SOFT, va="top", ha="right"
    )
    figure.text(left, second, heading(record), fontsize=TEXT, color=SOFT, va="top")
    return figure


def canvas(figure: Figure) -> Axes:
    """One bare axes over the whole sheet, in inches from the top left corner of its body."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, width)
    axes.set_ylim(height - HEAD, -HEAD)
    axes.set_in_layout(False)
    return axes


def keyed(axes: Axes, columns: int = 3) -> None:
    """The legend, above the axes at the right, where it can cover nothing."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=columns, borderaxespad=0.1)


def log_scaled(axis: YAxis, steps: tuple[float, ...]) -> None:
    """A log scale with plain numbers: a tick at every power of ten times each of `steps`."""
    from matplotlib.ticker import LogLocator, NullLocator

    axis.axes.set_yscale("log")
    axis.set_major_locator(LogLocator(subs=steps, numticks=12))
    labelled(axis)
    axis.set_minor_locator(NullLocator())


def ramp(colours: tuple[str, ...], below: str = PALE) -> Colormap:
    """A colour map of (0, 1] over `colours`; exactly 0 and less is `below`, so that little shows."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("house", list(colours)).with_extremes(under=below)
