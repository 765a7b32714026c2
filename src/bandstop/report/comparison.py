"""Which rows of the table differ: paired over folds and seeds, corrected for the number of tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from bandstop.report.statistics import Paired, holm, paired
from bandstop.report.summary import Row, trained

LEVEL = 0.05
"""Significance level, for the corrected p."""


@dataclass(frozen=True)
class Comparison:
    """Accuracy of `first` minus that of `second` at one rate, over the folds and seeds both have.

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
        first, second = _accuracies(a), _accuracies(b)
        both = [key for key in first if key in second]
        if both:
            outcome = paired(first[key] - second[key] for key in both)
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


def _accuracies(row: Row) -> dict[tuple[str, int], float]:
    return {(r.options.fold, r.options.seed): r.result["accuracy"] for r in row.records}
