"""From frames to chunk averages and a signal, in NumPy and double precision: what the generated C must
compute.

The rule is that of data/describe.py, written a second time as a sum over frames: frame t counts in
chunk k with the length of [t, t + 1) that lies in [b_k, b_(k+1)), b_k = T (trim + (1 - 2 trim) k / M).
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float

from bandstop.data.describe import TOUCHING
from bandstop.data.normalise import STILL
from bandstop.data.speed import speeds_of


def shares(frames: int, chunks: int, trim: float) -> Float[np.ndarray, "chunk frame"]:
    """How much of each frame lies in each chunk, divided by the chunk's length; rows sum to 1."""
    bounds = frames * (trim + (1 - 2 * trim) * np.arange(chunks + 1) / chunks)
    t = np.arange(frames)
    overlap = np.minimum(bounds[1:, None], t + 1) - np.maximum(bounds[:-1, None], t)
    return np.maximum(overlap, 0) / (bounds[1:] - bounds[:-1])[:, None]


def absent(frames: Float[np.ndarray, "frame body joint xyz"]) -> Bool[np.ndarray, "frame body"]:
    """Whether all joints of a body are in one and the same point; a body of one joint never is."""
    same = (frames == frames[:, :, :1]).all(axis=(2, 3))
    return np.asarray(same & (frames.shape[2] > 1))


def chunk_means(
    frames: Float[np.ndarray, "frame node xyz"],
    chunks: int,
    trim: float,
    bodies: int,
    speeds: bool = False,
) -> Float[np.ndarray, "chunk node channel"]:
    """The average position, and speeds, of every node in every chunk; a body that is absent in a frame
    counts as standing at the centre of all that are present."""
    x = frames.astype(np.float64).reshape(len(frames), bodies, -1, 3)
    gone, share = absent(x), shares(len(x), chunks, trim)
    means = np.einsum("kt,tbjx->kbjx", share, x * ~gone[:, :, None, None])
    away = share @ gone
    present = (1 - away).sum() * x.shape[2]
    if present > 0:
        means += away[:, :, None, None] * (means.sum(axis=(0, 1, 2)) / present)
    means = means.reshape(chunks, -1, 3)
    if not speeds:
        return means
    each = speeds_of(frames, gone).reshape(len(frames), 2, -1)
    return np.concatenate([means, np.einsum("kt,tsn->kns", share, each)], axis=2)


def placed(
    means: Float[np.ndarray, "chunk node channel"],
    view: str,
    bodies: int,
    joints: int,
    up: int,
    side: int,
) -> Float[np.ndarray, "node feature"]:
    """Centred; with view "facing" turned until the second body stands on the side axis from the
    first, unless they touch; feature 3 k + c is coordinate c in chunk k, 3 M + M s + k speed s."""
    x = means[..., :3] - means[..., :3].mean(axis=(0, 1))
    if view == "facing" and bodies > 1:
        a, b = (up + 1) % 3, (up + 2) % 3
        middle = x.mean(axis=0)
        size = middle.var(axis=0).sum() + x.mean(axis=1).var(axis=0).sum()
        between = (middle[joints : 2 * joints] - middle[:joints]).mean(0)
        if between[a] ** 2 + between[b] ** 2 > TOUCHING**2 * size:
            angle = -math.atan2(between[b], between[a]) + (math.pi / 2 if side == b else 0.0)
            turned = x.copy()
            turned[..., a] = x[..., a] * math.cos(angle) - x[..., b] * math.sin(angle)
            turned[..., b] = x[..., a] * math.sin(angle) + x[..., b] * math.cos(angle)
            x = turned
    speeds = means[..., 3:].transpose(1, 2, 0).reshape(x.shape[1], -1)
    return np.concatenate([x.transpose(1, 0, 2).reshape(x.shape[1], -1), speeds], axis=1)


def normalised(
    signal: Float[np.ndarray, "node feature"], scale: Float[np.ndarray, " kind"]
) -> Float[np.ndarray, "node feature"]:
    """x scale_0 for positions, log(v scale_0 + STILL) scale_i for speed i: all but the mean."""
    places = 3 * signal.shape[1] // (2 + len(scale))
    logs = np.log(signal[:, places:] * scale[0] + STILL)
    own = np.repeat(scale[1:], places // 3)
    return np.concatenate([signal[:, :places] * scale[0], logs * own], axis=1)


def offset(
    mean: Float[np.ndarray, "node feature"], scale: Float[np.ndarray, " kind"]
) -> Float[np.ndarray, "node feature"]:
    """-mean scale, each kind by its own scale: what is left of the normalisation."""
    places = 3 * mean.shape[1] // (2 + len(scale))
    own = np.repeat(scale, [places, *[places // 3] * (len(scale) - 1)])
    return np.asarray(-mean * own)
