"""Scene: two people facing each other, with the timing that an interaction is played by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.data.synthetic.body import Body, Motion
from bandstop.data.synthetic.kinematics import bump


@dataclass
class Scene:
    """Two people who face each other, `gap` mm apart, and when the actor does something.

    side         with which side the actor acts: 0 left, 1 right
    start, full  times at which the actor's movement begins and is complete
    leave, end   times at which it is left and is over
    size         how far it goes: 1 is usual
    """

    rng: np.random.Generator
    bodies: tuple[Body, Body]
    actor: Motion
    other: Motion
    gap: float
    side: int
    start: float
    full: float
    leave: float
    end: float
    size: float

    @property
    def t(self) -> np.ndarray:
        return self.actor.t

    @property
    def other_side(self) -> int:
        """The side with which the other person answers; most people use the right hand."""
        return int(self.rng.random() < 0.85)

    def stroke(self, later: float = 0.0) -> np.ndarray:
        """The actor's movement out and back, (frames,), possibly later."""
        return bump(
            self.t, self.start + later, self.full + later, self.leave + later, self.end + later
        )

    def spot(self, who: int, height: float, short: float, aside: float = 0.0) -> np.ndarray:
        """A point (3,) near the partner of `who`: `short` mm before them, with a random miss."""
        miss = self.rng.normal(0.0, 45.0, 3)
        return np.array([aside, height, self.gap - short]) + miss
