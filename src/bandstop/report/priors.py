"""Where the latents end beside each prior they were aligned with: one panel a prior and threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bandstop.record import Record
from bandstop.report.facts import origin, percent
from bandstop.report.prior import DENSITIES
from bandstop.report.style import DPI, SMALL, TEXT, WIDTH, drawn
from bandstop.report.weights import panel

if TYPE_CHECKING:
    from matplotlib.figure import Figure

USUAL = 0.9
"""The rate that is shown where there is a choice."""


def by_prior(records: Sequence[Record]) -> list[Record] | None:
    """One run for each prior and threshold, all of one rate, fold and seed; None for one prior only."""
    gated = [r for r in records if r.options.method == "pmp" and r.options.alignment != "none"]
    if not gated:
        return None
    rate = min({r.options.rate for r in gated}, key=lambda rate: (abs(rate - USUAL), rate))
    found: dict[tuple[str, str], Record] = {}
    for record in sorted(gated, key=lambda r: (r.options.fold, r.options.seed)):
        if record.options.rate == rate:
            found.setdefault((record.options.threshold, record.options.prior), record)
    known = {prior for _, prior in found}
    return [found[key] for key in sorted(found)] if len(known) > 1 else None


@drawn
def priors(records: Sequence[Record]) -> Figure:
    """Density of all latents on a log scale, the prior over it, the stop band shaded."""
    from matplotlib.figure import Figure

    thresholds = list(dict.fromkeys(r.options.threshold for r in records))
    names = [n for n in DENSITIES if n in {r.options.prior for r in records}]
    size = (WIDTH, 0.75 + 2.1 * len(thresholds))
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    grid = figure.subplots(len(thresholds), len(names), squeeze=False, sharey=True)
    for record in records:
        row = thresholds.index(record.options.threshold)
        axes = grid[row, names.index(record.options.prior)]
        panel(axes, record, list(record.latents["counts"]))
        axes.set_title(
            f"{record.options.prior}, {record.options.threshold} threshold", fontsize=SMALL
        )
        observed = record.result.get("rate_observed")
        if observed is not None:
            axes.text(
                0.5, 0.97, f"observed {percent(observed)}", fontsize=SMALL, ha="center", va="top",
                transform=axes.transAxes, fontweight="bold",
            )  # fmt: skip
        if row == len(thresholds) - 1:
            axes.set_xlabel("latent v")
    for axes in grid[:, 0]:
        axes.set_ylabel("density (log)")
    options = records[0].options
    words = f"rate {percent(options.rate)}  ·  {origin(records[0])}"
    figure.suptitle(words, x=0.01, ha="left", fontsize=TEXT)
    handles, labels = grid[0, 0].get_legend_handles_labels()
    shown = {
        w.split("  ")[0].replace(f"{names[0]} ", ""): h
        for w, h in zip(labels, handles, strict=True)
    }
    figure.legend(shown.values(), shown, loc="outside lower left", ncols=3)
    return figure
