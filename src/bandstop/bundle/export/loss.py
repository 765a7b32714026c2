"""What smaller weights cost, on recordings whose classes are known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from bandstop.bundle.export.c import compiled
from bandstop.compile import Options
from bandstop.data.sequence import Dataset, Sequence

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


@dataclass(frozen=True)
class Loss:
    """Fractions of the recordings: right with weights of 32 bits and of 8, and of one opinion."""

    accuracy: float
    accuracy_int8: float
    same_class: float
    recordings: int


def labelled(found: Dataset, classes: tuple[str, ...]) -> list[Sequence]:
    """Those of a known class, with labels that count as the network's classes do."""
    return [
        replace(s, label=classes.index(found.classes[s.label]))
        for s in found.sequences
        if s.label is not None and found.classes[s.label] in classes
    ]


def loss_of_int8(bundle: Bundle, options: Options, recordings: list[Sequence]) -> Loss:
    """Both networks on the same recordings, which must be labelled."""
    labels = np.array([s.label for s in recordings])
    signals = bundle.signal(recordings)
    with torch.no_grad():
        whole = bundle.net(signals).argmax(1).numpy()
    small = compiled(bundle, "net", "loss", options)[1](signals.numpy()).argmax(1)
    return Loss(
        float((whole == labels).mean()),
        float((small == labels).mean()),
        float((whole == small).mean()),
        len(labels),
    )
