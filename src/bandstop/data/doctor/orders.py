"""Do the joints stand in the order that the skeleton says?

In the right order a bone joins neighbours: all bones together are not much longer than the shortest tree
that joins all joints. In a wrong order they cross the body. No recording of people or hands that we know
is above 1.7 in the right order, and none below 2 in one that is shuffled (docs/data-formats.md).
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass

import numpy as np

from bandstop.data.doctor.checks import Finding, counted
from bandstop.data.sequence import Sequence, absent
from bandstop.skeleton import Skeleton
from bandstop.skeleton.layouts import HAND21, SBU

RIGHT, DOUBTFUL = 1.7, 1.9
"""Up to how many times the shortest tree bones are in order, and from when on not."""
BETTER = 0.75
"""Another order is named where its bones are together shorter than this share of ours."""
LOOKED_AT = 100
"""Recordings that are looked at, spread over all."""


@dataclass(frozen=True)
class Order:
    """A joint order that recordings are often in.

    bones  parent of each joint in that order; -1: it has none
    to     layout -> for each of its joints, the joint here that is the same
    """

    name: str
    parents: tuple[int, ...]
    to: dict[str, tuple[int, ...]]


def _parents(skeleton: Skeleton) -> tuple[int, ...]:
    of = {child: parent for parent, child in skeleton.bones}
    return tuple(of.get(j, -1) for j in range(len(skeleton.joints)))


ORDERS = (
    Order("SBU (layout sbu)", _parents(SBU), {"sbu": tuple(range(15))}),
    Order(
        "OpenNI and NiTE",
        (1, 8, 1, 1, 2, 3, 4, 5, -1, 8, 8, 9, 10, 11, 12),
        {"sbu": (0, 1, 8, 2, 4, 6, 3, 5, 7, 9, 11, 13, 10, 12, 14)},
    ),
    Order("FPHA (layout hand21)", _parents(HAND21), {"hand21": tuple(range(21))}),
    Order(
        "MediaPipe's hands",
        (-1, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19),
        {"hand21": (0, 1, 5, 9, 13, 17, 2, 3, 4, 6, 7, 8, 10, 11, 12, 14, 15, 16, 18, 19, 20)},
    ),
    Order(
        "COCO, 17 joints",
        (-1, 0, 0, 1, 2, 0, 0, 5, 6, 7, 8, 5, 6, 11, 12, 13, 14),
        {},
    ),
    Order(
        "Kinect v2 and NTU, 25 joints",
        (-1, 0, 20, 2, 20, 4, 5, 6, 20, 8, 9, 10, 0, 12, 13, 14, 0, 16, 17, 18, 1, 22, 7, 24, 11),
        {},
    ),
)  # fmt: skip
"""The orders that are told apart, by how many joints they have."""


def order(skeleton: Skeleton, sequences: Seq[Sequence]) -> list[Finding]:
    """Joints that do not hang together as the skeleton says, and in which known order they would."""
    ours = _parents(skeleton)
    if len(ours) < 4 or sum(p >= 0 for p in ours) < len(ours) - 1 or not sequences:
        return []
    some = sequences[:: max(1, len(sequences) // LOOKED_AT)]
    away = [d for s in some for d in _distances(skeleton, s)]
    if not away:
        return []
    shortest = np.array([_tree(d) for d in away])
    fit = np.median([_length(d, ours) for d in away] / shortest)
    known = [o for o in ORDERS if len(o.parents) == len(ours) and o.parents != ours]
    fits = [float(np.median([_length(d, o.parents) for d in away] / shortest)) for o in known]
    best = int(np.argmin(fits)) if fits else -1
    named = best >= 0 and fits[best] < min(RIGHT, BETTER * fit)
    if fit < DOUBTFUL and not named:
        return []
    words = (
        f"the joints do not hang together as skeleton {skeleton.name!r} says: its bones are {fit:.1f} times "
        f"as long as the shortest tree that joins all joints (1 to {RIGHT:g} in the right order)"
    )
    if not named:
        return [Finding("joint order", f"{words}; compare the order of the joints with its own")]
    there = known[best].to.get(skeleton.name)
    remedy = (
        f"reorder them with positions[:, {list(there)}]"
        if there and skeleton.bodies == 1
        else "put the joints in the skeleton's order, or describe a skeleton in theirs"
    )
    words += f"; in the order of {known[best].name} they do ({fits[best]:.1f} times): {remedy}"
    return [Finding("joint order", words, (f"looked at {counted(len(some), 'sequence')}",))]


def _distances(skeleton: Skeleton, s: Sequence) -> list[np.ndarray]:
    """(joints, joints): the median distance between any two joints, of each body that is present."""
    found, here = [], ~absent(s.positions, skeleton.bodies)
    bodies = s.positions.reshape(s.frames, skeleton.bodies, -1, 3).astype(np.float64)
    for b in range(skeleton.bodies):
        frames = bodies[here[:, b], b][:50]
        if len(frames):
            apart = np.linalg.norm(frames[:, :, None] - frames[:, None], axis=-1)
            found.append(np.median(apart, axis=0))
    return [d for d in found if d.max() > 0]


def _length(apart: np.ndarray, parents: tuple[int, ...]) -> float:
    return float(sum(apart[j, p] for j, p in enumerate(parents) if p >= 0))


def _tree(apart: np.ndarray) -> float:
    """Length of the shortest tree over all joints (Prim)."""
    nearest, total = apart[0].copy(), 0.0
    nearest[0] = np.inf
    for _ in range(len(apart) - 1):
        joint = int(np.argmin(nearest))
        total += float(nearest[joint])
        nearest = np.where(np.isinf(nearest), np.inf, np.minimum(nearest, apart[joint]))
        nearest[joint] = np.inf
    return total
