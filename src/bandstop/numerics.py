"""Small primitives used in several rooms. They import nothing of ours."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'pmp'?` for a near miss, else nothing: the end of an error about a wrong name.

    >>> nearest("pmpp", ["dense", "pmp"])
    "; did you mean 'pmp'?"
    >>> nearest("zzz", ["dense", "pmp"])
    ''
    """
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
