"""The band-stop mask as a formula: its limits, its symmetry, its gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.gate import band_stop
from bandstop.gate.band_stop import gated

BANDS = st.floats(0, 3)
SHARPNESS = st.floats(0.5, 500)


def grid(points: int = 401) -> torch.Tensor:
    return torch.linspace(-4, 4, points, dtype=torch.float64)


@given(BANDS, SHARPNESS)
def test_the_mask_is_even_and_between_0_and_1(a, sigma):
    psi = band_stop(grid(), a, sigma)
    assert torch.equal(psi, psi.flip(0))
    assert ((psi >= 0) & (psi <= 1)).all()


@given(BANDS, SHARPNESS)
def test_the_mask_rises_with_the_magnitude(a, sigma):
    outside = band_stop(grid(), a, sigma)[200:]
    assert (outside.diff() >= 0).all()


@given(BANDS, SHARPNESS)
def test_the_mask_is_one_half_at_the_band_edge(a, sigma):
    edges = torch.tensor([-a, a], dtype=torch.float64)
    assert torch.equal(band_stop(edges, a, sigma), torch.full((2,), 0.5, dtype=torch.float64))


@given(st.floats(0.1, 3))
def test_a_crisp_mask_is_the_indicator_of_the_weights_outside_the_band(a):
    v = grid()[(grid().abs() - a).abs() > 1e-3]
    assert torch.equal(band_stop(v, a, 1e9), (v.abs() > a).double())


def test_a_soft_mask_is_no_indicator():
    v = grid()
    assert not torch.equal(band_stop(v, 1.0, 2.0), (v.abs() > 1).double())


@given(BANDS, SHARPNESS)
def test_a_gated_weight_keeps_its_sign_and_never_grows(a, sigma):
    v = grid()
    w = gated(v, a, sigma)
    assert (w * v >= 0).all()
    assert (w.abs() <= v.abs()).all()


@given(
    st.sampled_from([(3,), (2, 3), (2, 0, 3), ()]), st.sampled_from([torch.float32, torch.float64])
)
def test_shape_and_type_are_the_weights_own(shape, dtype):
    v = torch.randn(shape, dtype=dtype)
    assert gated(v, 0.5, 10.0).shape == shape
    assert gated(v, 0.5, 10.0).dtype == dtype


@pytest.mark.parametrize("a", [0.0, 0.7, 1.5])
@pytest.mark.parametrize("sigma", [0.5, 2.0, 20.0])
def test_gradients_are_those_of_finite_differences(a, sigma):
    v = torch.randn(4, 5, generator=seeded(0), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: band_stop(v, a, sigma), v)
    assert torch.autograd.gradcheck(lambda v: gated(v, a, sigma), v)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_sharpest_mask_of_the_largest_weights_has_finite_gradients(dtype):
    v = torch.tensor([-1e6, -1.0, 0.0, 1e-30, 1.0, 1e6], dtype=dtype, requires_grad=True)
    gated(v, 1.0, 1e6).sum().backward()
    assert torch.isfinite(v.grad).all()
