"""weights.png: where the latents ended, against the prior they were aligned with."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import numpy as np

from bandstop.record import Config, Record
from bandstop.report.facts import PRIORS_USED_BY, histogram, masks, percent, removed
from bandstop.report.prior import DENSITIES, THRESHOLDS, empirical_threshold
from bandstop.report.style import (
    BLUE,
    ORANGE,
    SHADE,
    SMALL,
    drawn,
    keyed,
    log_scaled,
    sheet,
)  # fmt: skip

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 3
MOST = 12
"""Tensors that have a panel each; of more only all together are drawn."""
LONGEST = 16
"""Characters of a tensor's name above its panel; where one is longer only all together are drawn."""


@drawn
def weights(record: Record) -> Figure:
    """Density of the final latents on a log scale, of all tensors and of each; the stop band shaded.

    On a log scale the few that stay are seen beside the many that do not.
    """
    names = list(record.latents["counts"])
    fits = len(names) <= MOST and all(len(name) <= LONGEST for name in names)
    shown = names if fits else []
    rows = -(-len(shown) // COLUMNS)
    figure = sheet(record, "Latent weights", 3.1 + 1.95 * rows)
    grid = figure.add_gridspec(rows + 1, COLUMNS, height_ratios=[3.0] + [1.9] * rows)
    whole = figure.add_subplot(grid[0, :])
    panel(whole, record, names)
    whole.set_title("all tensors")
    whole.set_ylabel("density (log)")
    whole.set_xlabel(_label(record))
    keyed(whole)
    all_masks = masks(record)
    for number, name in enumerate(shown):
        axes = figure.add_subplot(grid[1 + number // COLUMNS, number % COLUMNS])
        panel(axes, record, [name])
        axes.tick_params(labelleft=number % COLUMNS == 0)
        axes.set_xticks([-4, 0, 4])
        rate = f"  ·  rate {percent(removed(all_masks[name]))}" if name in all_masks else ""
        axes.set_title(name + rate, fontsize=SMALL)
    return figure


def _label(record: Record) -> str:
    """What the axis is, and where the histogram does not say the value itself."""
    edges, counts = histogram(record)
    beyond = len(counts) > 0 and (counts[0] or counts[-1]) and _reach(record) >= edges[-1]
    return "latent v" + (
        f"  (what lies beyond ±{edges[-1]:g} is in the end bins)" if beyond else ""
    )


def panel(axes: Axes, record: Record, names: list[str]) -> None:
    """One density, with the prior and the stop band where the method has them."""
    edges, counts = histogram(record, names)
    density = counts / (max(1.0, float(counts.sum())) * np.diff(edges))
    floor, reach = _floor(record), _reach(record)
    band, words = stop_band(record, names)
    if band > 0:
        axes.axvspan(-band, band, color=SHADE, zorder=0, linewidth=0, label=words)
        axes.axvspan(-band, band, color=SHADE, alpha=0.5, zorder=2, linewidth=0)
    axes.stairs(
        np.maximum(density, floor), edges, baseline=floor, fill=True, color=BLUE, alpha=0.85,
        label="latents",
    )  # fmt: skip
    if record.options.method in PRIORS_USED_BY:
        prior = record.options.prior
        v = np.linspace(edges[0], edges[-1], 1201)
        axes.plot(
            v,
            np.maximum(DENSITIES[prior](v), 1e-12),
            color=ORANGE,
            label=f"{prior} prior",
            zorder=3,
        )
    log_scaled(axes.yaxis, (1.0,))
    axes.set_ylim(floor, 1.6 * max(1.0, _highest(record)))
    axes.set_xlim(-reach, reach)


def stop_band(record: Record, names: list[str]) -> tuple[float, str]:
    """The a of |v| < a for these tensors and its name; 0 where there is none, or not one for all.

    a(r) of the prior, or the quantile of the recorded latents, at the rate of the tensors that
    compete with these for the budget. Weights that are fine-tuned for long tell no threshold any more.
    """
    options, all_masks = record.options, masks(record)
    groups = {_competitors(options, name, tuple(all_masks)) for name in names}
    group = groups.pop() if len(groups) == 1 else ()
    size = sum(all_masks[name].size for name in group)
    rate = 1 - sum(int(all_masks[name].sum()) for name in group) / size if size else 0.0
    if not 0 < rate < 1:
        return 0.0, ""
    if options.method not in PRIORS_USED_BY:
        a = (
            empirical_threshold(*histogram(record, list(group)), rate)
            if options.method == "mp"
            else 0
        )
        return a, f"cut  |v| < {a:.2f}"
    if options.threshold == "prior":
        a = THRESHOLDS[options.prior](rate)
        return a, f"stop band  |v| < {a:.2f}"
    a = empirical_threshold(*histogram(record, list(group)), rate)
    return a, f"stop band  |v| < about {a:.2f}"


def _competitors(options: Config, name: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The tensors with which `name` shares a threshold: none if it is exempt, itself if it has its own."""

    def among(name: str, patterns: Iterable[str]) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in patterns)

    if name not in names or among(name, options.exempt):
        return ()
    if options.scope == "layer" or among(name, options.rates):
        return (name,)
    apart = (*options.exempt, *options.rates)
    return tuple(other for other in names if not among(other, apart))


def _highest(record: Record) -> float:
    """The largest density in any tensor's histogram."""
    width = record.latents["edges"][1] - record.latents["edges"][0]
    shares = [max(c) / (sum(c) * width) for c in record.latents["counts"].values() if sum(c)]
    return float(max(shares, default=1.0))


def _floor(record: Record) -> float:
    """The density of half a latent in one bin of the smallest tensor, as a power of ten."""
    edges = record.latents["edges"]
    sizes = [sum(counts) for counts in record.latents["counts"].values()]
    return 10.0 ** np.floor(np.log10(0.5 / (max(1, min(sizes, default=1)) * (edges[1] - edges[0]))))


def _reach(record: Record) -> float:
    """Half the width that is drawn: all but one latent in 2000, at least 4."""
    edges, counts = histogram(record)
    middles = np.abs(edges[:-1] + edges[1:]) / 2
    order = np.argsort(middles)
    below = np.cumsum(counts[order])
    if below[-1] == 0:
        return 4.0
    last = middles[order][np.searchsorted(below, 0.9995 * below[-1])]
    return float(np.clip(last + 0.3, 4.0, edges[-1]))
