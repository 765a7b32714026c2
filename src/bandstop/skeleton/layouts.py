"""Joint layouts as constants, each with its source."""

from __future__ import annotations

from bandstop.skeleton.skeleton import Skeleton

SBU = Skeleton(
    name="sbu",
    joints=(
        "head",
        "neck",
        "torso",
        "left shoulder",
        "left elbow",
        "left hand",
        "right shoulder",
        "right elbow",
        "right hand",
        "left hip",
        "left knee",
        "left foot",
        "right hip",
        "right knee",
        "right foot",
    ),
    bones=(
        (2, 1), (1, 0),
        (1, 3), (3, 4), (4, 5),
        (1, 6), (6, 7), (7, 8),
        (2, 9), (9, 10), (10, 11),
        (2, 12), (12, 13), (13, 14),
    ),
    mirror=(0, 1, 2, 6, 7, 8, 3, 4, 5, 12, 13, 14, 9, 10, 11),
    bodies=2,
    source="Yun et al., Two-person Interaction Detection, CVPR Workshops 2012 (SBU Kinect)",
)  # fmt: skip

_FINGERS = ("thumb", "index", "middle", "ring", "little")

HAND21 = Skeleton(
    name="hand21",
    joints=(
        "wrist",
        *(f"{finger} MCP" for finger in _FINGERS),
        *(f"{finger} {part}" for finger in _FINGERS for part in ("PIP", "DIP", "TIP")),
    ),
    bones=tuple(
        bone
        for f in range(5)
        for bone in (
            (0, 1 + f),
            (1 + f, 6 + 3 * f),
            (6 + 3 * f, 7 + 3 * f),
            (7 + 3 * f, 8 + 3 * f),
        )
    ),
    mirror=tuple(range(21)),
    source="Garcia-Hernando et al., First-Person Hand Action Benchmark, CVPR 2018 (FPHA)",
)

LAYOUTS: dict[str, Skeleton] = {"sbu": SBU, "hand21": HAND21}
"""Layouts by name, for files that name theirs instead of spelling it out."""
