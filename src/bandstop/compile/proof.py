"""No export without proof: the network as it was trained and the file that was made, on check signals."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from bandstop.errors import Failure

TOLERANCE = 1e-5
COUNT = 64


@dataclass(frozen=True)
class Proof:
    """What was compared: the largest relative error of the logits, and over how many signals."""

    error: float
    signals: int
    words: str

    def __str__(self) -> str:
        return f"{self.words}: relative error {self.error:.1e} over {self.signals} signals"


def check_signals(nodes: int, features: int, count: int = COUNT) -> Float[np.ndarray, "b n f"]:
    """Normalised signals look like these: of unit variance; two of them large and small."""
    made = np.random.default_rng(0).normal(size=(count, nodes, features)).astype(np.float32)
    made[0] *= 10
    made[1] *= 0.1
    return made


def prove(
    net: Callable[[torch.Tensor], torch.Tensor],
    other: Callable[[np.ndarray], np.ndarray],
    signals: np.ndarray,
    words: str,
    tolerance: float = TOLERANCE,
) -> Proof:
    """max |a - b| / max |a| <= tolerance, and the same class wherever the two best logits are further
    apart than that. Errors: Failure, and nothing is written."""
    with torch.no_grad():
        expected = net(torch.from_numpy(signals)).double().numpy()
    found = other(signals).astype(np.float64)
    scale = max(float(np.abs(expected).max()), 1e-12)
    error = float(np.abs(found - expected).max() / scale)
    ranked = np.sort(expected, axis=1)
    clear = (
        ranked[:, -1] - ranked[:, -2] > 2 * tolerance * scale
        if expected.shape[1] > 1
        else np.zeros(len(expected), dtype=bool)
    )
    other_class = (found.argmax(1) != expected.argmax(1)) & clear
    if not error <= tolerance or other_class.any():
        raise Failure(
            f"{words} disagree: relative error {error:.2e} (at most {tolerance:g}), another class for "
            f"{int(other_class.sum())} of {len(signals)} signals; the file is not written; please "
            "report this with the bundle"
        )
    return Proof(error, len(signals), words)
