"""A differentiable stand-in for the rank of masks: low where whole rows and columns vary together.

The semi-structured method minimises a surrogate of the tensor rank (arXiv 2412.11813); this form of it
is our choice.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

EPSILON = 0.1
"""Singular values far below it do not count, those far above count one; a single entry's mask has 1."""


def rank_surrogate(
    masks: Float[Tensor, "*block row column"], epsilon: float = EPSILON
) -> Float[Tensor, "*block"]:
    """trace( M^T M (M^T M + eps^2 I)^-1 ) = sum_i s_i^2 / (s_i^2 + eps^2), s_i singular values of M.

    Tends to rank(M) as eps tends to 0, from below. Computed from the Gram matrix of the shorter side.

    >>> rank_surrogate(torch.tensor([[1.0, 1.0], [1.0, 1.0]]), epsilon=0.01).round().item()
    1.0
    """
    rows, columns = masks.shape[-2:]
    short = masks if rows <= columns else masks.transpose(-2, -1)
    gram = short @ short.transpose(-2, -1)
    eye = torch.eye(gram.shape[-1], dtype=masks.dtype, device=masks.device)
    ratio = torch.linalg.solve(gram + epsilon**2 * eye, gram)
    return ratio.diagonal(dim1=-2, dim2=-1).sum(-1)


def relative_rank(
    masks: Float[Tensor, "channel row column"], epsilon: float = EPSILON
) -> Float[Tensor, ""]:
    """The mean over channel blocks of the surrogate, as a fraction of the block's full rank: in [0, 1]."""
    return rank_surrogate(masks, epsilon).mean() / min(masks.shape[-2:])
