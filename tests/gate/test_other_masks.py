"""The symmetrized sigmoid, the magnitude gate and the hard concrete gate: their formulas."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.gate.hard_concrete import (
    BETA,
    GAMMA,
    ZETA,
    HardConcreteGate,
    hard_concrete,
    open_probability,
)
from bandstop.gate.magnitude import MagnitudeGate
from bandstop.gate.symmetric_sigmoid import symmetric_sigmoid

finite = st.floats(-50, 50)


@given(finite, st.floats(0.01, 500))
def test_the_symmetrized_sigmoid_is_the_formula_even_and_in_0_1(v, sigma):
    x = torch.tensor(v, dtype=torch.float64)
    value = symmetric_sigmoid(x, sigma)
    assert float(value) == pytest.approx(2 / (1 + math.exp(-min(700, sigma * v * v))) - 1, abs=1e-9)
    assert torch.equal(value, symmetric_sigmoid(-x, sigma))
    assert 0 <= value <= 1


def test_the_symmetrized_sigmoid_closes_at_0_and_opens_away_from_it_as_it_sharpens():
    v = torch.tensor([0.0, 0.5, 1.0])
    soft, crisp = symmetric_sigmoid(v, 1.0), symmetric_sigmoid(v, 100.0)
    assert soft[0] == crisp[0] == 0
    assert (crisp[1:] > soft[1:]).all()
    assert (crisp[1:] > 0.99).all()


def test_the_magnitude_gate_is_0_1_by_the_threshold_and_what_is_masked_gets_no_gradient():
    latent = torch.tensor([[-2.0, 0.5], [1.0, -0.1]], requires_grad=True)
    made = MagnitudeGate(latent, scale=0.5)
    made.threshold.fill_(2.0)  # in units of the scale: 1
    assert made.mask(latent).tolist() == [[1, 0], [1, 0]]
    made(latent).sum().backward()
    assert latent.grad.tolist() == [[1, 0], [1, 0]]


@given(st.floats(-8, 8), st.floats(1e-5, 1 - 1e-5))
def test_hard_concrete_is_the_formula(alpha, u):
    a, uniform = (torch.tensor(x, dtype=torch.float64) for x in (alpha, u))
    s = 1 / (1 + math.exp(-(math.log(u / (1 - u)) + alpha) / BETA))
    expected = min(1.0, max(0.0, s * (ZETA - GAMMA) + GAMMA))
    assert float(hard_concrete(a, uniform)) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("alpha", [-3.0, 0.0, 2.0])
def test_gates_are_open_as_often_as_the_formula_says(alpha):
    a = torch.full((200_000,), alpha)
    drawn = hard_concrete(a, torch.rand(a.shape, generator=seeded(0)))
    assert float((drawn > 0).double().mean()) == pytest.approx(
        float(open_probability(a)[0]), abs=0.005
    )


def test_the_noise_depends_on_seed_step_and_tensor_alone():
    made, again = (HardConcreteGate(torch.zeros(4, 5)) for _ in range(2))
    drawn = {}
    for key in [(0, 1, "a"), (0, 2, "a"), (1, 1, "a"), (0, 1, "b")]:
        made.draw(*key)
        drawn[key] = made.noise.clone()
    again.draw(0, 1, "a")
    assert torch.equal(again.noise, drawn[0, 1, "a"])
    values = list(drawn.values())
    assert all(not torch.equal(a, b) for i, a in enumerate(values) for b in values[:i])
    assert all(((v > 0) & (v < 1)).all() for v in values)


def test_to_test_with_there_is_no_noise_and_open_gates_let_all_pass():
    latent = torch.randn(4, 5)
    made = HardConcreteGate(latent)
    made.draw(0, 0, "a")
    noisy = made(latent)
    made.eval()
    assert not torch.equal(noisy, made(latent))
    with torch.no_grad():
        made.alpha.fill_(9.0)
    assert torch.equal(made(latent), latent)


def test_the_expected_number_of_open_gates_closes_them():
    made = HardConcreteGate(torch.zeros(4, 5))
    before = open_probability(made.alpha).sum()
    before.backward()
    assert (made.alpha.grad > 0).all()
