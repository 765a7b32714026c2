"""The band-stop mask: weights inside the stop band |v| < a vanish, those outside pass.

    psi_{a, sigma}(v) = sigmoid( sigma (v^2 - a^2) )

Smooth, even, in [0, 1]; near 0 inside the band, near 1 outside, 1/2 at its edge; sigma sets how crisp.
(A band-stop function of the latent weights: PMP, arXiv 2305.19343; this form of it: our choice.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def band_stop(v: Tensor, a: float | Tensor, sigma: float | Tensor) -> Tensor:
    """psi_{a, sigma}(v), element by element, the shape of v.

    >>> band_stop(torch.tensor([0.0, 1.0, 3.0]), a=1.0, sigma=100.0).round().tolist()
    [0.0, 0.0, 1.0]
    """
    return torch.sigmoid(sigma * (v * v - a * a))


def gated(
    v: Float[Tensor, "*shape"], a: float | Tensor, sigma: float | Tensor
) -> Float[Tensor, "*shape"]:
    """v * psi_{a, sigma}(v): the sign is kept, the magnitude never grows."""
    return v * band_stop(v, a, sigma)
