"""A person as a small kinematic model in SBU's joint layout: sizes, manner, and a posed recording.

A person stands in a frame of their own: z points to the partner, y up from the floor, x to their
left.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from bandstop.data.synthetic.kinematics import limb, towards, turned, wobble

Blend = tuple[np.ndarray, np.ndarray]
"""A weight (frames,) and a goal (frames, 3) or (3,): how far a hand or foot has gone to where."""


@dataclass(frozen=True)
class Body:
    """Bone lengths in mm, and how this person moves.

    tempo   of the whole performance (1 is usual; more is faster, so fewer frames)
    energy  how far movements go (1 is usual)
    sway    how restlessly the person stands, mm
    stoop   constant forward lean, radians
    """

    neck: float
    head: float
    shoulder: float
    upper_arm: float
    forearm: float
    hip: float
    thigh: float
    shin: float
    tempo: float
    energy: float
    sway: float
    stoop: float

    @property
    def waist(self) -> float:
        """Height of the torso joint of a person standing straight."""
        return 0.9 * self.hip + 0.985 * (self.thigh + self.shin)

    @property
    def chest(self) -> float:
        return self.waist + 0.6 * self.neck

    @property
    def chin(self) -> float:
        return self.waist + self.neck + 0.5 * self.head


def random_body(rng: np.random.Generator) -> Body:
    """A grown person: stature spread by 6 %, every bone by another 4 %."""
    usual = np.array([214.0, 209.0, 150.0, 286.0, 270.0, 235.0, 423.0, 405.0])
    lengths = usual * rng.normal(1.0, 0.06) * rng.normal(1.0, 0.04, 8)
    neck, head, shoulder, upper_arm, forearm, hip, thigh, shin = (float(v) for v in lengths)
    return Body(
        neck, head, shoulder, upper_arm, forearm, hip, thigh, shin,
        tempo=float(np.exp(rng.normal(0.0, 0.15))),
        energy=float(rng.uniform(0.75, 1.15)),
        sway=float(rng.uniform(6.0, 22.0)),
        stoop=float(rng.normal(0.0, 0.05)),
    )  # fmt: skip


@dataclass
class Motion:
    """What a person does over time; every curve is (frames,), all zero for one who stands still.

    place, aside  how far the torso has gone forward and to the left, mm
    turn          heading, radians; 0 faces the partner
    lean, tilt    of the spine forward and to the left, radians
    twist         of the shoulders about the spine, radians
    crouch        how far the torso has come down, mm
    stride, gait  half length of a step in mm, and the phase of walking, radians
    hands, feet   left and right: blends applied one after the other, in the standing frame
    """

    t: np.ndarray
    place: np.ndarray = field(init=False)
    aside: np.ndarray = field(init=False)
    turn: np.ndarray = field(init=False)
    lean: np.ndarray = field(init=False)
    tilt: np.ndarray = field(init=False)
    twist: np.ndarray = field(init=False)
    crouch: np.ndarray = field(init=False)
    stride: np.ndarray = field(init=False)
    gait: np.ndarray = field(init=False)
    hands: tuple[list[Blend], list[Blend]] = field(default_factory=lambda: ([], []))
    feet: tuple[list[Blend], list[Blend]] = field(default_factory=lambda: ([], []))

    def __post_init__(self) -> None:
        for curve in (
            "place", "aside", "turn", "lean", "tilt", "twist", "crouch", "stride", "gait",
        ):  # fmt: skip
            setattr(self, curve, np.zeros(len(self.t)))


def posed(rng: np.random.Generator, body: Body, motion: Motion) -> np.ndarray:
    """The joints of `body` moving so, (frames, 15, 3) in the standing frame, bones rigid."""
    t, m = motion.t, motion
    idle = wobble(rng, t, 1.0, (8,))
    lean = m.lean + body.stoop + 0.0015 * body.sway * idle[:, 0]
    tilt = m.tilt + 0.0015 * body.sway * idle[:, 1]
    twist = m.twist + 0.003 * body.sway * idle[:, 2]

    def local(x: np.ndarray | float, y: np.ndarray | float, z: np.ndarray | float) -> np.ndarray:
        return np.stack(np.broadcast_arrays(x, y, z, t)[:3], axis=1)

    torso = local(
        m.aside + body.sway * idle[:, 3],
        body.waist - m.crouch,
        m.place + body.sway * idle[:, 4],
    )
    up = local(np.sin(tilt), np.cos(tilt) * np.cos(lean), np.cos(tilt) * np.sin(lean))
    nod = lean + 0.3 * m.lean
    neck = torso + turned(body.neck * up, m.turn)
    head = neck + turned(body.head * local(np.sin(tilt), np.cos(tilt) * np.cos(nod), np.cos(tilt) * np.sin(nod)), m.turn)  # fmt: skip # noqa: E501
    joints = [head, neck, torso]
    for side, sign in ((0, 1.0), (1, -1.0)):
        across = turned(local(0.95 * sign, -0.31, 0.0), twist + m.turn)
        shoulder = neck + body.shoulder * across
        swing = -sign * np.sin(m.gait) * m.stride * 0.5
        hang = local(
            sign * (60.0 + body.sway * idle[:, 5]),
            -0.93 * (body.upper_arm + body.forearm),
            70.0 + swing + body.sway * idle[:, 6 + side],
        )
        hand = shoulder + turned(hang, m.turn)
        for weight, goal in m.hands[side]:
            hand = towards(hand, goal, weight)
        bend = turned(local(0.5 * sign, -0.8, -0.6), m.turn)
        joints += [shoulder, *limb(shoulder, hand, body.upper_arm, body.forearm, bend)]
    for side, sign in ((0, 1.0), (1, -1.0)):
        hip = torso + body.hip * turned(local(0.42 * sign, -0.907, 0.0), 0.4 * twist + m.turn)
        step = sign * np.sin(m.gait)
        raised = np.maximum(0.0, sign * np.cos(m.gait)) * m.stride * 0.3
        foot = hip + turned(local(15.0 * sign, 0.0, step * m.stride), m.turn)
        foot[:, 1] = raised
        for weight, goal in m.feet[side]:
            foot = towards(foot, goal, weight)
        forward = turned(local(0.0, 0.2, 1.0), m.turn)
        joints += [hip, *limb(hip, foot, body.thigh, body.shin, forward)]
    return np.stack(joints, axis=1)
