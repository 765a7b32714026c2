"""The priors' closed forms for drawing: symmetric, mean 0, variance 1 (PMP, arXiv 2305.19343).

The training's own, differentiable forms are in the gate's room; a test holds both to each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

import numpy as np

ROOT2, ROOT3 = math.sqrt(2.0), math.sqrt(3.0)

DENSITIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gaussian": lambda v: np.exp(-0.5 * v * v) / math.sqrt(2 * math.pi),
    "laplace": lambda v: np.exp(-ROOT2 * np.abs(v)) / ROOT2,
    "uniform": lambda v: np.where(np.abs(v) <= ROOT3, 1 / (2 * ROOT3), 0.0),
}
"""Density at v, the shape of v."""

THRESHOLDS: dict[str, Callable[[float], float]] = {
    "gaussian": lambda rate: NormalDist().inv_cdf((1 + rate) / 2),
    "laplace": lambda rate: -math.log1p(-rate) / ROOT2,
    "uniform": lambda rate: rate * ROOT3,
}
"""a(r) with Q(|v| < a) = r, for r in [0, 1)."""


def empirical_threshold(edges: np.ndarray, counts: np.ndarray, rate: float) -> float:
    """The largest a with at most the fraction `rate` of a histogram's |v| below it.

    Linear within a bin. One survivor in a hundred may lie below: after the cut they are trained on.

    >>> round(empirical_threshold(np.array([-2., -1., 0., 1., 2.]), np.array([1, 9, 9, 1]), 0.9), 6)
    1.01
    """
    inner = edges[edges >= 0]
    low, high = np.abs(edges[:-1]), np.abs(edges[1:])
    nearest = np.minimum(low, high)
    below = np.array([counts[nearest < edge - 1e-9].sum() for edge in inner])
    aim = (rate + 0.01 * (1 - rate)) * counts.sum()
    if counts.sum() == 0 or rate <= 0:
        return 0.0
    last = int(np.searchsorted(below, aim, side="right")) - 1
    if last + 1 >= len(inner):
        return float(inner[-1])
    step = (aim - below[last]) / (below[last + 1] - below[last])
    return float(inner[last] + step * (inner[last + 1] - inner[last]))
