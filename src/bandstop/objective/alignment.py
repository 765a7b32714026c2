"""Distances between the distribution P of the latent weights and a prior Q, differentiable in the weights.

Two are offered: the Kullback-Leibler divergence of relaxed histograms (PMP, arXiv 2305.19343; the
relaxation is our choice), and the mean distance between sorted weights and the prior's quantiles
(Wasserstein-1; our choice, cheaper).
"""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.gate.prior import PRIORS, Prior
from bandstop.gate.spec import in_numpy

BINS = 64


def relaxed_histogram(
    v: Float[Tensor, " weight"], bins: int, extent: float
) -> Float[Tensor, " bin"]:
    """Fractions of the weights around `bins` equally spaced centres on [-extent, extent]; they sum to 1.

    Each weight is shared between its two neighbouring centres in proportion to its nearness, so the
    histogram is piecewise linear in every weight and costs two additions a weight. Weights beyond the
    outermost centres count there, without a gradient.
    """
    width = 2 * extent / bins
    position = ((v + extent) / width - 0.5).clamp(0, bins - 1)
    lower = position.detach().floor().long().clamp(0, bins - 2)  # NaN becomes some bin, not a crash
    part = position - lower
    mass = torch.zeros(bins, dtype=v.dtype, device=v.device)
    mass = mass.index_add(0, lower, 1 - part).index_add(0, lower + 1, part)
    return mass / len(v)


@cache
def _prior_histogram(name: str, bins: int) -> Float[Tensor, " bin"]:
    """Q through the same binning, from a fine grid of its quantiles."""
    prior = PRIORS[name]
    return relaxed_histogram(quantiles(prior, 1 << 20), bins, prior.extent)


def quantiles(prior: Prior, count: int) -> Float[Tensor, " count"]:
    """Q^-1((i - 1/2) / N), i = 1..N: what N weights drawn evenly from the prior look like, float64."""
    return prior.quantile((torch.arange(count, dtype=torch.float64) + 0.5) / count)


def kl_divergence(v: Float[Tensor, " weight"], prior: Prior, bins: int = BINS) -> Float[Tensor, ""]:
    """KL(P || Q) = sum_b P_b ln(P_b / Q_b), in nats, P the relaxed histogram of v.

    Where the prior has no mass, Q_b is one part in a million of a bin, so that the divergence stays
    finite and pushes weights back.
    """
    p = relaxed_histogram(v, bins, prior.extent)
    floor = 1e-6 / bins
    q = _prior_histogram(prior.name, bins).to(p).clamp(min=floor)
    return torch.special.xlogy(p, p.clamp(min=1e-30) / q).sum()


def at_ranks(
    v: Float[Tensor, "*run weight"], q: Float[Tensor, " weight"]
) -> Float[Tensor, "*run weight"]:
    """For each weight the value of the rising q at its rank in its row."""
    if v.device.type == "cpu":  # five times faster than torch's sort
        order = torch.from_numpy(np.argsort(in_numpy(v), axis=-1))
    else:
        order = torch.argsort(v, dim=-1)
    return torch.empty_like(v).scatter_(-1, order, q.expand_as(v))


class _QuantileDistance(torch.autograd.Function):
    """mean |v_(i) - q_i| along the last axis, with its gradient sign(v_(i) - q_i) / N, without a
    differentiable sort."""

    @staticmethod
    def forward(v: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
        difference = v - at_ranks(v, q)
        return difference.abs().mean(dim=-1), difference.sign() / v.shape[-1]

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])

    @staticmethod
    def backward(ctx, grad: Tensor, _: Tensor) -> tuple[Tensor, None]:  # type: ignore[no-untyped-def]
        (slope,) = ctx.saved_tensors
        return grad[..., None] * slope, None

    @staticmethod
    def vmap(info, in_dims, v: Tensor, q: Tensor):  # type: ignore[no-untyped-def]
        return _QuantileDistance.apply(v.movedim(in_dims[0], 0), q), (0, 0)


@cache
def _cached_quantiles(name: str, count: int, dtype: torch.dtype, device: str) -> Tensor:
    return quantiles(PRIORS[name], count).to(dtype=dtype, device=device)


def prior_quantiles(v: Float[Tensor, "*run weight"], prior: Prior) -> Float[Tensor, " weight"]:
    """`quantiles` for as many weights as v has in a row, of its type and on its device."""
    return _cached_quantiles(prior.name, v.shape[-1], v.dtype, str(v.device))


def wasserstein(v: Float[Tensor, " weight"], prior: Prior) -> Float[Tensor, ""]:
    """W1(P, Q) = (1/N) sum_i | v_(i) - Q^-1((i - 1/2) / N) |, v_(i) the sorted weights."""
    return _QuantileDistance.apply(v, prior_quantiles(v, prior))[0]


ALIGNMENTS = {"kl": kl_divergence, "wasserstein": wasserstein}
"""Name -> function of (weights, prior)."""
