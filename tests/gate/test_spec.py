"""BandStop as a value, and the threshold with a given number of weights below it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.errors import BadInput
from bandstop.gate import BandStop, band_stop
from bandstop.gate.spec import magnitude_quantiles


def test_all_invalid_values_are_named_at_once():
    with pytest.raises(BadInput) as error:
        BandStop(
            rate=1.5, prior="gausian", threshold="soft", scale="big", sigma=(3.0, 1.0), warmup=2.0,
            scope="nowhere", rates={"dense": -1.0},
        )  # fmt: skip
    for word in (
        "prior", "did you mean 'gaussian'", "threshold", "scale", "sigma", "warmup", "rate must",
        "scope", "dense must",
    ):  # fmt: skip
        assert word in str(error.value)


@pytest.mark.parametrize(
    "sigma", [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (math.nan, 1.0), (1.0, math.inf)]
)
def test_a_sharpness_that_does_not_rise_from_above_0_to_something_finite_is_refused(sigma):
    with pytest.raises(BadInput, match="sigma must rise"):
        BandStop(rate=0.5, sigma=sigma)


def test_the_sharpness_rises_geometrically():
    spec = BandStop(rate=0.9, sigma=(2.0, 128.0))
    at = [spec.sharpness(t / 6) for t in range(7)]
    assert at == pytest.approx([2, 4, 8, 16, 32, 64, 128])
    assert spec.sharpness(1.5) == pytest.approx(128)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_the_ramp_rises_from_0_to_1_within_the_warmup_and_stays(warmup, t, later):
    spec = BandStop(rate=0.9, warmup=warmup)
    t, later = min(t, later), max(t, later)
    assert 0 <= spec.ramp(t) <= spec.ramp(later) <= 1
    assert spec.ramp(warmup) == 1
    if warmup > 0:
        assert spec.ramp(0.0) == 0


def test_the_ramp_is_a_cubic_steep_at_first():
    spec = BandStop(rate=0.9, warmup=0.5)
    assert [spec.ramp(t) for t in (0.1, 0.25, 0.4)] == pytest.approx([0.488, 0.875, 0.992])


def test_without_a_warmup_the_whole_rate_is_asked_for_at_once():
    assert BandStop(rate=0.9, warmup=0.0).ramp(0.0) == 1


@given(st.integers(1, 120), st.integers(0, 99), st.data())
def test_exactly_the_removed_ones_are_below_the_threshold(total, seed, data):
    # distinct magnitudes, any signs, in any order
    values = (torch.randperm(total, generator=seeded(seed)) + 1) / total
    signs = torch.where(torch.rand(total, generator=seeded(seed + 1)) < 0.5, -1.0, 1.0)
    latents = torch.stack([values * signs, values.flip(0)])
    removed = [data.draw(st.integers(0, total - 1)) for _ in latents]
    a = magnitude_quantiles(latents.abs(), removed)
    assert (latents.abs() < a[:, None]).sum(1).tolist() == removed
    assert (band_stop(latents, a[:, None], 50.0) < 0.5).sum(1).tolist() == removed


def test_the_threshold_lies_midway_between_the_last_removed_and_the_first_kept():
    magnitudes = torch.tensor([[4.0, 1.0, 0.5, 2.0]]).expand(3, -1)
    assert magnitude_quantiles(magnitudes, [1, 2, 3]).tolist() == [0.75, 1.5, 3.0]


def test_nothing_is_below_the_threshold_when_nothing_is_to_be_removed():
    assert magnitude_quantiles(torch.rand(2, 7), [0, 0]).tolist() == [0, 0]
