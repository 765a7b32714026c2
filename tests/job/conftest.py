from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bandstop.data import Dataset, Fold, load
from bandstop.job import design
from bandstop.record import Config

TINY = Config(steps=30, batch=48, heads=2, filters=6, chunks=4, rate=0.8)
"""Three short epochs of a network of about 2 700 weights: a few tenths of a second."""


@pytest.fixture(autouse=True, scope="module")
def epochs(short_epochs):
    """In every test here."""


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """Every third synthetic recording: about a hundred, all classes, all folds."""
    whole = load("synthetic")
    new = {old: i for i, old in enumerate(range(0, len(whole.sequences), 3))}
    folds = tuple(
        Fold(
            f.name,
            tuple(new[i] for i in f.train if i in new),
            tuple(new[i] for i in f.test if i in new),
        )
        for f in whole.folds
    )
    return replace(whole, sequences=tuple(whole.sequences[i] for i in new), folds=folds)


@pytest.fixture(scope="session")
def tiny() -> Config:
    return TINY


@pytest.fixture(scope="module")
def reference(dataset, tiny, epochs, tmp_path_factory) -> Path:
    """Runs of which there is the dense one alone."""
    runs = tmp_path_factory.mktemp("reference") / "runs"
    design(tiny.dense(), runs, dataset)
    return runs


@pytest.fixture
def compared(reference, tmp_path) -> Path:
    """A folder for runs, with the dense one that they are compared with."""
    return Path(shutil.copytree(reference, tmp_path / "runs"))
