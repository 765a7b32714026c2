"""What stands at an axis's ticks: always the tick's value, to all its digits.

No other module formats a tick. `labelled` says what an axis shows; an axis that nobody asked about gets
plain numbers, for `style.drawn` lets none keep matplotlib's own labels, which may round, count from an
offset or leave a factor to the axis's end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axis import Axis

DIGITS = 10
"""Significant ones: more than any locator's steps need, fewer than floats are wrong by."""
MINUS = "\N{MINUS SIGN}"


def plain(value: float) -> str:
    """
    >>> plain(0.30000000000000004), plain(-2.5), plain(1234567.0), plain(1e-7)
    ('0.3', '−2.5', '1234567', '1e−07')
    """
    return f"{value:.{DIGITS}g}".replace("-", MINUS)


def percent(value: float) -> str:
    """
    >>> percent(0.825), percent(0.8), percent(0.1 + 0.2)
    ('82.5 %', '80 %', '30 %')
    """
    return f"{plain(100 * value)} %"


def removed(stays: float) -> str:
    """A rate, where the axis measures what stays.

    >>> removed(0.1), removed(1 - 0.965)
    ('90 %', '96.5 %')
    """
    return percent(1 - stays)


def at_most_all(share: float) -> str:
    """Percent of something of which there is no more than all: nothing stands beyond 100 %.

    >>> at_most_all(1.0), at_most_all(1.02)
    ('100 %', '')
    """
    return percent(share) if share <= 1 + 1e-9 else ""


def count(value: float) -> str:
    """Thousands, millions and milliards by their letters.

    >>> count(35000), count(1.5e6), count(500), count(123456)
    ('35 k', '1.5 M', '500', '123.456 k')
    """
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return plain(value / size) + unit
    return plain(value)


def labelled(axis: Axis, words: Callable[[float], str] = plain) -> None:
    """Have `words` of its value stand at every major tick."""
    from matplotlib.ticker import FuncFormatter

    axis.set_major_formatter(FuncFormatter(lambda value, _: words(value)))


def unlabelled(axis: Axis) -> bool:
    """Whether matplotlib would choose the labels itself."""
    from matplotlib.ticker import LogFormatter, ScalarFormatter

    return isinstance(axis.get_major_formatter(), LogFormatter | ScalarFormatter)
