"""Paired comparison: Wilcoxon's signed ranks, effect size, interval, Holm's correction.

Accuracies on some dozens of recordings tie all the time, and folds times seeds are few. So the null
distribution is computed exactly, given the ranks with their ties, by convolution; there is no normal
approximation at any n. SciPy's exact distribution holds only without ties; the tests use it as oracle
where it does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

DIGITS = 12
"""Differences are rounded to so many decimals: 0.9 - 0.8 and 0.8 - 0.7 are a tie."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Paired:
    """What n paired differences say.

    n            pairs; unequal  those with a difference, on which the test rests
    p            two-sided, exact; None where no test is possible (no pair differs)
    least        the smallest p that so many unequal pairs can give, 2^(1 - unequal)
    effect       matched-pairs rank-biserial correlation, -1 to 1: (W+ - W-) / (W+ + W-)
    mean         of the differences
    median       Hodges-Lehmann: the median of the means of all pairs of differences
    interval     exact interval of that median, and `coverage`, its true confidence
    """

    n: int
    unequal: int
    p: float | None
    least: float | None
    effect: float
    mean: float
    median: float
    interval: tuple[float, float]
    coverage: float


def paired(differences: Iterable[float]) -> Paired:
    """Test, size and interval of paired differences.

    Wilcoxon (Biometrics Bulletin 1, 1945): pairs without a difference say nothing and are left out of
    the test; they are kept in the median and its interval. Errors: ValueError for none or NaN.

    >>> paired([0.1, 0.2, 0.3, 0.4, 0.5]).p
    0.0625
    """
    d = np.round(np.asarray(list(differences), dtype=float), DIGITS)
    if not d.size or not np.isfinite(d).all():
        raise ValueError(f"a comparison needs finite differences, not {d.tolist()}")
    unequal = d[d != 0]
    n = len(unequal)
    ranks = midranks(np.abs(unequal))
    above, total = float(ranks[unequal > 0].sum()), float(ranks.sum())
    low, high, coverage = interval(d)
    return Paired(
        n=len(d),
        unequal=n,
        p=two_sided(ranks, above) if n else None,
        least=2.0 ** (1 - n) if n else None,
        effect=(2 * above - total) / total if n else 0.0,
        mean=float(d.mean()),
        median=float(np.median(walsh(d))),
        interval=(low, high),
        coverage=coverage,
    )


def midranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties sharing their mean.

    >>> midranks(np.array([5.0, 3.0, 5.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]


def null(ranks: np.ndarray) -> np.ndarray:
    """P(2 W+ = s), s = 0 … 2 Σ ranks: every rank is in W+ with probability 1/2, independently."""
    doubled = np.rint(2 * ranks).astype(int)
    p = np.zeros(int(doubled.sum()) + 1)
    p[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(p)
        shifted[rank:] = p[: len(p) - rank]
        p = (p + shifted) / 2
    return p


def two_sided(ranks: np.ndarray, above: float) -> float:
    """P(W+ at least as far from its mean as `above`), exact given the ranks."""
    p = null(ranks)
    distance = np.abs(2 * np.arange(len(p)) - (len(p) - 1))
    far = abs(2 * round(2 * above) - (len(p) - 1))
    return min(1.0, float(p[distance >= far].sum()))


def walsh(d: np.ndarray) -> np.ndarray:
    """The means (d_i + d_j) / 2, i <= j, sorted."""
    i, j = np.triu_indices(len(d))
    return np.sort((d[i] + d[j]) / 2)


def interval(d: np.ndarray, confidence: float = CONFIDENCE) -> tuple[float, float, float]:
    """Low, high and true confidence of the interval of the median difference.

    The Walsh averages that Wilcoxon's test would not refuse (Hollander and Wolfe, Nonparametric
    Statistical Methods, 3.3): at least `confidence` where n allows it, from 6 pairs on for 95 %. With
    fewer pairs it is the whole range of the differences, whose confidence 1 - 2^(1 - n) is said. With
    ties the confidence is at least that.
    """
    below = np.cumsum(null(np.arange(1.0, len(d) + 1))[::2])  # P(W+ <= s): untied ranks are whole
    skip = max(1, int(np.searchsorted(below, (1 - confidence) / 2 + 1e-12)))
    averages = walsh(d)
    return (
        float(averages[skip - 1]),
        float(averages[-skip]),
        1 - 2 * float(below[skip - 1]),
    )


def holm(values: Sequence[float | None]) -> list[float | None]:
    """p corrected for their number by Holm (Scand. J. Statist. 6, 1979); None is no test.

    The smallest is multiplied by the number of tests, the next by one less, …; never falling, at
    most 1.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tests = sorted((p, place) for place, p in enumerate(values) if p is not None)
    corrected: list[float | None] = [None] * len(values)
    highest = 0.0
    for number, (p, place) in enumerate(tests):
        highest = max(highest, min(1.0, (len(tests) - number) * p))
        corrected[place] = highest
    return corrected
