"""What every regulariser promises, and what sets each apart."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.objective.regularisers import REGULARISERS, cost_aware, entropy, l1

COSTS = {"a": 4.0, "b": 1.0}


def latents(seed: int = 0, scale: float = 1.0) -> dict[str, torch.Tensor]:
    generator = seeded(seed)
    return {
        name: (scale * torch.randn(size, generator=generator, dtype=torch.float64)).requires_grad_()
        for name, size in [("a", (3, 4)), ("b", (2, 3, 5))]
    }


@pytest.mark.parametrize("kind", REGULARISERS)
@given(seed=st.integers(0, 2**20))
def test_it_is_finite_not_negative_and_reaches_every_weight(kind, seed):
    v = latents(seed)
    value = REGULARISERS[kind](v, COSTS)
    value.backward()
    assert value.shape == ()
    assert value >= 0
    assert all(t.grad.isfinite().all() and (t.grad != 0).all() for t in v.values())


@pytest.mark.parametrize("kind", REGULARISERS)
def test_its_gradient_is_that_of_finite_differences(kind):
    v = latents(3)
    assert torch.autograd.gradcheck(
        lambda a, b: REGULARISERS[kind]({"a": a, "b": b}, COSTS), tuple(v.values())
    )


@pytest.mark.parametrize("kind", REGULARISERS)
def test_weights_that_are_exactly_zero_make_nothing_infinite(kind):
    v = {"a": torch.tensor([0.0, 0.0, 1.0], requires_grad=True)}
    REGULARISERS[kind](v, COSTS).backward()
    assert v["a"].grad.isfinite().all()


@pytest.mark.parametrize("kind", REGULARISERS)
def test_a_step_down_its_gradient_lowers_it(kind):
    v = latents(5)
    before = REGULARISERS[kind](v, COSTS)
    before.backward()
    moved = {n: t.detach() - 0.05 * t.grad for n, t in v.items()}
    assert REGULARISERS[kind](moved, COSTS) < before


def test_l1_is_the_mean_magnitude():
    assert float(l1({"a": torch.tensor([-3.0, 1.0]), "b": torch.tensor([2.0])}, COSTS)) == 2


def test_entropy_is_1_for_equal_weights_0_for_a_single_one_and_knows_no_scale():
    assert float(entropy({"a": torch.ones(50)}, COSTS)) == pytest.approx(1)
    one = torch.zeros(50)
    one[7] = 3
    assert float(entropy({"a": one}, COSTS)) == pytest.approx(0, abs=1e-6)
    half = torch.zeros(16)
    half[:4] = -2
    assert float(entropy({"a": half}, COSTS)) == pytest.approx(math.log(4) / math.log(16))
    of_any_scale = [float(entropy(latents(1, s), COSTS).detach()) for s in (1.0, 5.0)]
    assert of_any_scale[0] == pytest.approx(of_any_scale[1])


def test_what_costs_four_times_as_much_is_pushed_four_times_as_hard():
    v = {"a": torch.ones(3, requires_grad=True), "b": torch.ones(5, requires_grad=True)}
    cost_aware(v, COSTS).backward()
    assert torch.allclose(v["a"].grad.mean(), 4 * v["b"].grad.mean())
    assert float(cost_aware(v, COSTS).detach()) == pytest.approx(1)


@pytest.mark.parametrize("kind", REGULARISERS)
def test_stacked_along_an_axis_of_runs_it_is_each_runs_own(kind):
    several = torch.randn(4, 3, 5, generator=seeded(2))
    stacked = torch.func.vmap(lambda v: REGULARISERS[kind]({"a": v}, COSTS))(several)
    alone = torch.stack([REGULARISERS[kind]({"a": v}, COSTS) for v in several])
    assert torch.allclose(stacked, alone)
