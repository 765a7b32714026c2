"""The symmetrized, shifted sigmoid: a mask that is 0 at 0 and rises to 1 on both sides.

    psi_sigma(v) = 2 sigmoid(sigma v^2) - 1

Without a stop band: how many weights it lets through follows from the latents and sigma alone, so a
training with it needs a budget term. (CTF, arXiv 2412.12887, in words: symmetrized, shifted, its
sharpness annealed; the square inside: our choice.)
"""

from __future__ import annotations

import torch
from torch import Tensor


def symmetric_sigmoid(v: Tensor, sigma: float | Tensor) -> Tensor:
    """psi_sigma(v) = 2 sigmoid(sigma v^2) - 1, element by element, the shape of v.

    >>> symmetric_sigmoid(torch.tensor([0.0, 3.0, -3.0]), sigma=10.0).tolist()
    [0.0, 1.0, 1.0]
    """
    return symmetric_sigmoid_of_energy(v * v, sigma)


def symmetric_sigmoid_of_energy(energy: Tensor, sigma: float | Tensor) -> Tensor:
    """The same as a function of v^2, or of a group's mean square: 2 sigmoid(x) - 1 = tanh(x / 2)."""
    return torch.tanh(0.5 * sigma * energy)
