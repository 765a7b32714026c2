"""Distances to the prior, against fine integrals, scipy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded
from scipy import integrate, stats

from bandstop.gate import PRIORS
from bandstop.objective import ALIGNMENTS, kl_divergence, wasserstein
from bandstop.objective.alignment import BINS, quantiles, relaxed_histogram

DENSITIES = {
    "gaussian": stats.norm(),
    "laplace": stats.laplace(scale=2**-0.5),
    "uniform": stats.uniform(-(3**0.5), 2 * 3**0.5),
}


def laid_on_quantiles(distribution, count: int = 1 << 14) -> torch.Tensor:
    return torch.from_numpy(distribution.ppf((np.arange(count) + 0.5) / count))


def integral_of_p_ln_p_over_q(p, q, reach: float) -> float:
    def integrand(v):
        return p.pdf(v) * (p.logpdf(v) - q.logpdf(v))

    return sum(
        integrate.quad(integrand, lo, hi, limit=200)[0] for lo, hi in [(-reach, 0), (0, reach)]
    )


@given(st.lists(st.floats(-20, 20), min_size=1, max_size=60), st.integers(2, 80), st.floats(0.5, 6))
def test_a_relaxed_histogram_is_nonnegative_and_sums_to_1_wherever_the_weights_are(
    values, bins, extent
):
    p = relaxed_histogram(torch.tensor(values, dtype=torch.float64), bins, extent)
    assert p.shape == (bins,)
    assert (p >= 0).all()
    assert float(p.sum()) == pytest.approx(1, abs=1e-12)


def test_the_distance_of_quantiles_takes_weights_of_every_precision():
    v = torch.linspace(-2, 2, 9)
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        distance = wasserstein(v.to(dtype), PRIORS["gaussian"])
        assert distance.dtype == dtype
        assert float(distance) == pytest.approx(float(wasserstein(v, PRIORS["gaussian"])), rel=0.02)


def test_a_weight_at_a_centre_counts_there_alone_and_one_between_two_is_shared():
    # four bins on [-2, 2]: centres -1.5, -0.5, 0.5, 1.5
    assert relaxed_histogram(torch.tensor([0.5]), 4, 2.0).tolist() == [0, 0, 1, 0]
    assert relaxed_histogram(torch.tensor([0.75]), 4, 2.0).tolist() == [0, 0, 0.75, 0.25]
    assert relaxed_histogram(torch.tensor([-9.0, 9.0]), 4, 2.0).tolist() == [0.5, 0, 0, 0.5]


def test_the_histogram_counts_what_numpys_counts_but_for_what_lies_near_an_edge():
    v = torch.randn(100_000, generator=seeded(0))
    soft = relaxed_histogram(v, BINS, 4.0)
    hard = np.histogram(v.clamp(-3.999, 3.999), BINS, (-4, 4))[0] / len(v)
    assert np.abs(soft.numpy() - hard).sum() < 0.02


@pytest.mark.parametrize(
    ("name", "spread"),
    # beyond the uniform prior's ends the integral would be infinite: only what hardly gets there
    [(n, s) for n in PRIORS for s in (0.3, 0.5, 0.8) if not (n == "uniform" and s > 0.5)],
)
def test_kl_of_a_normal_sample_is_the_integral_within_a_bins_resolution(name, spread):
    """Both histograms are smoothed by one bin's width w; that changes KL by the order of (w / s)^2."""
    prior, p = PRIORS[name], stats.norm(scale=spread)
    reach = 3**0.5 if name == "uniform" else 8.0
    expected = integral_of_p_ln_p_over_q(p, DENSITIES[name], reach)
    got = float(kl_divergence(laid_on_quantiles(p), prior))
    relative = (2 * prior.extent / BINS / spread) ** 2
    assert got == pytest.approx(expected, rel=max(0.01, relative), abs=2e-3)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("count", [1, 2, 7, 1000])
def test_weights_laid_on_the_quantiles_split_the_prior_into_equal_parts_symmetrically(name, count):
    q = quantiles(PRIORS[name], count)
    parts = torch.from_numpy(DENSITIES[name].cdf(q.numpy()))
    assert torch.allclose(parts, (torch.arange(count, dtype=torch.float64) + 0.5) / count)
    assert torch.allclose(q, -q.flip(0), atol=1e-12)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_the_distance_of_a_prior_to_itself_is_nearly_0(kind, name):
    v = quantiles(PRIORS[name], 1 << 14)
    assert abs(float(ALIGNMENTS[kind](v, PRIORS[name]))) < 1e-5


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("kind", ALIGNMENTS)
@given(seed=st.integers(0, 2**16), count=st.integers(1, 400), spread=st.floats(0.01, 5))
def test_distances_are_never_negative(kind, name, seed, count, spread):
    v = spread * torch.randn(count, generator=seeded(seed), dtype=torch.float64)
    assert float(ALIGNMENTS[kind](v, PRIORS[name])) >= -1e-9


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_distances_grow_with_the_departure_from_the_prior(kind, name):
    v = quantiles(PRIORS[name], 4096)
    near, far = (float(ALIGNMENTS[kind](v * s, PRIORS[name])) for s in (0.8, 0.4))
    assert 0.001 < near < far


@pytest.mark.parametrize("name", PRIORS)
@given(seed=st.integers(0, 2**16), count=st.integers(1, 200))
def test_wasserstein_is_scipys(name, seed, count):
    v = torch.randn(count, generator=seeded(seed), dtype=torch.float64)
    expected = stats.wasserstein_distance(v.numpy(), quantiles(PRIORS[name], count).numpy())
    assert float(wasserstein(v, PRIORS[name])) == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("name", PRIORS)
def test_gradients_of_wasserstein_are_those_of_finite_differences(name):
    v = torch.randn(40, generator=seeded(1), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: wasserstein(v, PRIORS[name]), v, eps=1e-7)


@pytest.mark.parametrize("name", PRIORS)
def test_gradients_of_kl_are_those_of_finite_differences_away_from_the_bins_kinks(name):
    prior, bins = PRIORS[name], 8
    v = torch.randn(40, generator=seeded(2), dtype=torch.float64).clamp(-prior.extent, prior.extent)
    position = (v + prior.extent) / (2 * prior.extent / bins) - 0.5
    smooth = ((position - position.round()).abs() > 1e-3) & (position > 0) & (position < bins - 1)
    v = v[smooth].clone().requires_grad_()
    assert len(v) > 20
    assert torch.autograd.gradcheck(lambda v: kl_divergence(v, prior, bins), v, eps=1e-7, atol=1e-6)


@pytest.mark.parametrize("name", PRIORS)
@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_descending_a_distance_lays_weights_on_the_prior(kind, name):
    prior = PRIORS[name]
    v = (0.3 * torch.randn(400, generator=seeded(3), dtype=torch.float64)).requires_grad_()
    optimiser = torch.optim.Adam([v], lr=0.05)

    def distances() -> dict[str, float]:
        return {name: float(of(v, prior).detach()) for name, of in ALIGNMENTS.items()}

    before = distances()
    for step in range(300):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        optimiser.zero_grad()
        ALIGNMENTS[kind](v, prior).backward()
        optimiser.step()
    after = distances()
    assert after[kind] < 0.15 * before[kind]
    assert all(after[other] < 0.5 * before[other] for other in ALIGNMENTS)


@pytest.mark.parametrize("kind", ALIGNMENTS)
@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_weights_that_are_not_finite_give_a_number_that_shows_it_or_a_finite_one(kind, bad):
    """The loop finds a loss that is not finite at the end of its epoch; nothing may crash before."""
    v = torch.tensor([0.1, bad, 0.3])
    value = float(ALIGNMENTS[kind](v, PRIORS["gaussian"]))
    assert not np.isfinite(value) or bad == torch.inf


@pytest.mark.parametrize("kind", ALIGNMENTS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_distance_has_the_weights_own_type(kind, dtype):
    v = torch.randn(50, generator=seeded(4)).to(dtype).requires_grad_()
    value = ALIGNMENTS[kind](v, PRIORS["laplace"])
    value.backward()
    assert value.dtype == v.grad.dtype == dtype
