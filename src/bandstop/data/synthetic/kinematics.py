"""Movement from a few curves: timing, rotation, limbs of fixed length, a sensor's errors.

Everything takes and gives whole recordings: the first axis is time. Lengths are millimetres, angles
radians, y points up; t is the time within the performance, 0 at its beginning and 1 at its end.
"""

from __future__ import annotations

import numpy as np

STEP = 1 / 16
"""Coordinates are rounded to this many mm: machines whose sines differ in the last bit agree."""


def ramp(t: np.ndarray, start: float, end: float) -> np.ndarray:
    """0 before `start`, 1 after `end`, smooth (3u² - 2u³) between; the shape of `t`."""
    u = np.clip((t - start) / max(end - start, 1e-6), 0.0, 1.0)
    return u * u * (3.0 - 2.0 * u)


def bump(t: np.ndarray, start: float, full: float, leave: float, end: float) -> np.ndarray:
    """0, then up from `start` to 1 at `full`, held until `leave`, and 0 again at `end`."""
    return ramp(t, start, full) * (1.0 - ramp(t, leave, end))


def wobble(
    rng: np.random.Generator, t: np.ndarray, size: float, shape: tuple[int, ...]
) -> np.ndarray:
    """Slow aimless movement, (frames, *shape): three sines of random phase, about `size` high."""
    cycles = rng.uniform(0.4, 2.2, (3, *shape))
    phase = rng.uniform(0.0, 2.0 * np.pi, (3, *shape))
    height = rng.normal(0.0, size / np.sqrt(1.5), (3, *shape))
    time = t.reshape(-1, 1, *(1,) * len(shape))
    return (height * np.sin(2.0 * np.pi * cycles * time + phase)).sum(axis=1)


def turned(points: np.ndarray, angle: np.ndarray | float) -> np.ndarray:
    """`points` (..., 3) turned about the vertical by `angle` (over ...): +z goes to +x."""
    sine, cosine = np.sin(angle), np.cos(angle)
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    return np.stack(
        [cosine * x + sine * z, np.broadcast_to(y, x.shape), cosine * z - sine * x], axis=-1
    )


def towards(start: np.ndarray, goal: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """`start` (frames, 3) moved to `goal` (frames, 3) or (3,) by the share `weight` (frames,)."""
    return start + weight[:, None] * (goal - start)


def limb(
    root: np.ndarray, target: np.ndarray, first: float, second: float, bend: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Two bones from `root` towards `target`: middle joint and end joint, each (frames, 3).

    The bones keep the lengths `first` and `second` exactly; a target out of reach is pointed at.
    The middle joint lies on the side of `bend` (frames, 3) or (3,), a direction.
    """
    away = target - root
    distance = np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-6)
    along = away / distance
    nearest, farthest = abs(first - second) + 0.1 * min(first, second), 0.995 * (first + second)
    distance = np.clip(distance, nearest, farthest)
    foot = (distance**2 + first**2 - second**2) / (2.0 * distance)
    sideways = bend - (bend * along).sum(axis=1, keepdims=True) * along
    sideways = sideways / np.maximum(np.linalg.norm(sideways, axis=1, keepdims=True), 1e-6)
    middle = root + foot * along + np.sqrt(np.maximum(first**2 - foot**2, 0.0)) * sideways
    return middle, root + distance * along


def sensed(
    rng: np.random.Generator,
    positions: np.ndarray,
    noise: float,
    slip: float,
    loose: tuple[int, ...],
) -> np.ndarray:
    """What a depth sensor reports of (frames, nodes, 3): noise on every joint, and slips.

    noise  standard deviation of every coordinate; half of it once more for the whole recording
    slip   standard deviation of a slip: one of the `loose` nodes is seen elsewhere for some frames
    """
    frames, nodes, _ = positions.shape
    seen = positions + rng.normal(0.0, noise, positions.shape)
    seen = seen + rng.normal(0.0, 0.5 * noise, (1, nodes, 3))
    for _ in range(int(rng.poisson(0.08 * frames))):
        node, start = loose[int(rng.integers(len(loose)))], int(rng.integers(frames))
        seen[start : start + int(rng.integers(1, 5)), node] += rng.normal(0.0, slip, 3)
    return np.round(seen / STEP) * STEP
