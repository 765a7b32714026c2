"""The search for how many weights may stay, on costs that are only functions."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bandstop.fit.fit import AIM, following
from bandstop.fit.search import CLOSE, most_within

slopes = st.floats(0.01, 100)
powers = st.floats(0.3, 2)
sizes = st.integers(2, 10**6)
parts = st.floats(0, 1)


@given(slopes, powers, sizes, parts)
def test_a_rising_cost_is_met_to_one_in_a_hundred(slope, power, most, part):
    def cost(keep: int) -> float:
        return slope * keep**power

    limit = cost(1) + part * (cost(most) - cost(1))
    found = most_within(limit, cost, 1, most)
    assert found is not None
    assert cost(found) <= limit
    best = max(1, min(most, round((limit / slope) ** (1 / power))))
    assert found >= best - max(2, 1.5 * CLOSE * best)


@given(slopes, sizes)
def test_what_no_number_of_weights_meets_is_none_and_what_all_meet_is_all(slope, most):
    assert most_within(0.99 * slope, lambda keep: slope * keep, 1, most) is None
    assert most_within(1.01 * slope * most, lambda keep: slope * keep, 1, most) == most


@given(st.integers(0, 10**6), st.floats(0, 0.3), parts)
def test_of_a_noisy_cost_what_is_found_was_measured_within_the_limit(seed, noise, part):
    rng, known = np.random.default_rng(seed), {}

    def cost(keep: int) -> float:
        return known.setdefault(keep, keep * (1 + noise * rng.standard_normal()))

    limit = 1 + part * 20_000
    found = most_within(limit, cost, 1, 10_000)
    assert (known[1] > limit) if found is None else known[found] <= limit


@given(powers, sizes.filter(lambda n: n > 50))
def test_few_costs_are_measured(power, most):
    asked = []

    def cost(keep: int) -> float:
        asked.append(keep)
        return keep**power

    most_within(0.3 * most**power, cost, 1, most)
    assert len(asked) <= 20


@given(slopes, st.floats(0.7, 2), st.floats(0.5, 2), st.integers(5000, 10**6), st.floats(0.1, 0.9))
def test_trainings_that_cost_more_or_less_than_their_trials_come_within_the_limit(
    slope, power, factor, most, part
):
    """A trained network takes `factor` times what a trial of as many weights takes."""

    def trial(keep: int) -> float:
        return slope * keep**power

    limit = trial(most) * part * min(1.0, factor)
    keep = most_within(AIM * limit, trial, 1, most) or 1
    took: dict[int, float] = {}
    for _ in range(5):
        took[keep] = factor * trial(keep)
        if 0.92 * limit <= took[keep] <= limit:
            break
        keep = following(took, limit, trial, (1, most))
    assert any(0.92 * limit <= cost <= limit for cost in took.values())


def test_between_one_within_and_one_beyond_the_next_lies_on_their_line():
    took = {100: 50.0, 200: 150.0}
    assert following(took, 100.0, lambda keep: keep, (1, 1000)) == 147


def test_a_step_that_would_be_made_again_says_so_by_its_number():
    took = {100: 90.0, 101: 120.0}
    assert following(took, 100.0, lambda keep: keep, (1, 1000)) in took
