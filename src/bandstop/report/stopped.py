"""The band-stop function on a distribution of weights: what it stops, and what passes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Record
from bandstop.report.facts import histogram, percent
from bandstop.report.prior import DENSITIES
from bandstop.report.priors import USUAL
from bandstop.report.style import BLUE, FAINT, ORANGE, SOFT, drawn, keyed, sheet
from bandstop.report.weights import stop_band

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDE = 4.0
"""Half the width that is drawn."""


def band_stop(v: np.ndarray, a: float, sigma: float) -> np.ndarray:
    """psi_{a, sigma}(v) = sigmoid(sigma (v^2 - a^2)), the shape of v (PMP, arXiv 2305.19343; form ours).

    >>> band_stop(np.array([0.0, 1.0, 3.0]), 1.0, 100.0).round(3).tolist()
    [0.0, 0.5, 1.0]
    """
    return 0.5 * (1 + np.tanh(0.5 * sigma * (v * v - a * a)))


def gated_run(records: Sequence[Record]) -> Record | None:
    """A run with a stop band that is easily seen: pmp, near the usual rate, the first fold and seed."""
    gated = [r for r in records if r.options.method == "pmp" and 0 < r.options.rate < 1]

    def merit(r: Record) -> tuple:
        o = r.options
        return abs(o.rate - USUAL), o.prior != "gaussian", o.threshold, o.fold, o.seed

    return min(gated, key=merit, default=None)


@drawn
def stopped(record: Record) -> Figure:
    """Above: density of the latents, its prior, and psi from soft to crisp. Below: density times psi."""
    options = record.options
    edges, counts = histogram(record)
    density = counts / (max(1.0, float(counts.sum())) * np.diff(edges))
    a, _ = stop_band(record, list(record.latents["counts"]))
    v = np.linspace(-WIDE, WIDE, 1601)
    figure = sheet(record, "The band-stop function on the weights", 5.0)
    above, below = figure.subplots(2, 1, sharex=True)
    above.stairs(density, edges, fill=True, color=BLUE, alpha=0.35, label="latents")
    above.plot(v, DENSITIES[options.prior](v), color=ORANGE, lw=1.5, label=f"{options.prior} prior")
    above.set_ylabel("density")
    mask = above.twinx()
    mask.grid(False)
    sharpness = np.geomspace(options.sigma_start, options.sigma_end, 3)
    for sigma, style in zip(sharpness, (":", "--", "-"), strict=True):
        mask.plot(v, band_stop(v, a, sigma), color=SOFT, ls=style, lw=1.6)
        above.plot([], [], color=SOFT, ls=style, lw=1.6, label=f"psi, sigma {sigma:.3g}")
    mask.set_ylim(0, 1.08)
    mask.set_ylabel("mask psi")
    mask.spines["right"].set_visible(True)
    keyed(above, columns=5)
    middles = (edges[:-1] + edges[1:]) / 2
    passes = density * band_stop(middles, a, options.sigma_end)
    below.stairs(density, edges, fill=True, color=FAINT, label="stopped")
    below.stairs(passes, edges, fill=True, color=BLUE, label="passes")
    for edge in (-a, a):
        below.axvline(edge, color=SOFT, lw=1, ls="--")
    below.set_ylabel("density")
    below.set_xlabel(f"latent v; stop band |v| < {a:.2f}, which {percent(options.rate)} lie in")
    below.set_xlim(-WIDE, WIDE)
    keyed(below)
    return figure
