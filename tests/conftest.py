"""What holds in every test: shapes in annotations are enforced, one thread, no deadlines.

The import hook must stand before the first import of bandstop, so nothing of ours is imported above it.
"""

from __future__ import annotations

import os
import random
from functools import partial

import hypothesis
import pytest
import torch
from beartype._check.code import codemain
from jaxtyping import install_import_hook
from skips import pytest_sessionfinish, pytest_terminal_summary

__all__ = ["pytest_sessionfinish", "pytest_terminal_summary"]

ROOMS = (
    "bundle", "data.augment", "data.describe", "gate", "measure", "method", "nn", "objective", "prune",
    "train",
)  # fmt: skip
"""Where tensors go through. Reading and making recordings is left out: no shapes, and thrice the time."""

# Of a list beartype looks at one item, drawn from the stream that hypothesis wants left alone.
assert hasattr(codemain, "getrandbits")
codemain.getrandbits = random.Random(0).getrandbits
# As in PEP 484, and to mypy, an int will do where a float is asked for.
install_import_hook(
    [f"bandstop.{room}" for room in ROOMS],
    "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))",
)

torch.set_num_threads(1)

hypothesis.settings.register_profile(
    "here", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], max_examples=40
)
hypothesis.settings.register_profile(
    "ci", hypothesis.settings.get_profile("here"), derandomize=True, database=None
)
hypothesis.settings.register_profile(
    "thorough", hypothesis.settings.get_profile("here"), max_examples=1000
)  # `make slow`: every property on many more examples
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="module")
def short_epochs():
    """Of ten steps, so that a training of several epochs is soon over."""
    from bandstop.train import Clock

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bandstop.job.training.Clock", partial(Clock, per_epoch=10))
        yield


@pytest.fixture(autouse=True)
def same_random_numbers():
    """A test draws the same numbers wherever it stands and whatever ran before it."""
    torch.manual_seed(0)
