"""The rank surrogate against exact ranks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.objective.rank import rank_surrogate, relative_rank

sizes = st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7))


def zero_one(size: tuple[int, ...], seed: int, density: float) -> torch.Tensor:
    return (torch.rand(size, generator=seeded(seed), dtype=torch.float64) < density).double()


@given(sizes, st.integers(0, 2**20), st.sampled_from([0.1, 0.5, 0.9]))
def test_with_a_small_epsilon_it_is_the_rank(size, seed, density):
    masks = zero_one(size, seed, density)
    exact = torch.linalg.matrix_rank(masks).double()
    assert torch.allclose(rank_surrogate(masks, epsilon=1e-4), exact, atol=1e-4)


@given(sizes, st.integers(0, 2**20), st.floats(0.01, 2.0))
def test_it_never_exceeds_the_rank_and_falls_with_epsilon(size, seed, epsilon):
    masks = zero_one(size, seed, 0.5)
    exact = torch.linalg.matrix_rank(masks).double()
    here = rank_surrogate(masks, epsilon)
    assert (here <= exact + 1e-9).all()
    assert (rank_surrogate(masks, 2 * epsilon) <= here + 1e-9).all()


@given(sizes, st.integers(0, 2**20))
def test_it_is_that_of_the_singular_values_and_the_same_for_the_transpose(size, seed):
    masks = torch.rand(size, generator=seeded(seed), dtype=torch.float64)
    s = torch.linalg.svdvals(masks)
    expected = (s**2 / (s**2 + 0.09)).sum(-1)
    assert torch.allclose(rank_surrogate(masks, 0.3), expected)
    assert torch.allclose(rank_surrogate(masks.mT, 0.3), expected)


def test_its_gradient_is_that_of_finite_differences():
    masks = torch.rand(2, 4, 3, generator=seeded(1), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda m: rank_surrogate(m, 0.3), masks)


def test_whole_rows_cost_less_than_as_many_scattered_entries():
    rows = torch.zeros(1, 8, 8)
    rows[0, 2] = 1
    scattered = torch.eye(8)[None]
    assert rows.sum() == scattered.sum()
    assert relative_rank(rows) == pytest.approx(1 / 8, abs=1e-3)
    assert relative_rank(scattered) == pytest.approx(1, abs=0.02)


@given(sizes, st.integers(0, 2**20))
def test_relative_to_full_rank_it_lies_between_0_and_1(size, seed):
    masks = torch.rand(size, generator=seeded(seed), dtype=torch.float64)
    assert 0 <= float(relative_rank(masks)) <= 1
    assert float(relative_rank(torch.zeros(size))) == 0


def test_stacked_along_an_axis_of_runs_it_is_each_runs_own():
    masks = torch.rand(5, 2, 4, 3, generator=seeded(2))
    stacked = torch.func.vmap(relative_rank)(masks)
    assert torch.allclose(stacked, torch.stack([relative_rank(m) for m in masks]))
