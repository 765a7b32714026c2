"""The budget term: zero on the target, the squared difference of rates elsewhere."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.objective.budget import budget_distance


@given(st.integers(0, 2**20), st.integers(0, 24))
def test_it_is_the_squared_difference_between_observed_and_asked_rate(seed, keep):
    masks = [torch.rand(size, generator=seeded(seed)).double() for size in [(3, 4), (2, 3, 2)]]
    mean = torch.cat([m.flatten() for m in masks]).mean()
    assert float(budget_distance(masks, keep)) == pytest.approx((float(mean) - keep / 24) ** 2)


def test_it_is_zero_on_the_target_and_pushes_towards_it_from_both_sides():
    mask = torch.full((10,), 0.5, requires_grad=True)
    assert float(budget_distance([mask], 5).detach()) == 0
    for keep, sign in [(2, 1), (8, -1)]:
        (slope,) = torch.autograd.grad(budget_distance([mask], keep), mask)
        assert (slope.sign() == sign).all()


def test_one_weight_of_the_term_fits_networks_of_every_size():
    small, large = torch.ones(10), torch.ones(1000)
    assert float(budget_distance([small], 5)) == pytest.approx(float(budget_distance([large], 500)))
