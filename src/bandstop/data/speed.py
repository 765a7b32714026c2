"""How fast every node moves, frame by frame."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

SPEEDS = ("speed", "relative speed")
"""Of a node, and of the same node relative to its body: what moves by itself, and what is carried."""


def speeds_of(
    positions: Float[np.ndarray, "frame node xyz"],
    absent: Bool[np.ndarray, "frame body"],
    times: Float[np.ndarray, " frame"] | None = None,
) -> Float[np.ndarray, "frame column"]:
    """Lengths of the steps to each frame from the one before, in the skeleton's unit a frame.

    v_tj = |d_tj| / w_t and r_tj = |d_tj - mean_i d_ti| / w_t, d_t = x_t - x_(t-1), i over the joints of
    j's body, w_t the time between both frames. The first frame moves as the second one
    does; a body that is absent in either frame does not move. (Our choice.) Time is counted in ordinary
    (median) frames, so that a few that are missing make nothing faster.

    absent   (frames, bodies)
    times    when each frame was taken, in any unit; None where they follow one another evenly
    Returns (frames, 2 nodes): the speed of every node, then the relative speed of every node.
    """
    bodies = absent.shape[1]
    x = positions.astype(np.float64).reshape(len(positions), bodies, -1, 3)
    steps = np.diff(x, axis=0)
    if times is not None:
        between = np.diff(times)
        steps /= (between / np.median(between))[:, None, None, None]
    steps[absent[1:] | absent[:-1]] = 0
    steps = np.concatenate([steps[:1], steps])
    own = np.linalg.norm(steps, axis=3)
    relative = np.linalg.norm(steps - steps.mean(axis=2, keepdims=True), axis=3)
    return np.concatenate([own.reshape(len(x), -1), relative.reshape(len(x), -1)], axis=1)
