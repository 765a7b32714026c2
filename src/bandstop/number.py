"""Numbers that somebody hands in: made plain Python, or NaN, which breaks every rule on a range.

rate = real(rate)
if not 0 <= rate < 1: ...        also where it was a text, None, true, a tensor or NaN
"""

from __future__ import annotations

import math
from numbers import Integral, Real


def real(value: object) -> float:
    """A real number of any type, NumPy's too, as a float; NaN for whatever is none. True is none.

    >>> real(1), real("1"), real(True)
    (1.0, nan, nan)
    """
    if not isinstance(value, Real) or isinstance(value, bool):
        return math.nan
    try:
        return float(value)
    except OverflowError:  # a whole number of 400 digits
        return math.nan


def whole(value: object) -> int | float:
    """A whole number of any type as an int; NaN for whatever is none. True is none, and 2.0 is none.

    >>> whole(2), whole(2.0), whole(True)
    (2, nan, nan)
    """
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else math.nan
