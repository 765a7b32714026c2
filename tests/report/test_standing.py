"""The best of a rate and what cannot be told from it: pairs are test sequences, seeds are averaged."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bandstop.report.comparison import (
    BEST,
    EQUAL,
    between,
    ours_against_comparators,
    standing,
)
from bandstop.report.summary import rows
from bandstop.report.tables import marked


def runs(make, method: str, wrong: list[int], seed: int = 0, fold: str = "1", tests: int = 40):
    record = make(method, rate=0.9, seed=seed, fold=fold)
    record.data["test"] = tests
    record.result["wrong"] = wrong
    record.result["accuracy"] = 1 - len(wrong) / tests
    return record


def test_the_best_is_marked_and_what_is_clearly_worse_is_not(make):
    found = rows([
        runs(make, "pmp", [0]), runs(make, "gradual", [0, 1]), runs(make, "mp", [*range(20)]),
    ])  # fmt: skip
    names = {row.method: place for place, row in enumerate(found)}
    assert standing(found) == {names["pmp"]: BEST, names["gradual"]: EQUAL}
    text = marked(found)
    assert "**97.5**" in text
    assert "95.0 ≈" in text
    assert "50.0 ≈" not in text
    assert "Holm" in text


def test_seeds_are_averaged_and_are_no_pairs_of_their_own(make):
    one = [runs(make, "pmp", [0], seed) for seed in range(3)]
    two = [runs(make, "mp", [0, 1, 2 + seed], seed) for seed in range(3)]
    first, second = sorted(rows([*one, *two]), key=lambda row: row.method != "pmp")
    outcome = between(first, second)
    assert outcome.n == 40
    assert outcome.unequal == 4
    d = np.zeros(40)
    d[1], d[2:5] = 1, 1 / 3
    # SciPy's exact distribution has no ties: the same by hand is all 2^4 signs
    assert outcome.p == pytest.approx(2 / 2**4)
    assert stats.wilcoxon(d[d > 0] + [0, 1e-6, 2e-6, 3e-6]).pvalue == pytest.approx(2 / 2**4)


def test_records_that_do_not_name_what_was_wrong_are_paired_over_folds_and_seeds(make):
    one = [runs(make, "pmp", [0], seed) for seed in range(3)]
    two = [runs(make, "mp", [0, 1], seed) for seed in range(3)]
    del two[0].result["wrong"]
    first, second = sorted(rows([*one, *two]), key=lambda row: row.method != "pmp")
    assert between(first, second).n == 3


def test_our_best_is_set_against_the_comparators_best(make):
    found = rows([
        runs(make, "pmp", [0]), runs(make, "ctf", [0, 1]),
        runs(make, "gradual", [*range(12)]), runs(make, "mp", [*range(20)]),
    ])  # fmt: skip
    (only,) = ours_against_comparators(found)
    assert (only.first, only.second) == ("pmp", "gradual")
    assert only.reading == "pmp is better"
