"""Recordings made by a small kinematic model: no file is needed, and nobody was recorded.

`interactions`  302 sequences of two people, SBU's eight classes, joints, axes and unit
`gestures`      300 sequences of one hand, ten classes, 21 joints

Every group is people of their own (body, tempo, energy), who appear in no other group. The same
seed gives the same recordings: drawn from `numpy.random.default_rng` and rounded to 1/16 mm.
Nothing in them is taken from real recordings except usual bone lengths and the classes' names.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bandstop.data.folds import five_folds
from bandstop.data.scan import Scan
from bandstop.data.sequence import Sequence
from bandstop.data.synthetic import gestures as one_hand
from bandstop.data.synthetic import interactions as two_people
from bandstop.data.synthetic.body import random_body
from bandstop.data.synthetic.hand import random_hand
from bandstop.errors import BadInput, nearest
from bandstop.skeleton.layouts import HAND21, SBU

SEED = 2024
PAIRS, HANDS = 21, 20


def interactions(seed: int = SEED, clean: bool = False) -> Scan:
    """Two people: 21 pairs, each playing the eight classes once or twice; five folds by pair.

    clean  without the sensor's errors: bones then have exactly one length
    """
    found = Scan("synthetic-interactions", SBU, tuple(two_people.ACTIONS), kind="synthetic")
    for pair in range(PAIRS):
        rng = np.random.default_rng([seed, 1, pair])
        bodies = (random_body(rng), random_body(rng))
        for label, action in enumerate(found.classes):
            for take in range(1 if (pair + label) % 5 == 0 else 2):
                rng = np.random.default_rng([seed, 1, pair, label, take])
                positions = two_people.interaction(rng, action, bodies, clean)
                _add(found, f"pair{pair + 1:02}", label, take, positions)
    found.folds = five_folds(found.sequences)
    return found


def gestures(seed: int = SEED, clean: bool = False) -> Scan:
    """One hand: 20 subjects, each making the ten gestures once or twice; five folds by subject."""
    found = Scan("synthetic-gestures", HAND21, tuple(one_hand.ACTIONS), kind="synthetic")
    for subject in range(HANDS):
        hand = random_hand(np.random.default_rng([seed, 2, subject]))
        for label, action in enumerate(found.classes):
            for take in range(1 if (subject + label) % 2 == 0 else 2):
                rng = np.random.default_rng([seed, 2, subject, label, take])
                positions = one_hand.gesture(rng, action, hand, clean)
                _add(found, f"subject{subject + 1:02}", label, take, positions)
    found.folds = five_folds(found.sequences)
    return found


def _add(found: Scan, group: str, label: int, take: int, positions: np.ndarray) -> None:
    name = f"{group}/{found.classes[label]}/{take + 1}"
    found.sequences.append(Sequence(name, positions, label, group))


VARIANTS: dict[str, Callable[[], Scan]] = {"interactions": interactions, "gestures": gestures}
"""What may stand after `synthetic:`; the first is meant where nothing does."""


def scan(path: Path) -> Scan:
    """The variant that `path` names, or the first. Errors: BadInput with the nearest valid name."""
    name = path.as_posix() if path.name else next(iter(VARIANTS))
    if name not in VARIANTS:
        raise BadInput(
            f"unknown synthetic recordings {name!r}{nearest(name, VARIANTS)}; "
            f"there are {', '.join(VARIANTS)}"
        )
    return VARIANTS[name]()
