"""From frames to chunk averages, in NumPy and double precision: what the generated C must compute.

The rule is that of data/describe.py, written a second time as a sum over frames: frame t counts in
chunk k with the length of [t, t + 1) that lies in [b_k, b_(k+1)), b_k = T (trim + (1 - 2 trim) k / M).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float


def shares(frames: int, chunks: int, trim: float) -> Float[np.ndarray, "chunk frame"]:
    """How much of each frame lies in each chunk, divided by the chunk's length; rows sum to 1."""
    bounds = frames * (trim + (1 - 2 * trim) * np.arange(chunks + 1) / chunks)
    t = np.arange(frames)
    overlap = np.minimum(bounds[1:, None], t + 1) - np.maximum(bounds[:-1, None], t)
    return np.maximum(overlap, 0) / (bounds[1:] - bounds[:-1])[:, None]


def chunk_means(
    frames: Float[np.ndarray, "frame node xyz"], chunks: int, trim: float
) -> Float[np.ndarray, "chunk node xyz"]:
    """The average position of every node in every chunk."""
    return np.einsum("kt,tnx->knx", shares(len(frames), chunks, trim), frames.astype(np.float64))


def placed(
    means: Float[np.ndarray, "chunk node xyz"],
    view: str,
    bodies: int,
    joints: int,
    up: int,
    side: int,
) -> Float[np.ndarray, "node feature"]:
    """Centred; with view "facing" turned until the second body stands on the side axis from the
    first; feature 3 k + c is coordinate c in chunk k."""
    x = means - means.mean(axis=(0, 1))
    if view == "facing" and bodies > 1:
        middle = x.mean(axis=0)
        between = middle[joints : 2 * joints].mean(0) - middle[:joints].mean(0)
        a, b = (up + 1) % 3, (up + 2) % 3
        angle = -math.atan2(between[b], between[a]) + (math.pi / 2 if side == b else 0.0)
        turned = x.copy()
        turned[..., a] = x[..., a] * math.cos(angle) - x[..., b] * math.sin(angle)
        turned[..., b] = x[..., a] * math.sin(angle) + x[..., b] * math.cos(angle)
        x = turned
    return x.transpose(1, 0, 2).reshape(x.shape[1], -1)
