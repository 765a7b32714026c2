"""A bundle as commands take it: of one rate, and it is said which where nobody chose it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bandstop.bundle import Bundle


def of_one_rate(path: Path, rate: float | None, remedy: str = "--rate chooses another") -> Bundle:
    """The bundle at `rate`. A bundle of many rates without one is what it holds at its lowest; that is
    told on the error output, and the bundle's facts say it."""
    from bandstop.bundle import load_bundle
    from bandstop.text import shown

    net = load_bundle(path)
    if rate is not None:
        return net.at(rate)
    if net.order is not None:
        words = (
            f"{path.name} holds every rate from {net.order.lowest:g} to {net.order.highest:g}; taken is "
            f"{net.order.lowest:g}, the lowest and largest; {remedy}"
        )
        typer.echo(shown(words), err=True)
    return net
