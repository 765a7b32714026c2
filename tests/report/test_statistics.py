"""Signed ranks, intervals and corrections against SciPy, printed tables and hand-worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bandstop.report.statistics import holm, interval, midranks, paired, walsh

DEPRESSION = np.array(
    [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01]
)  # fmt: skip
"""Before minus after of nine patients: Hollander and Wolfe, Nonparametric Statistical Methods, 3.1."""

CRITICAL = {6: 0, 7: 2, 8: 3, 9: 5, 10: 8, 11: 10, 12: 13, 15: 25, 20: 52, 25: 89}
"""n -> the largest smaller rank sum that is significant at 0.05, two-sided: the table in textbooks."""

differences = st.lists(st.integers(-9, 9), min_size=1, max_size=9)


def test_the_textbook_example_gives_its_p_its_estimate_and_its_interval():
    found = paired(DEPRESSION)
    assert found.p == pytest.approx(0.03906, abs=1e-5)
    assert found.median == pytest.approx(0.46, abs=0.01)
    assert found.interval == pytest.approx((0.010, 0.786), abs=0.001)
    assert found.coverage == pytest.approx(0.961, abs=5e-4)
    assert found.effect == pytest.approx((40 - 5) / 45)


@pytest.mark.parametrize(("n", "largest"), CRITICAL.items())
def test_the_test_refuses_from_the_critical_value_of_the_table_on(n, largest):
    def p(smaller: int) -> float:
        """p where the ranks below zero sum to `smaller`: greedily the largest ranks."""
        signs, left = np.ones(n), smaller
        for rank in range(n, 0, -1):
            if rank <= left:
                signs[rank - 1], left = -1, left - rank
        value = paired(signs * np.arange(1, n + 1)).p
        assert value is not None
        return value

    assert p(largest) <= 0.05 < p(largest + 1)


@given(st.integers(1, 30), st.integers(0, 2**20))
def test_p_without_ties_is_that_of_scipy(n, seed):
    d = np.random.default_rng(seed).permutation(np.arange(1, n + 1)) * 1.0
    d *= np.random.default_rng(seed + 1).choice([-1.0, 1.0], n)
    oracle = stats.wilcoxon(d, method="exact").pvalue
    assert paired(d).p == pytest.approx(oracle, rel=1e-9)


@given(differences.filter(any))
def test_p_with_ties_and_zeros_is_that_of_every_sign_counted(values):
    d = np.array([v for v in values if v])
    ranks = stats.rankdata(np.abs(d))
    signs = (np.arange(2 ** len(d))[:, None] >> np.arange(len(d))) & 1
    sums, seen = signs @ ranks, ranks[d > 0].sum()
    middle = ranks.sum() / 2
    oracle = np.mean(np.abs(sums - middle) >= abs(seen - middle) - 1e-9)
    assert paired(values).p == pytest.approx(oracle)


@given(differences)
def test_turning_the_comparison_round_turns_everything_but_p(values):
    one, other = paired(values), paired([-v for v in values])
    assert other.p == one.p
    assert other.effect == pytest.approx(-one.effect)
    assert other.median == pytest.approx(-one.median)
    assert other.interval == pytest.approx((-one.interval[1], -one.interval[0]))
    assert one.interval[0] <= one.median <= one.interval[1]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=12))
def test_midranks_are_those_of_scipy(values):
    assert midranks(np.array(values)).tolist() == stats.rankdata(values).tolist()


def test_differences_that_differ_only_by_rounding_are_ties():
    assert paired([0.9 - 0.8, 0.8 - 0.7, 0.7 - 0.8]).effect == pytest.approx(1 / 3)
    assert paired([0.3 - (0.1 + 0.2)]).unequal == 0


def test_where_no_pair_differs_no_test_is_possible_and_the_rest_is_still_said():
    found = paired([0.0] * 8)
    assert (found.p, found.least, found.unequal, found.n) == (None, None, 0, 8)
    assert (found.effect, found.median, found.interval) == (0.0, 0.0, (0.0, 0.0))


@pytest.mark.parametrize("n", range(1, 6))
def test_too_few_pairs_for_95_percent_give_their_range_and_its_true_confidence(n):
    d = np.arange(n) + 1.0
    assert interval(d) == (1.0, float(n), 1 - 2.0 ** (1 - n))
    assert paired(d).p == paired(d).least == 2.0 ** (1 - n)


@pytest.mark.parametrize("n", [6, 8, 12, 30])
def test_the_interval_holds_the_values_that_the_test_does_not_refuse(n):
    d = np.random.default_rng(n).normal(0.3, 1, n)
    low, high, coverage = interval(d)
    assert coverage >= 0.95
    margin = 1e-6
    for inside in (low + margin, high - margin):
        assert paired(d - inside).p > 0.05
    for outside in (low - margin, high + margin):
        assert paired(d - outside).p <= 0.05


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    found = [interval(rng.normal(0, 1, 8)) for _ in range(4000)]
    covered = np.mean([low <= 0 <= high for low, high, _ in found])
    assert covered == pytest.approx(found[0][2], abs=0.01)


def test_walsh_averages_are_all_of_them():
    assert walsh(np.array([4.0, 0.0, 2.0])).tolist() == [0, 1, 2, 2, 3, 4]


@pytest.mark.parametrize("bad", [[], [np.nan], [1.0, np.inf]])
def test_nothing_or_not_a_number_is_refused(bad):
    with pytest.raises(ValueError, match="finite differences"):
        paired(bad)


def test_holm_on_an_example_worked_by_hand():
    # sorted 0.005 0.01 0.03 0.04: times 4, 3, 2, 1 = 0.02 0.03 0.06 0.04, never falling
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, None, 0.9]) == [1.0, None, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_makes_p_smaller_never_above_one_and_keeps_the_order(values):
    found = holm(values)
    assert all(p <= q <= 1 for p, q in zip(values, found, strict=True))
    order = np.argsort(values, kind="stable")
    assert (np.diff(np.array(found, dtype=float)[order]) >= 0).all()
