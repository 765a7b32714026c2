from __future__ import annotations

import pytest

from bandstop.data import Dataset, load
from bandstop.record import Config


@pytest.fixture(autouse=True, scope="module")
def epochs(short_epochs):
    """In every test here."""


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    return load("synthetic", "gestures")


@pytest.fixture(scope="session")
def base() -> Config:
    """One epoch of a very small network."""
    return Config(data="synthetic:gestures", steps=10, batch=32, heads=1, filters=4, chunks=3)
