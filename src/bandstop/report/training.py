"""training.png: what was minimised, what was removed, and how well it recognised, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bandstop.record import WHOLE, Record
from bandstop.report.facts import (
    PRIORS_USED_BY,
    accuracies,
    clipped,
    cut_step,
    loss_terms,
    percent,
    series,
)
from bandstop.report.style import (
    AMBER,
    BLUE,
    INK,
    ORANGE,
    SERIES,
    SHADE,
    SOFT,
    TEXT,
    canvas,
    drawn,
    keyed,
    log_scaled,
    sheet,
)  # fmt: skip
from bandstop.report.ticks import at_most_all, labelled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FEW = 4
"""Below so many epochs each is marked with a dot: a line of one point shows nothing."""
LONGEST = 24
"""Characters of a loss term's name."""


@drawn
def training(record: Record) -> Figure:
    """Panels over the steps: loss terms, observed rate against its target, accuracy.

    The dense network has no rate to show; a method that makes no step of its own says so.
    """
    history = record.history
    if not history:
        return _untrained(record)
    panels = [_loss, *([_rate] if record.options.method not in WHOLE else []), _accuracy]
    figure = sheet(record, "Training", 2.05 * len(panels) + 0.35)
    steps = series(history, "step")
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False)[:, 0]
    line: dict[str, Any] = {"marker": "o", "markersize": 6} if len(history) < FEW else {}
    for panel, axis in zip(panels, axes, strict=True):
        _shade_final(axis, record)
        panel(axis, record, steps, line)
        keyed(axis)
    axes[-1].set_xlabel("optimiser steps")
    axes[-1].set_xlim(0, max(record.options.steps, float(np.nanmax(steps))) * 1.015)
    return figure


def _untrained(record: Record) -> Figure:
    figure = sheet(record, "Training", 1.0, free=True)
    words = "no epoch was recorded"
    if record.options.method == "mp":
        words = "no step of its own: the dense reference's weights, cut to the budget"
    canvas(figure).text(0.2, 0.35, words, fontsize=TEXT, color=INK, va="center")
    return figure


def _shade_final(axes: Axes, record: Record) -> None:
    """The part of the training in which the mask no longer changes."""
    cut, steps = cut_step(record.options), record.options.steps
    if cut is not None and cut < steps:
        axes.axvspan(cut, steps, color=SHADE, zorder=0, linewidth=0)
        axes.axvline(cut, color=SOFT, linewidth=1, linestyle=(0, (1, 2)), zorder=1)


def _loss(axes: Axes, record: Record, steps: np.ndarray, line: dict[str, Any]) -> None:
    terms = loss_terms(record.history)
    positive = np.concatenate([v[v > 0] for v in terms.values()]) if terms else np.array([])
    wide = len(positive) > 0 and positive.max() > 10 * positive.min()
    for number, (name, values) in enumerate(terms.items()):
        shown = np.where(values > 0, values, np.nan) if wide else values
        style = ("-", "--")[number // len(SERIES) % 2]
        colour = SERIES[number % len(SERIES)]
        label = clipped(name.replace("_", " "), LONGEST)
        axes.plot(steps, shown, style, color=colour, label=label, **line)
    if wide:
        decades = np.log10(positive.max() / positive.min())
        log_scaled(axes.yaxis, (1.0, 3.0) if decades < 3 else (1.0,))
    axes.set_title("loss terms (log)" if wide else "loss terms")


def _rate(axes: Axes, record: Record, steps: np.ndarray, line: dict[str, Any]) -> None:
    target = record.options.rate
    values = series(record.history, "observed_rate")
    axes.axhline(
        target, color=ORANGE, linewidth=1.5, linestyle="--", label=f"target {percent(target)}"
    )
    words, before = "observed", record.result.get("rate_observed")
    if before is not None and record.options.method in PRIORS_USED_BY:
        words += f", {percent(before)} before the cut"
    axes.plot(steps, values, color=BLUE, label=words, **line)
    cut = cut_step(record.options)
    if cut is not None and cut < record.options.steps:
        axes.fill_between([], [], [], color=SHADE, edgecolor=SOFT, label="mask final")
    axes.set_ylim(-0.03, 1.05)
    labelled(axes.yaxis, at_most_all)
    axes.set_title("rate")


def _accuracy(axes: Axes, record: Record, steps: np.ndarray, line: dict[str, Any]) -> None:
    curves = accuracies(record.history)
    tested = record.result["accuracy"]
    right = np.nan if tested is None else tested
    for colour, (name, values) in zip((BLUE, AMBER), curves.items(), strict=False):
        axes.plot(steps, values, color=colour, label=name, clip_on=False, zorder=3, **line)
    axes.plot(
        [steps[-1]], [right], "D", color=ORANGE, markersize=7, label="test", clip_on=False, zorder=4
    )
    seen = np.concatenate([*curves.values(), [right]])
    low = float(np.nanmin(seen)) if np.isfinite(seen).any() else 0.0
    axes.set_ylim(max(0.0, min(0.9, np.floor(low * 10 - 0.5) / 10)), 1.02)
    labelled(axes.yaxis, at_most_all)
    axes.set_title("accuracy")
