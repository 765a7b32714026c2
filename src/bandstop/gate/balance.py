"""How tensors that share a budget are balanced in somebody else's network.

In ours latents have unit variance, and one threshold serves all tensors. Elsewhere no scale taken at the
start means anything for long: an adjacency starts at 1e-6, or at 1 throughout, and grows, or hardly moves.
There a weight is ranked by its energy beside those of its tensor that are not smaller,

    s(v_i) = v_i^2 / sum of v_j^2 over all j with |v_j| >= |v_i|

(LAMP: Lee et al., arXiv 2010.07611), which no factor on the tensor changes; and a tensor keeps at least the
part FLOOR of what it would keep if all kept the same part (our choice: docs/decisions/0009).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.budget import Share

FLOOR = 0.5
ODD = 100.0
"""How many times larger or smaller than usual a tensor's scale is, to be worth a word."""
EVEN = 1e-3
"""Spread of a tensor beside its mean below which it is called constant."""


Fields = Mapping[str, Float[Tensor, "model weight"]]
"""Tensor name -> a value of every weight, for each of the models that are looked at together."""


def ranked(shares: Sequence[Share], removed: Sequence[int], energies: Fields) -> Fields:
    """`ranks` of the tensors of a share, when `removed` of each model's weights in it go."""
    return {
        name: ranks(energy, floors(shares, removed, energy.shape[1]))
        for name, energy in energies.items()
    }


def floors(shares: Sequence[Share], removed: Sequence[int], size: int) -> list[int]:
    """For each model how many of a tensor's `size` weights stay in any case, when `removed` of its
    share's go.

    >>> floors([Share(("a", "b"), 1000, 100)], [900], 200)
    [10]
    """
    return [
        max(1, round(FLOOR * size * (share.total - count) / share.total))
        for share, count in zip(shares, removed, strict=True)
    ]


def ranks(
    energy: Float[Tensor, "model weight"], first: Sequence[int]
) -> Float[Tensor, "model weight"]:
    """s of one tensor's weights, in [0, 1], float64; 1 more for each model's `first` largest.

    energy  v^2 in any unit, at least single precision; below 0 what is closed, of which s is 0

    >>> ranks(torch.tensor([[4.0, 1.0, 0.0]]), [1]).tolist()
    [[2.0, 0.2, 0.0]]
    """
    if energy.device.type == "cpu":  # several times faster than torch's sort
        order = torch.from_numpy(np.argsort(energy.numpy(), axis=1))
    else:
        order = energy.argsort(dim=1)
    rising = energy.gather(1, order).double().clamp(min=0)
    not_smaller = rising.flip(1).cumsum(1).flip(1).clamp(min=torch.finfo(torch.double).tiny)
    place = torch.arange(energy.shape[1], 0, -1, device=energy.device)
    stays = place <= torch.tensor(first, device=energy.device)[:, None]
    return torch.empty_like(rising).scatter_(1, order, rising / not_smaller + stays)


def odd_starts(tensors: Mapping[str, Tensor]) -> str:
    """A sentence about tensors that start constant, or far from the scale 1 / sqrt(fan-in) that networks
    usually start with; empty where there are none.

    >>> odd_starts({"ones": torch.ones(25, 25), "graph": torch.eye(25), "small": 1e-6 * torch.eye(25)})
    'these tensors start constant or far out of scale: `ones` (constant), `small` (root mean square \
2e-07, usual 0.2); ...'
    """
    said = [f"`{name}` ({why})" for name, t in tensors.items() if (why := _odd_start(t.detach()))]
    if not said:
        return ""
    return (
        f"these tensors start constant or far out of scale: {', '.join(said)}; nothing but training tells "
        "their weights apart: give it the steps, initialise them otherwise, or exempt them"
    )


def _odd_start(tensor: Tensor) -> str:
    if tensor.numel() == 1:
        return ""
    values = tensor.double()
    mean, usual = values.mean(), 1 / math.sqrt(math.prod(tensor.shape[1:]))
    if (values - mean).abs().max() <= EVEN * mean.abs():
        return "constant"
    spread = float(values.square().mean().sqrt())
    if usual / ODD <= spread <= usual * ODD:
        return ""
    return f"root mean square {spread:.1g}, usual {usual:.1g}"
