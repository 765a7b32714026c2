"""One hand as a small kinematic model in the HAND21 layout: sizes, manner, and a posed recording.

The hand's own frame, before it is turned: fingers along y, the palm towards the camera (which
looks along z), and x from the little finger to the thumb of a right hand; a left hand is its
mirror image.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bandstop.data.synthetic.kinematics import turned

_KNUCKLES = np.array(
    [
        [32.0, 28.0, -10.0],
        [24.0, 88.0, 2.0],
        [3.0, 92.0, 5.0],
        [-15.0, 86.0, 3.0],
        [-31.0, 76.0, -2.0],
    ]
)
_PHALANXES = np.array(
    [
        [44.0, 34.0, 27.0],
        [45.0, 26.0, 22.0],
        [50.0, 30.0, 23.0],
        [46.0, 28.0, 23.0],
        [36.0, 21.0, 20.0],
    ]
)
_SPREAD = np.array([0.75, 0.12, 0.0, -0.1, -0.22])
_CURL = np.array(
    [[0.5, 0.7, 0.8], [1.45, 1.7, 1.0], [1.5, 1.7, 1.0], [1.5, 1.7, 1.0], [1.45, 1.6, 1.0]]
)


@dataclass(frozen=True)
class Hand:
    """A subject: knuckles (5, 3) from the wrist, finger bones (5, 3), and how this hand moves.

    tempo   of the whole gesture (1 is usual; more is faster, so fewer frames)
    energy  how far movements go (1 is usual)
    slack   how far resting fingers stay curled, 0 to 1
    spread  how far the fingers are spread (1 is usual)
    """

    knuckles: np.ndarray
    bones: np.ndarray
    tempo: float
    energy: float
    slack: float
    spread: float


def random_hand(rng: np.random.Generator) -> Hand:
    """A grown person's hand: size spread by 8 %, palm and every bone by another 4 %."""
    size = rng.normal(1.0, 0.08)
    return Hand(
        knuckles=_KNUCKLES * size * rng.normal(1.0, 0.05, (1, 3)),
        bones=_PHALANXES * size * rng.normal(1.0, 0.04, (5, 3)),
        tempo=float(np.exp(rng.normal(0.0, 0.15))),
        energy=float(rng.uniform(0.75, 1.2)),
        slack=float(rng.uniform(0.02, 0.3)),
        spread=float(rng.uniform(0.5, 1.4)),
    )


@dataclass
class Pose:
    """Where the hand is and how it is bent over time; all zero: straight, upright, at the origin.

    curl    (frames, 5): 0 straight, 1 in the fist, thumb to little finger
    oppose  (frames,): how far the thumb has turned in front of the palm
    move    (frames, 3): where the wrist has gone, mm, in the camera's axes
    pitch   (frames,): the fingers bent away from the camera, radians
    roll    (frames,): the hand tilted to the little finger's side, radians
    yaw     (frames,): the hand turned about the vertical, radians
    """

    t: np.ndarray
    curl: np.ndarray = field(init=False)
    oppose: np.ndarray = field(init=False)
    move: np.ndarray = field(init=False)
    pitch: np.ndarray = field(init=False)
    roll: np.ndarray = field(init=False)
    yaw: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        frames = len(self.t)
        self.curl, self.move = np.zeros((frames, 5)), np.zeros((frames, 3))
        self.oppose, self.pitch, self.roll, self.yaw = np.zeros((4, frames))


def posed(hand: Hand, g: Pose, left: bool) -> np.ndarray:
    """The 21 joints, (frames, 21, 3); bones keep their length."""
    frames = len(g.t)
    tips = []
    for f in range(5):
        angle = g.curl[:, f, None] * np.cumsum(_CURL[f])
        splay = (hand.spread * _SPREAD[f] * (1.0 - 0.8 * g.curl[:, f]))[:, None]
        if f == 0:
            splay = splay - 1.2 * g.oppose[:, None]
            angle = angle + 0.6 * g.oppose[:, None]
        along = np.stack(
            [np.cos(angle) * np.sin(splay), np.cos(angle) * np.cos(splay), -np.sin(angle)], axis=-1
        )
        tips.append(hand.knuckles[f] + np.cumsum(hand.bones[f][:, None] * along, axis=1))
    knuckles = np.broadcast_to(hand.knuckles, (frames, 5, 3))
    joints = np.concatenate([np.zeros((frames, 1, 3)), knuckles, *tips], axis=1)
    if left:
        joints = joints * np.array([-1.0, 1.0, 1.0])
    x, y, z = np.moveaxis(joints, -1, 0)
    roll, pitch = (-g.roll if left else g.roll)[:, None], g.pitch[:, None]
    x, y = np.cos(roll) * x - np.sin(roll) * y, np.sin(roll) * x + np.cos(roll) * y
    y, z = np.cos(pitch) * y - np.sin(pitch) * z, np.sin(pitch) * y + np.cos(pitch) * z
    return turned(np.stack([x, y, z], axis=-1), g.yaw[:, None]) + g.move[:, None]
