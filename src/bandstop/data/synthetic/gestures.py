"""Ten gestures of one hand, as curves over the model of the hand: one function a class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bandstop.data.synthetic.hand import Hand, Pose, posed
from bandstop.data.synthetic.kinematics import bump, ramp, sensed, turned, wobble

NOISE, SLIP = 2.0, 16.0
"""The simulated sensor's errors, mm: of every coordinate, and of a joint seen out of place."""

LOOSE = tuple(range(6, 21))
"""Nodes that slip: all joints of the fingers beyond the knuckles."""


@dataclass
class Gesture(Pose):
    """A pose over time and what its movement is drawn from.

    start, full  times at which the movement begins and is complete
    leave, end   times at which it is left and is over
    size         how far it goes: 1 is usual
    """

    rng: np.random.Generator
    start: float
    full: float
    leave: float
    end: float
    size: float

    def stroke(self) -> np.ndarray:
        """Out and back, (frames,)."""
        return bump(self.t, self.start, self.full, self.leave, self.end)

    def fold(self, curl: tuple[float, ...], weight: np.ndarray | float) -> None:
        """Bring the fingers to `curl`, each missing it a little, by the share `weight`."""
        goal = np.clip(np.array(curl) + self.rng.normal(0.0, 0.1, 5), 0.0, 1.05)
        share = np.broadcast_to(weight, self.t.shape)[:, None]
        self.curl = self.curl + share * (goal - self.curl)

    def cycles(self, count: float, low: float, high: float) -> np.ndarray:
        """A sine of about `count` periods within the stroke, `low` to `high` in size, (frames,)."""
        height = self.size * self.rng.uniform(low, high)
        turns = (
            count * self.rng.uniform(0.75, 1.3) * (self.t - self.start) / (self.end - self.start)
        )
        return (
            height
            * np.sin(2.0 * np.pi * turns)
            * bump(self.t, self.start - 0.05, self.start + 0.05, self.end, self.end + 0.1)
        )


_FIST = (0.9, 1.0, 1.0, 1.0, 1.0)
_POINTING = (0.8, 0.0, 0.9, 0.95, 0.95)
_OPEN = (0.0, 0.0, 0.0, 0.0, 0.0)


def _swipe(g: Gesture, sign: float) -> None:
    go = 2.0 * ramp(g.t, g.start, g.leave) - 1.0
    back = ramp(g.t, g.leave + 0.1, g.end + 0.15) * g.rng.uniform(0.0, 0.8)
    g.move[:, 0] = sign * g.size * g.rng.uniform(40.0, 120.0) * (go - back)
    g.yaw = sign * g.rng.uniform(0.0, 0.6) * go
    g.fold(_OPEN, g.rng.uniform(0.3, 1.0))


def _swipe_left(g: Gesture) -> None:
    _swipe(g, -1.0)


def _swipe_right(g: Gesture) -> None:
    _swipe(g, 1.0)


def _wave(g: Gesture) -> None:
    side = g.cycles(g.rng.uniform(1.5, 3.5), 0.5, 1.0)
    g.move[:, 0] = g.rng.uniform(15.0, 70.0) * side
    g.roll = g.rng.uniform(0.2, 0.6) * side
    g.fold(_OPEN, g.rng.uniform(0.3, 1.0))


def _pinch(g: Gesture) -> None:
    w = g.stroke() * g.size
    others = g.rng.uniform(0.0, 0.6)
    g.fold((0.45, 0.5, others, others, others), w)
    g.oppose = np.minimum(w, 1.0) * g.rng.uniform(0.7, 1.0)
    g.move[:, 2] = g.rng.normal(0.0, 20.0) * w


def _grab(g: Gesture) -> None:
    w = ramp(g.t, g.start, g.leave) * g.size
    g.fold(_OPEN, 0.7 * (1.0 - w))
    g.fold((0.6, 0.75, 0.8, 0.8, 0.8), w)
    g.oppose = 0.7 * w
    g.move[:, 2] = g.rng.uniform(0.0, 50.0) * bump(g.t, 0.0, g.full, g.leave, g.end)


def _release(g: Gesture) -> None:
    w = 1.0 - ramp(g.t, g.start, g.leave) * g.size
    g.fold(_OPEN, 0.7 * (1.0 - w))
    g.fold((0.6, 0.75, 0.8, 0.8, 0.8), w)
    g.oppose = 0.7 * w
    g.move[:, 2] = g.rng.uniform(0.0, 50.0) * bump(g.t, 0.0, g.full, g.leave, g.end)


def _index_out(g: Gesture, pitch: tuple[float, float]) -> None:
    g.fold(_POINTING, ramp(g.t, g.start - 0.35, g.start + 0.05) * g.rng.uniform(0.6, 1.0))
    g.pitch = g.pitch + g.rng.uniform(*pitch)


def _point(g: Gesture) -> None:
    _index_out(g, (0.0, 0.5))
    w = g.stroke() * g.size
    g.pitch = g.pitch + g.rng.uniform(0.2, 0.7) * w
    g.move[:, 2] = g.rng.uniform(30.0, 110.0) * w


def _thumbs_up(g: Gesture) -> None:
    w = g.stroke() * g.size
    g.fold((0.0, 1.0, 1.0, 1.0, 1.0), w)
    g.roll = g.rng.uniform(0.5, 1.4) * w
    g.move[:, 1] = g.rng.uniform(0.0, 50.0) * w


def _circle(g: Gesture) -> None:
    _index_out(g, (0.1, 0.9))
    radius, sense = g.size * g.rng.uniform(28.0, 65.0), 1.0 if g.rng.random() < 0.5 else -1.0
    angle = 2.0 * np.pi * (g.rng.uniform(0.8, 2.0) * ramp(g.t, g.start, g.end) + g.rng.random())
    g.move[:, 0] = sense * radius * np.cos(angle)
    g.move[:, 1] = radius * np.sin(angle)


def _tap(g: Gesture) -> None:
    _index_out(g, (0.5, 1.1))
    down = np.abs(g.cycles(g.rng.uniform(0.5, 1.0), 0.6, 1.0))
    g.pitch = g.pitch + g.rng.uniform(0.1, 0.5) * down
    g.move[:, 1] = -g.rng.uniform(12.0, 40.0) * down
    g.move[:, 2] = g.rng.uniform(0.0, 25.0) * down


ACTIONS: dict[str, Callable[[Gesture], None]] = {
    "swipe left": _swipe_left,
    "swipe right": _swipe_right,
    "wave": _wave,
    "pinch": _pinch,
    "grab": _grab,
    "release": _release,
    "point": _point,
    "thumbs up": _thumbs_up,
    "circle": _circle,
    "tap": _tap,
}
"""Gesture name -> the function that plays it; the classes in this order."""


def gesture(rng: np.random.Generator, action: str, hand: Hand, clean: bool = False) -> np.ndarray:
    """A performance of `action` by `hand`, (frames, 21, 3) in mm, y up, z away from the camera.

    `rng` draws which hand, the timing, the viewpoint, the place, and (unless `clean`) the
    sensor's errors.
    """
    frames = int(np.clip(round(32.0 / hand.tempo * np.exp(rng.normal(0.0, 0.25))), 12, 80))
    t = np.linspace(rng.uniform(-0.1, 0.1), rng.uniform(0.9, 1.1), frames)
    if rng.random() < 0.07:
        t = t[0] + (t - t[0]) * rng.uniform(0.5, 0.7)
    start = rng.uniform(0.05, 0.3)
    full, end = start + rng.uniform(0.12, 0.3), rng.uniform(0.75, 1.0)
    g = Gesture(
        t, rng, start, full, float(rng.uniform(full, end - 0.1)), end,
        size=float(np.clip(hand.energy * rng.normal(0.92, 0.12), 0.5, 1.1)),
    )  # fmt: skip
    rest = wobble(rng, t, 1.0, (9,))
    g.curl = np.clip(hand.slack + 0.04 * rest[:, :5] + rng.normal(0.0, 0.06, 5), 0.0, 1.0)
    g.pitch, g.roll = (
        rng.normal(0.15, 0.2) + 0.06 * rest[:, 5],
        rng.normal(0.0, 0.15) + 0.06 * rest[:, 6],
    )
    ACTIONS[action](g)
    g.yaw = g.yaw + 0.06 * rest[:, 7]
    g.move = g.move + wobble(rng, t, 7.0, (3,)) + rng.normal(0.0, 1.0, 3) * rest[:, 8:9]
    joints = turned(posed(hand, g, left=bool(rng.random() < 0.3)), rng.normal(0.0, 0.4))
    joints = joints + np.array(
        [rng.normal(0.0, 90.0), rng.normal(-40.0, 60.0), rng.uniform(330.0, 550.0)]
    )
    return joints if clean else sensed(rng, joints, NOISE, SLIP, LOOSE)
