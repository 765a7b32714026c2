"""Alignment by transport: after each step of the optimiser the latents move towards the prior itself.

    v_i <- v_i + eta ( Q^-1((rank_i - 1/2) / N) - v_i )

rank_i is the place of v_i among the N latents in rising order, so Q^-1((rank_i - 1/2) / N) is where the
optimal transport from P to Q takes it. The step is the proximal operator of (eta / (1 - eta)) N / 2 times
the squared Wasserstein-2 distance, which keeps the order; nothing is added to the loss, and no weight is
balanced against it. (Aligning latents with a prior, so that its quantiles are theirs: PMP, arXiv
2305.19343; by transport, and its schedule: our choice.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.gate.prior import PRIORS, Prior
from bandstop.gate.spec import stacked
from bandstop.objective.alignment import at_ranks, prior_quantiles

if TYPE_CHECKING:
    from bandstop.gate import Gates


def transported(
    v: Float[Tensor, "*run weight"], prior: Prior, eta: float
) -> Float[Tensor, "*run weight"]:
    """v + eta (T(v) - v), T the optimal transport of each row to the prior, in [0, 1] of the way.

    >>> transported(torch.tensor([5.0, -1.0, 0.1]), PRIORS["uniform"], eta=1.0).round(decimals=2)
    tensor([ 1.1500, -1.1500,  0.0000])
    """
    return torch.lerp(v, at_ranks(v, prior_quantiles(v, prior)), eta)


def strength(pull: float, progress: float) -> float:
    """eta(t) = pull^(1 - u): `pull`, then over the last fifth geometrically up to 1, u how much of that
    fifth has passed; so at the end the latents are the prior's quantiles, and its threshold keeps what it
    says.

    >>> [round(strength(0.25, t), 3) for t in (0.0, 0.8, 0.9, 1.0)]
    [0.25, 0.25, 0.5, 1.0]
    """
    return pull ** (1 - max(0.0, (progress - 1 + LAST) / LAST))


LAST = 0.2
"""Part at the end, before the masks are final, in which the step grows to the whole way."""


@torch.no_grad()
def transport(models: Sequence[Gates], prior: str, eta: float) -> None:
    """`transported` for the latents of each share of the budget together, in models that differ in weights
    and rates alone. Tensors that are exempt stay as they are."""
    for share in models[0].shares:
        sizes = [models[0].tensors[name].latent.numel() for name in share.names]
        old = torch.cat([stacked(models, name).flatten(1) for name in share.names], dim=1)
        moves = (transported(old, PRIORS[prior], eta) - old).split(sizes, dim=1)
        for name, move in zip(share.names, moves, strict=True):
            for model, own in zip(models, move, strict=True):
                g = model.tensors[name]
                g.latent.add_(own.view_as(g.latent) * g.gate.scale)
