"""Where the joints of one body are drawn: canonical poses, and a tidy tree for any other skeleton."""

from __future__ import annotations

import numpy as np

from bandstop.skeleton import LAYOUTS, Skeleton

SBU_POSE = (
    (0.0, 1.70), (0.0, 1.44), (0.0, 1.10),
    (0.21, 1.36), (0.38, 1.12), (0.50, 0.88),
    (-0.21, 1.36), (-0.38, 1.12), (-0.50, 0.88),
    (0.14, 0.90), (0.19, 0.48), (0.23, 0.06),
    (-0.14, 0.90), (-0.19, 0.48), (-0.23, 0.06),
)  # fmt: skip
"""A standing person seen from the front, in metres: the person's left is on the right."""

HAND21_POSE = (
    (0.0, 0.0),
    (0.36, 0.34), (0.27, 0.92), (0.04, 0.97), (-0.17, 0.91), (-0.36, 0.80),
    (0.58, 0.62), (0.70, 0.84), (0.80, 1.04),
    (0.34, 1.28), (0.38, 1.50), (0.41, 1.69),
    (0.05, 1.38), (0.06, 1.64), (0.065, 1.85),
    (-0.23, 1.29), (-0.27, 1.53), (-0.30, 1.73),
    (-0.48, 1.09), (-0.55, 1.27), (-0.61, 1.43),
)  # fmt: skip
"""An open hand, fingers up, thumb on the right, in decimetres."""

POSES: dict[str, tuple[tuple[float, float], ...]] = {"sbu": SBU_POSE, "hand21": HAND21_POSE}
"""Layout -> (x, y) of every joint of one body; y points up."""

CAPTIONS = {"sbu": "seen from the front: a person's left is on the right", "hand21": ""}


def pose(skeleton: Skeleton) -> tuple[np.ndarray, str]:
    """(joints, 2) positions of one body in a unit-high box, y up, and a caption (may be empty).

    A canonical pose is used where the joints are those of the layout, whatever the skeleton's name.
    """
    for name, layout in LAYOUTS.items():
        if name in POSES and layout.joints == skeleton.joints:
            return fitted(np.array(POSES[name])), CAPTIONS[name]
    return fitted(tree(skeleton)), "drawn as a tree: roots above, one level a bone"


def fitted(points: np.ndarray) -> np.ndarray:
    """Moved and scaled, without distortion, to x centred on 0 and y from 0 to 1 (or width 1)."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = float(max(high[1] - low[1], (high[0] - low[0]) / 1.6))
    centre = np.array([(low[0] + high[0]) / 2, low[1]])
    return (points - centre) / (size if size > 0 else 1.0)


def tree(skeleton: Skeleton) -> np.ndarray:
    """(joints, 2): depth downwards, leaves side by side, parents above the middle of their children."""
    children: dict[int, list[int]] = {j: [] for j in range(len(skeleton.joints))}
    for parent, child in skeleton.bones:
        children[parent].append(child)
    roots = sorted(set(children) - {child for _, child in skeleton.bones})
    order, stack, depth = [], list(reversed(roots)), dict.fromkeys(roots, 0)
    while stack:
        joint = stack.pop()
        order.append(joint)
        for child in reversed(children[joint]):
            depth[child] = depth[joint] + 1
            stack.append(child)
    points, leaves = np.zeros((len(order), 2)), 0
    for joint in order:
        if not children[joint]:
            points[joint, 0], leaves = leaves, leaves + 1
    for joint in reversed(order):
        if children[joint]:
            points[joint, 0] = np.mean([points[child, 0] for child in children[joint]])
        points[joint, 1] = -depth[joint]
    return points
