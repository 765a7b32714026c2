"""Task: one fold of a data set made ready to train, validate and test on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bandstop.data.describe import Description, describe
from bandstop.data.normalise import Normalisation
from bandstop.data.protocols import hold_out
from bandstop.data.sequence import Dataset, Fold, Sequence
from bandstop.errors import BadInput
from bandstop.nn import Shape
from bandstop.objective import balanced
from bandstop.record import Config
from bandstop.skeleton import Skeleton


def description_of(config: Config, skeleton: Skeleton) -> Description:
    """Trained on crops of up to `crop` at either end, tested on the middle of that range."""
    trim, speeds = config.trim * config.crop, config.features == "speeds"
    return Description(skeleton, config.moments, config.view, trim, speeds)


def network_shape(config: Config, dataset: Dataset) -> Shape:
    """The sizes of the network that the options ask for on these recordings."""
    nodes, features = description_of(config, dataset.skeleton).size
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
        inner = _inner(fold, dataset, config)
        rows = inner.train if inner else fold.train
        learned = dataset.subset(rows)
        if len(learned) < 2:
            held = f" after {len(inner.test)} are held out to validate" if inner else ""
            raise BadInput(
                f"fold {fold.name} leaves {len(learned)} of {len(fold.train)} sequences to train on"
                f"{held}, and 2 are needed; record more{', or give --validation 0' if inner else ''}"
            )
        description = description_of(config, dataset.skeleton)
        raw = describe(learned, description)
        normalisation = Normalisation.of(raw, description.speeds)

        def part(sequences: tuple[Sequence, ...], signals: Tensor | None = None) -> Part:
            signals = describe(sequences, description) if signals is None else signals
            labels = torch.tensor([s.label for s in sequences], dtype=torch.long)
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
    def class_weights(self) -> Tensor | None:
        """Of the classes in the loss, by the whole of the fold's training part; None: all the same."""
        if self.config.class_weights == "none":
            return None
        labels = [self.dataset.sequences[i].label for i in self.fold.train]
        weights = balanced(torch.tensor(labels), len(self.dataset.classes))
        return weights.to(self.train.signals.device)

    @property
    def untested(self) -> str | None:
        """What is to be said where there is nothing to test on."""
        if len(self.test):
            return None
        return "accuracy is not measured: every labelled sequence was trained on (fold none)"

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
            "notes": list(self.dataset.notes),
        }

    @property
    def shape(self) -> Shape:
        return network_shape(self.config, self.dataset)


def _inner(fold: Fold, dataset: Dataset, config: Config) -> Fold | None:
    """What of a fold's training part learns and what validates, if anything does.

    Errors: BadInput for a share to hold out of a fold that has a validation part of its own.
    """
    if fold.validation and config.validation > 0:
        raise BadInput(
            f"fold {fold.name} has a validation part of its own, {len(fold.validation)} sequences; leave out "
            "--validation"
        )
    if config.validation > 0:
        return hold_out(fold, dataset.sequences, config.validation, config.seed)
    return Fold(f"{fold.name}:inner", fold.train, fold.validation) if fold.validation else None


def require_classes(dataset: Dataset, config: Config) -> None:
    """Errors: BadInput where a fold has fewer than two classes to train on: any network is right then."""
    labels = {dataset.sequences[i].label for i in dataset.fold(config.fold).train}
    if len(labels) < 2:
        names = "".join(f", {dataset.classes[k]!r}" for k in labels if k is not None)
        raise BadInput(
            f"fold {config.fold} trains on {len(labels)} class{'es' * (not labels)}{names}, and 2 are needed "
            "to tell apart; record another"
        )
