"""The figures of one run, as one literal table, and all of them as files."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.errors import Failure
from bandstop.files import write_atomically
from bandstop.record import Record
from bandstop.report.confusion import confusion
from bandstop.report.masks import masks_figure
from bandstop.report.skeleton import skeleton_figure
from bandstop.report.style import Note, attempted, house
from bandstop.report.training import training
from bandstop.report.weights import weights

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES: dict[str, Callable[[Record], Figure]] = {
    "training": training,
    "weights": weights,
    "masks": masks_figure,
    "confusion": confusion,
    "skeleton": skeleton_figure,
}
"""Name of the figure, and of its file without the ending -> what draws it."""

OF_MASKS = ("weights", "masks", "skeleton")
"""Figures of what stays: a network that is only compared with ours has none."""


def png(figure: Figure) -> bytes:
    """The figure as a PNG of its own resolution; the same figure gives the same bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    with house():
        FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})
    return content.getvalue()


def _drawn(draw: Callable[[Record], Figure], record: Record) -> bytes:
    return png(draw(record))


def draw_all(
    record: Record, folder: Path, tell: Callable[[str], None] = lambda words: None
) -> list[Path]:
    """Write every figure of the run into `folder`, which is made if need be; their paths, in order.

    tell  is told of each figure that cannot be drawn; the others are written all the same
    Errors: Failure where the folder or a file cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(
            f"{folder} cannot be made: {error.strerror}; choose another folder for the figures"
        ) from error
    paths = []
    for name, draw in FIGURES.items():
        if name in OF_MASKS and not record.masks:
            continue
        content = attempted(partial(_drawn, draw, record))
        if isinstance(content, Note):
            tell(f"figure {name}: {content}")
            continue
        paths.append(folder / f"{name}.png")
        write_atomically(paths[-1], content)
    return paths
