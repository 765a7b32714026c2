"""Task: one fold of a data set made ready to train, validate and test on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bandstop.data.describe import Description, Normalisation, describe
from bandstop.data.protocols import hold_out
from bandstop.data.sequence import Dataset, Fold, Sequence
from bandstop.errors import BadInput
from bandstop.nn import Shape
from bandstop.record import Config


def description_of(config: Config, dataset: Dataset) -> Description:
    """Trained on crops of up to `crop` at either end, tested on the middle of that range."""
    return Description(dataset.skeleton, config.chunks, config.view, config.trim * config.crop)


def network_shape(config: Config, dataset: Dataset) -> Shape:
    """The sizes of the network that the options ask for on these recordings."""
    nodes, features = description_of(config, dataset).size
    return Shape(
        heads=config.heads,
        nodes=nodes,
        features=features,
        filters=config.filters,
        classes=len(dataset.classes),
        fusion=config.fusion,
    )


@dataclass(frozen=True, eq=False)
class Part:
    """Sequences of one purpose: their normalised signals and labels."""

    signals: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Task:
    """What a training needs of the data.

    rows  the training sequences' places in the data set
    """

    dataset: Dataset
    fold: Fold
    config: Config
    description: Description
    normalisation: Normalisation
    rows: tuple[int, ...]
    train: Part
    validation: Part | None
    test: Part

    @staticmethod
    def of(dataset: Dataset, config: Config, device: torch.device) -> Task:
        """Split, describe, normalise by the training part, move to the device."""
        fold = dataset.fold(config.fold)
        inner = None
        if config.validation > 0:
            inner = hold_out(fold, dataset.sequences, config.validation, config.seed)
        rows = inner.train if inner else fold.train
        learned = dataset.subset(rows)
        if len(learned) < 2:
            held = f" after {len(inner.test)} are held out to validate" if inner else ""
            raise BadInput(
                f"fold {fold.name} leaves {len(learned)} of {len(fold.train)} sequences to train on"
                f"{held}, and 2 are needed; record more{', or give --validation 0' if inner else ''}"
            )
        description = description_of(config, dataset)
        raw = describe(learned, description)
        normalisation = Normalisation.of(raw)

        def part(sequences: tuple[Sequence, ...], signals: Tensor | None = None) -> Part:
            signals = describe(sequences, description) if signals is None else signals
            labels = torch.tensor([s.label for s in sequences])
            return Part(normalisation(signals).to(device), labels.to(device))

        return Task(
            dataset,
            fold,
            config,
            description,
            normalisation.to(device),
            rows,
            part(learned, raw),
            part(dataset.subset(inner.test)) if inner else None,
            part(dataset.subset(fold.test)),
        )

    @property
    def facts(self) -> dict[str, Any]:
        """What a record says of the data."""
        return {
            "name": self.dataset.name,
            "fingerprint": self.dataset.fingerprint,
            "classes": list(self.dataset.classes),
            "train": len(self.train),
            "validation": len(self.validation) if self.validation else 0,
            "test": len(self.test),
        }

    @property
    def shape(self) -> Shape:
        return network_shape(self.config, self.dataset)
