"""Do two networks compute the same?"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from bandstop.errors import Failure

TOLERANCE = 1e-5


@torch.no_grad()
def relative_error(
    one: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor], signals: Tensor
) -> float:
    """max |one - other| / max |one| over all logits of all signals."""
    a, b = one(signals), other(signals)
    return float((a - b).abs().max() / a.abs().max().clamp(min=1e-12))


def require_agreement(
    one: Callable[[Tensor], Tensor],
    other: Callable[[Tensor], Tensor],
    signals: Tensor,
    names: str,
    tolerance: float = TOLERANCE,
) -> float:
    """The relative error; Failure if it is above the tolerance or not a number."""
    error = relative_error(one, other, signals)
    if not error <= tolerance:
        raise Failure(
            f"{names} disagree: relative error {error:.2e} is above {tolerance:g}; the network is not "
            "delivered; please report this with the run's config.json"
        )
    return error
