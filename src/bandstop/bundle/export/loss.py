"""What smaller weights cost, on recordings whose classes are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from bandstop.bundle.export.c import compiled
from bandstop.compile import Options
from bandstop.data.sequence import Dataset, Sequence
from bandstop.errors import BadInput

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


@dataclass(frozen=True)
class Loss:
    """Fractions of the recordings: right with weights of 32 bits and of 8, and of one opinion.

    recordings  how many were scored, none of which the scales were fitted to
    fitted      how many they were fitted to
    held_out    how the two parts were told apart, in words
    """

    accuracy: float
    accuracy_int8: float
    same_class: float
    recordings: int
    fitted: int
    held_out: str


@dataclass(frozen=True)
class HeldOut:
    """Recordings to fit the scales to, and others to score; `words`: how they were told apart."""

    fitted: tuple[Sequence, ...]
    scored: tuple[Sequence, ...]
    words: str


MOST_FITTED = 128


def held_out(found: Dataset, bundle: Bundle) -> HeldOut:
    """By the fold that the network was trained on, where the data have one of that name: fitted to
    its training part, scored on its test part. Otherwise every second recording is held out.

    Errors: BadInput where one of the parts would be empty.
    """
    known = {s.name: s for s in labelled(found, bundle.classes)}
    trained = bundle.facts.get("provenance", {})
    folds = found.folds if trained.get("data") == found.name else ()
    fold = next((f for f in folds if f.name == trained.get("fold")), None)
    if fold is not None:
        parts = [
            [known[s.name] for s in found.subset(indices) if s.name in known]
            for indices in (fold.train, fold.test)
        ]
        words = f"recordings of the training part of fold {fold.name}, scored on its test part"
    else:
        every = list(known.values())
        parts = [every[::2], every[1::2]]
        words = "others; the network itself may have been trained on any of them"
    fitted, scored = parts
    if not fitted or not scored:
        raise BadInput(
            f"--calibrate needs recordings of the network's classes to fit the scales to, and others to "
            f"score: {found.name!r} gives {len(fitted)} and {len(scored)}; add recordings"
        )
    fitted = fitted[:: -(-len(fitted) // MOST_FITTED)]
    return HeldOut(tuple(fitted), tuple(scored), f"fitted to {len(fitted)} {words}")


def labelled(found: Dataset, classes: tuple[str, ...]) -> list[Sequence]:
    """Those of a known class, with labels that count as the network's classes do."""
    return [
        replace(s, label=classes.index(found.classes[s.label]))
        for s in found.sequences
        if s.label is not None and found.classes[s.label] in classes
    ]


def loss_of_int8(bundle: Bundle, options: Options, held: HeldOut) -> Loss:
    """Both networks on the recordings that were held out."""
    labels = np.array([s.label for s in held.scored])
    signals = bundle.signal(list(held.scored))
    with torch.no_grad():
        whole = bundle.net(signals).argmax(1).numpy()
    small = compiled(bundle, "net", "loss", options)[1](signals.numpy()).argmax(1)
    return Loss(
        float((whole == labels).mean()),
        float((small == labels).mean()),
        float((whole == small).mean()),
        len(labels),
        len(held.fitted),
        held.words,
    )
