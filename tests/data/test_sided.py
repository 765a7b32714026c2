"""Mirroring as augmentation is for bodies with two sides, not for hands."""

from __future__ import annotations

import torch

from bandstop.data import load
from bandstop.data.augment import Augmentation, Draws, augmented_signal
from bandstop.data.describe import Description, Recordings, describe
from bandstop.data.normalise import Normalisation

ONLY_MIRROR = Augmentation(mirror=1, exchange=0, rotation=0, scale=0, noise=0, crop=0, tilt=0)


def changed_by_mirroring(variant: str) -> bool:
    data = load("synthetic", variant)
    some = data.sequences[:5]
    description = Description(data.skeleton, 4, "camera")
    plain = describe(some, description)
    normalisation = Normalisation.of(plain)
    varied = augmented_signal(
        Recordings.of(some), torch.arange(5), description, normalisation, ONLY_MIRROR,
        Draws.of((5,), torch.Generator().manual_seed(0)),
    )  # fmt: skip
    return not torch.allclose(varied, normalisation(plain), atol=1e-4)


def test_bodies_are_mirrored_and_hands_are_not():
    assert changed_by_mirroring("interactions")
    assert not changed_by_mirroring("gestures")
