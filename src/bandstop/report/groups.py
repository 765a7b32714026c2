"""Figures of several runs beside each other, as one literal table: each says which runs it needs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bandstop.record import Record
from bandstop.report.crops import alike, crops
from bandstop.report.priors import by_prior, priors
from bandstop.report.rates import ladder, many_rates
from bandstop.report.stopped import gated_run, stopped

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Group:
    """A figure of some records.

    pick     what it needs of them; None: these cannot show it
    draw     the figure of what was picked
    picture  it has pictures in it, which a page inverts as a whole in the dark
    wide     on a phone it may be scrolled
    """

    title: str
    caption: str
    pick: Callable[[Sequence[Record]], Any]
    draw: Callable[[Any], Figure]
    picture: bool = False
    wide: bool = True


GROUPS: dict[str, Group] = {
    "many-rates": Group(
        "One training, every rate",
        "mrmp at rates that it was trained with, at every whole percent between, and beyond; the band is "
        "one standard deviation.",
        ladder,
        many_rates,
        wide=False,
    ),
    "priors": Group(
        "Weights against each prior",
        "The final latents of one run a prior and threshold, and the rate that its gates observed before "
        "the exact cut.",
        by_prior,
        priors,
    ),
    "band-stop": Group(
        "The band-stop function",
        "On the final latents of one run, with the sharpness of the start, the middle and the end.",
        gated_run,
        stopped,
    ),
    "crops": Group(
        "Masks side by side",
        "Crops of one network, fold and seed: the same blocks of each, those where most is left.",
        alike,
        crops,
        picture=True,
    ),
}
"""Name -> the figure."""
