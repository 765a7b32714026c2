"""Which rows of the table differ: paired over test sequences, corrected for the number of tests.

A pair is a test sequence: how often each row names it right, over the seeds that both have. So a
difference that is shown would be expected on other recordings of the same kind; trainings of one fold
with other seeds are no further recordings, and are averaged (our choice). Records from before they named
their wrong sequences are paired over folds and seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from bandstop.record import WHOLE, Record
from bandstop.report.statistics import Paired, holm, paired
from bandstop.report.summary import Row, trained

LEVEL = 0.05
"""Significance level, for the corrected p."""


@dataclass(frozen=True)
class Comparison:
    """Accuracy of `first` minus that of `second` at one rate, over what both were tested on.

    corrected  p after Holm's correction within the comparisons it was made with; None: no test
    least      the corrected p if every one of these tests came out as clear as its pairs allow
    tests      how many tests there are
    """

    data: str
    rate: float
    first: str
    second: str
    outcome: Paired
    corrected: float | None = None
    least: float | None = None
    tests: int = 0

    @property
    def reading(self) -> str:
        """The outcome in words, never more than the tests say."""
        if self.corrected is None:
            return "no pair differs: no test"
        if self.corrected <= LEVEL:
            return f"{self.first if self.outcome.effect > 0 else self.second} is better"
        if self.outcome.least is not None and self.outcome.least > LEVEL:
            return "too few pairs"
        if self.least is not None and self.least > LEVEL:
            return f"too few pairs for {self.tests} tests"
        return "no difference shown"


def between_methods(rows: Sequence[Row]) -> list[Comparison]:
    """Every two pruned rows of the same data and rate that share folds and seeds."""
    made = []
    for a, b in combinations([row for row in trained(rows) if row.method != "dense"], 2):
        if (a.data, a.rate) != (b.data, b.rate):
            continue
        if outcome := between(a, b):
            made.append(Comparison(a.data, a.rate, a.label, b.label, outcome))
    return corrected(sorted(made, key=lambda c: (c.data, c.rate, c.first, c.second)))


def against_dense(rows: Sequence[Row]) -> list[Comparison]:
    """Every other row against the dense reference of its own folds and seeds."""
    made = [
        Comparison(
            row.data, row.rate, row.label, "dense",
            paired(r.result["accuracy"] - r.result["accuracy_dense"] for r in row.records),
        )
        for row in trained(rows)
        if row.method != "dense"
    ]  # fmt: skip
    return corrected(sorted(made, key=lambda c: (c.data, c.rate, c.first)))


def corrected(made: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with their p corrected together. A comparison without a test is not one.

    That is Tarone's argument (Biometrics 46, 1990): where no pair differs, p could only have been 1.
    """
    values = holm([each.outcome.p for each in made])
    clearest = holm([each.outcome.least for each in made])
    tests = sum(p is not None for p in values)
    return [
        replace(each, corrected=p, least=least, tests=tests)
        for each, p, least in zip(made, values, clearest, strict=True)
    ]


def between(first: Row, second: Row) -> Paired | None:
    """The paired differences of two rows; None where they share no run."""
    one, other = _runs(first), _runs(second)
    both = [key for key in one if key in other]
    if not both:
        return None
    if all("wrong" in runs[key].result for runs in (one, other) for key in both):
        return paired(_by_sequence([(one[key], other[key]) for key in both]))
    return paired(one[key].result["accuracy"] - other[key].result["accuracy"] for key in both)


def _runs(row: Row) -> dict[tuple[str, int], Record]:
    return {(r.options.fold, r.options.seed): r for r in row.records}


def _by_sequence(pairs: Sequence[tuple[Record, Record]]) -> list[float]:
    """Each test sequence of each fold: the mean over seeds of being right in one and wrong in the other."""
    sums: dict[str, list[np.ndarray]] = {}
    for one, other in pairs:
        sums.setdefault(one.options.fold, []).append(_right(one) - _right(other))
    return [float(value) for each in sums.values() for value in np.mean(each, axis=0)]


def _right(record: Record) -> np.ndarray:
    found = np.ones(record.data["test"])
    found[record.result["wrong"]] = 0
    return found


BEST, EQUAL = "best", "not shown to be worse"


def standing(rows: Sequence[Row]) -> dict[int, str]:
    """Place of a pruned row -> BEST at its rate, or EQUAL where the difference is not significant.

    The best mean against each of the others, p corrected by Holm over the rows of the rate.
    """
    groups: dict[tuple[str, float], list[int]] = {}
    for place, row in enumerate(rows):
        if row.method not in WHOLE and row.measured and not row.beyond:
            groups.setdefault((row.data, row.rate), []).append(place)
    found = {}
    for places in groups.values():
        best = max(places, key=lambda place: rows[place].spreads["accuracy"].mean or 0.0)
        others = [place for place in places if place != best]
        found[best] = BEST
        outcomes = [between(rows[best], rows[place]) for place in others]
        ps = holm([o.p if o else None for o in outcomes])
        for place, outcome, p in zip(others, outcomes, ps, strict=True):
            if outcome is None or p is None or p > LEVEL:
                found[place] = EQUAL
    return found


COMPARATORS = ("mp", "mp-finetune", "gradual", "mp-l0", "mp-l1", "mp-entropy", "mp-cost", "n-m")
"""Methods that others would take; every other one that removes weights is ours."""


def ours_against_comparators(rows: Sequence[Row]) -> list[Comparison]:
    """At each rate our best mean against the comparators' best, p corrected over the rates.

    Both are picked by the figures that are compared, so both are a little too good.
    """
    made = []
    for data, rate in dict.fromkeys((row.data, row.rate) for row in trained(rows)):
        here = [
            row for row in trained(rows)
            if (row.data, row.rate) == (data, rate) and row.method not in WHOLE and row.measured
        ]  # fmt: skip
        sides = [
            [r for r in here if (r.method in COMPARATORS) == theirs] for theirs in (False, True)
        ]
        if all(sides):
            ours, theirs = (
                max(side, key=lambda r: r.spreads["accuracy"].mean or 0.0) for side in sides
            )
            if outcome := between(ours, theirs):
                made.append(Comparison(data, rate, ours.label, theirs.label, outcome))
    return corrected(sorted(made, key=lambda c: (c.data, c.rate)))
