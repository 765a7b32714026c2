"""Eight interactions of two people, SBU's classes, as curves over the body model.

One function a class: it gets a scene and fills in what the actor and the other person do.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bandstop.data.synthetic.body import Body, Motion, posed
from bandstop.data.synthetic.kinematics import bump, ramp, sensed, turned
from bandstop.data.synthetic.scene import Scene

NOISE, SLIP = 9.0, 75.0
"""The simulated sensor's errors, mm: of every coordinate, and of a joint seen out of place."""

LOOSE = tuple(15 * b + j for b in (0, 1) for j in (4, 5, 7, 8, 10, 11, 13, 14))
"""Nodes that slip: elbows, hands, knees and feet."""

_RIGHT = np.array([-1.0, 1.0, 1.0])
"""From a person's x, to their left, to the camera's: x right, y up, z away is left-handed."""


def _walk(m: Motion, distance: float, going: np.ndarray, steps: float, stride: float) -> None:
    """Walk `distance` forward as the share `going` (frames,) grows, in `steps` steps."""
    m.place = m.place + distance * going
    speed = np.gradient(going)
    m.gait = np.pi * steps * going
    m.stride = stride * np.clip(speed / max(float(speed.max()), 1e-6) * 1.5, 0.0, 1.0)


def _approaching(s: Scene) -> None:
    far = s.size * s.rng.uniform(350.0, 1000.0)
    s.gap = s.rng.uniform(550.0, 1000.0) + far
    _walk(s.actor, far, ramp(s.t, s.start - 0.2, s.end - 0.05), far / 330.0, 160.0)
    if s.rng.random() < 0.3:
        reach = bump(s.t, s.full, s.leave, s.end, s.end + 0.3) * s.rng.uniform(0.2, 0.7)
        s.actor.hands[s.side].append((reach, s.spot(0, s.bodies[0].waist, 350.0)))


def _departing(s: Scene) -> None:
    far = s.size * s.rng.uniform(350.0, 1000.0)
    s.gap = s.rng.uniform(550.0, 1000.0)
    away = ramp(s.t, s.start - 0.1, s.end)
    _walk(s.actor, -far, away, far / 330.0, 160.0)
    if s.rng.random() < 0.75:
        direction = 1.0 if s.side else -1.0
        s.actor.turn = direction * s.rng.uniform(2.2, 3.1) * ramp(s.t, s.start - 0.15, s.full)


def _kicking(s: Scene) -> None:
    w, sign = s.size * s.stroke(), 1.0 if s.side == 0 else -1.0
    goal = s.spot(0, s.rng.uniform(350.0, 950.0), s.rng.uniform(150.0, 450.0))
    s.actor.feet[s.side].append((w, goal))
    s.actor.lean = -0.25 * w
    s.actor.twist = -0.3 * sign * w
    for hand in (0, 1):
        lift = s.rng.uniform(0.0, 0.5) * w
        s.actor.hands[hand].append((lift, np.array([350.0 - 700.0 * hand, 1150.0, 150.0])))
    _recoil(s, lean=0.25, back=140.0)


def _recoil(s: Scene, lean: float, back: float) -> None:
    """The other person is struck, or gives way: leans and steps back, perhaps guards."""
    hit = s.stroke(later=0.05) * s.size * s.rng.uniform(0.1, 1.2)
    s.other.lean = s.other.lean - lean * hit
    s.other.place = s.other.place - back * np.maximum.accumulate(hit)
    if s.rng.random() < 0.3:
        for hand in (0, 1):
            guard = np.array([150.0 - 300.0 * hand, s.bodies[1].chest, 300.0])
            s.other.hands[hand].append((hit * s.rng.uniform(0.2, 0.7), guard))


def _pushing(s: Scene) -> None:
    w = s.size * s.stroke()
    both = s.rng.random() < 0.85
    for hand in (0, 1) if both else (s.side,):
        aside = 120.0 - 240.0 * hand
        goal = s.spot(0, s.bodies[1].chest + 20.0, s.rng.uniform(80.0, 260.0), aside)
        s.actor.hands[hand].append((w, goal))
    s.actor.lean = s.rng.uniform(0.0, 0.3) * w
    s.actor.place = s.rng.uniform(0.0, 220.0) * w
    _recoil(s, lean=0.22, back=260.0)


def _punching(s: Scene) -> None:
    w, sign = s.size * s.stroke(), 1.0 if s.side == 0 else -1.0
    own = s.bodies[0]
    ready = bump(s.t, s.start - 0.2, s.start, s.start + 0.05, s.full) * s.rng.uniform(0.2, 1.0)
    s.actor.hands[s.side].append((ready, np.array([230.0 * sign, own.chest, 60.0])))
    height = s.bodies[1].chin - s.rng.uniform(0.0, 200.0)
    s.actor.hands[s.side].append((w, s.spot(0, height, s.rng.uniform(60.0, 260.0))))
    if s.rng.random() < 0.35:
        guard = np.array([-150.0 * sign, own.chest, 280.0])
        s.actor.hands[1 - s.side].append((w * s.rng.uniform(0.3, 0.9), guard))
    s.actor.twist = -s.rng.uniform(0.2, 0.7) * sign * w
    s.actor.place = s.rng.uniform(0.0, 200.0) * w
    _recoil(s, lean=0.32, back=170.0)


def _meet(s: Scene, height: float, late: float) -> np.ndarray:
    """Two hands go to a point between the two; what the actor's does, (frames,)."""
    share = s.rng.uniform(0.42, 0.58)
    aside = s.rng.normal(0.0, 60.0)
    here = np.array([aside, height, share * s.gap])
    there = np.array([-aside, height + s.rng.normal(0.0, 25.0), (1.0 - share) * s.gap])
    w, answer = s.size * s.stroke(), min(1.0, s.size + 0.1) * s.stroke(later=late)
    s.actor.hands[s.side].append((w, here))
    s.other.hands[s.other_side].append((answer, there))
    s.actor.lean = s.rng.uniform(0.0, 0.2) * w
    s.other.lean = s.rng.uniform(0.0, 0.2) * answer
    return w


def _shaking_hands(s: Scene) -> None:
    s.full, s.leave = s.full - 0.03, s.leave + 0.08
    w = _meet(s, s.bodies[0].waist + s.rng.normal(-10.0, 50.0), s.rng.uniform(0.0, 0.08))
    shakes = s.rng.uniform(2.0, 5.0)
    shake = s.rng.uniform(20.0, 75.0) * np.sin(2.0 * np.pi * shakes * (s.t - s.full))
    lift = np.stack([0.0 * shake, shake, 0.0 * shake], axis=1)
    for m in (s.actor, s.other):
        for hand in m.hands:
            hand[:] = [(weight, goal + lift * (w[:, None] > 0.8)) for weight, goal in hand]


def _exchanging(s: Scene) -> None:
    s.leave = s.full + 0.5 * (s.leave - s.full)
    _meet(s, s.bodies[0].waist + s.rng.normal(120.0, 50.0), s.rng.uniform(0.02, 0.2))
    carried = ramp(s.t, -0.3, s.start) * s.rng.uniform(0.1, 0.7)
    own = np.array([150.0 - 300.0 * s.side, s.bodies[0].waist, 250.0])
    s.actor.hands[s.side].insert(0, (carried * (s.t < s.leave), own))
    kept = ramp(s.t, s.leave, s.end) * s.rng.uniform(0.1, 0.7)
    s.other.hands[0].append((kept, np.array([150.0, s.bodies[1].waist, 250.0])))


def _hugging(s: Scene) -> None:
    near = s.rng.uniform(230.0, 380.0)
    going = bump(s.t, s.start - 0.2, s.full, s.leave + 0.2, s.end + 0.4)
    share = s.rng.uniform(0.3, 1.0)
    s.actor.place = s.size * share * (s.gap - near) * going
    s.other.place = s.size * (1.0 - share) * (s.gap - near) * going
    arms = bump(s.t, s.start, s.full + 0.1, s.leave + 0.1, s.end + 0.2)
    for who, m in enumerate((s.actor, s.other)):
        returns = s.size * (1.0 if who == 0 else s.rng.uniform(0.4, 1.0))
        high = s.rng.uniform(-120.0, 160.0)
        for hand in (0, 1):
            aside = (1.0 - 2.0 * hand) * s.rng.uniform(60.0, 200.0)
            height = s.bodies[1 - who].chest + high * (1.0 - 2.0 * hand)
            goal = np.stack(np.broadcast_arrays(aside, height, m.place + near + 90.0)[:3], axis=1)
            m.hands[hand].append((np.minimum(returns * arms, 1.0), goal))
        m.lean = s.rng.uniform(0.02, 0.2) * arms


ACTIONS: dict[str, Callable[[Scene], None]] = {
    "approaching": _approaching,
    "departing": _departing,
    "kicking": _kicking,
    "pushing": _pushing,
    "shaking hands": _shaking_hands,
    "hugging": _hugging,
    "exchanging object": _exchanging,
    "punching": _punching,
}
"""Class name -> the function that plays it; their order is SBU's."""


def interaction(
    rng: np.random.Generator, action: str, pair: tuple[Body, Body], clean: bool = False
) -> np.ndarray:
    """A performance of `action` by `pair`, (frames, 30, 3) in mm, in SBU's axes and node order.

    y is up, z points away from the camera. `rng` draws who acts, which side, the timing, the
    viewpoint, the place, and (unless `clean`) the sensor's errors.
    """
    swap = bool(rng.random() < 0.5)
    actor, other = (pair[1], pair[0]) if swap else pair
    frames = int(np.clip(round(23.0 / actor.tempo * np.exp(rng.normal(0.0, 0.22))), 10, 46))
    t = np.linspace(rng.uniform(-0.05, 0.12), rng.uniform(0.88, 1.05), frames)
    if rng.random() < 0.07:
        t = t[0] + (t - t[0]) * rng.uniform(0.5, 0.7)
    start = rng.uniform(0.05, 0.3)
    full, end = start + rng.uniform(0.12, 0.3), rng.uniform(0.78, 1.0)
    scene = Scene(
        rng, (actor, other), Motion(t), Motion(t),
        gap=float(rng.normal(1000.0, 130.0)),
        side=int(rng.random() < 0.75),
        start=start, full=full, leave=float(rng.uniform(full, end - 0.15)), end=end,
        size=float(np.clip(actor.energy * rng.normal(0.92, 0.12), 0.45, 1.05)),
    )  # fmt: skip
    ACTIONS[action](scene)
    first = posed(rng, actor, scene.actor) - np.array([0.0, 0.0, 0.5 * scene.gap])
    second = posed(rng, other, scene.other) - np.array([0.0, 0.0, 0.5 * scene.gap])
    people = [first, turned(second, np.pi)]
    facing = (1.5 if rng.random() < 0.5 else -1.5) + rng.normal(0.0, 0.3)
    both = np.concatenate(people[::-1] if swap else people, axis=1) * _RIGHT
    both = turned(both, facing)
    camera = np.array(
        [rng.normal(0.0, 150.0), rng.normal(1200.0, 50.0), -rng.uniform(1900.0, 2600.0)]
    )
    both = both - camera
    return both if clean else sensed(rng, both, NOISE, SLIP, LOOSE)
