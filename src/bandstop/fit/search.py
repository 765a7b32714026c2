"""The search, without a network: how many of N weights may stay so that a measured cost is within limits."""

from __future__ import annotations

from collections.abc import Callable

CLOSE = 0.01
"""Numbers of weights nearer together than this part are one: a measurement says no more."""


def most_within(limit: float, cost: Callable[[int], float], least: int, most: int) -> int | None:
    """The largest k in [least, most] with cost(k) <= limit, to one in a hundred; None where there is none.

    By bisection on a logarithmic scale: `cost` should rise with k, and where its noise makes it fall what
    is returned was measured to be within the limit all the same.

    >>> most_within(50, lambda k: 2.0 * k, 1, 1000)
    25
    """
    if cost(least) > limit:
        return None
    if cost(most) <= limit:
        return most
    low, high = least, most
    while high - low > max(1, CLOSE * low):
        middle = round((low * high) ** 0.5)
        middle = min(max(middle, low + 1), high - 1)
        if cost(middle) <= limit:
            low = middle
        else:
            high = middle
    return low
