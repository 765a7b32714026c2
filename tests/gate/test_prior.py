"""The priors against scipy's distributions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats

from bandstop.errors import BadInput
from bandstop.gate import PRIORS

ORACLES = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(scale=1 / math.sqrt(2)),
    "uniform": stats.uniform(-math.sqrt(3), 2 * math.sqrt(3)),
}


def test_every_prior_has_an_oracle():
    assert set(PRIORS) == set(ORACLES)


@pytest.mark.parametrize("name", PRIORS)
def test_the_distribution_function_is_scipys(name):
    v = np.linspace(-5, 5, 1001)
    assert PRIORS[name].cdf(torch.from_numpy(v)).numpy() == pytest.approx(
        ORACLES[name].cdf(v), abs=1e-14
    )


@pytest.mark.parametrize("name", PRIORS)
def test_the_quantile_function_is_scipys_far_into_both_tails(name):
    p = np.concatenate(
        [np.logspace(-12, -1, 50), np.linspace(0.1, 0.9, 81), 1 - np.logspace(-9, -1, 50)]
    )
    assert PRIORS[name].quantile(torch.from_numpy(p)).numpy() == pytest.approx(
        ORACLES[name].ppf(p), rel=1e-9, abs=1e-12
    )


@pytest.mark.parametrize("name", PRIORS)
def test_mean_0_and_variance_1_by_numerical_integration_of_the_quantile_function(name):
    def moment(power):
        def integrand(p):
            return float(PRIORS[name].quantile(torch.tensor(p, dtype=torch.float64))) ** power

        # by halves: the integrand is smooth within each
        return sum(integrate.quad(integrand, lo, lo + 0.5, limit=200)[0] for lo in (0.0, 0.5))

    assert moment(1) == pytest.approx(0, abs=1e-6)
    assert moment(2) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.9, 0.98, 0.9999])
def test_the_threshold_leaves_the_rate_below_it(name, rate):
    a = PRIORS[name].threshold(rate)
    assert ORACLES[name].cdf(a) - ORACLES[name].cdf(-a) == pytest.approx(rate, abs=1e-12)
    assert a == pytest.approx(ORACLES[name].ppf((1 + rate) / 2), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("rate", [1.0, -0.1, math.nan, math.inf])
def test_a_rate_outside_its_range_has_no_threshold(name, rate):
    with pytest.raises(BadInput, match="rate must be in"):
        PRIORS[name].threshold(rate)


@pytest.mark.parametrize("name", PRIORS)
def test_histograms_reach_far_enough_to_hold_nearly_all_of_the_prior(name):
    outside = 2 * ORACLES[name].sf(PRIORS[name].extent)
    assert outside < 3e-4
