"""Comparators: what is added to the cross-entropy before magnitude pruning, to make weights small.

Each is a function of all prunable latents together, in units that do not grow with the network. The
l0 regulariser is the expected number of open gates, so it needs the gates: see gate/hard_concrete.py.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

Latents = Mapping[str, Tensor]
"""Tensor name -> latent."""
Costs = Mapping[str, float]
"""Tensor name -> multiply-accumulates that one of its weights causes."""


def l1(latents: Latents, costs: Costs) -> Float[Tensor, ""]:
    """mean |v|."""
    return _pooled(latents).abs().mean()


def entropy(latents: Latents, costs: Costs) -> Float[Tensor, ""]:
    """-sum p ln p / ln N with p = v^2 / sum v^2: 1 where all are equal, 0 where one has all.

    (An entropy constraint while training: Wiedemann et al., arXiv 1812.07520; of the weights' energies,
    and so without a quantisation: our choice.)
    """
    energy = _pooled(latents).square()
    p = energy / energy.sum().clamp(min=torch.finfo(energy.dtype).tiny)
    # the slope of p ln p at 0 is infinite, so an exact zero stands at the smallest number instead
    logarithm = p.clamp(min=torch.finfo(p.dtype).tiny).log()
    return -(p * logarithm).sum() / math.log(max(2, p.numel()))


def cost_aware(latents: Latents, costs: Costs) -> Float[Tensor, ""]:
    """sum c |v| / sum c, c the multiply-accumulates that a weight causes.

    (Sparsity terms weighted by cost: Lemaire et al., arXiv 1811.09332; this form: our choice.)
    """
    spent = [costs[name] * v.abs().sum() for name, v in latents.items()]
    return torch.stack(spent).sum() / sum(costs[name] * v.numel() for name, v in latents.items())


def _pooled(latents: Latents) -> Float[Tensor, " weight"]:
    return torch.cat([v.flatten() for v in latents.values()])


REGULARISERS = {"l1": l1, "entropy": entropy, "cost": cost_aware}
"""Name -> function of (latents, costs)."""
