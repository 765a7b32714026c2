"""Steps and epochs as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.errors import BadInput
from bandstop.train import Clock, cosine


@given(st.integers(1, 500), st.integers(1, 120))
def test_the_epochs_hold_every_step_once_and_in_order(steps, per_epoch):
    clock = Clock(steps, per_epoch)
    epochs = [clock.steps_of(e) for e in range(clock.epochs)]
    assert [step for epoch in epochs for step in epoch] == list(range(steps))
    assert all(0 < len(epoch) <= per_epoch for epoch in epochs)
    assert all(len(epoch) == per_epoch for epoch in epochs[:-1])


@given(st.integers(1, 500), st.integers(1, 120), st.integers(0, 20))
def test_from_an_epoch_on_are_the_epochs_that_are_left(steps, per_epoch, first):
    clock = Clock(steps, per_epoch)
    assert list(clock.from_epoch(first)) == [e for e in range(clock.epochs) if e >= first]


def test_progress_is_what_lies_before_a_step():
    assert [Clock(4).progress(step) for step in range(5)] == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(("steps", "per_epoch"), [(0, 1), (1, 0), (-5, 3)])
def test_a_clock_without_steps_is_refused(steps, per_epoch):
    with pytest.raises(BadInput, match="at least one step"):
        Clock(steps, per_epoch)


def test_the_learning_rate_falls_from_1_to_0_along_half_a_cosine():
    factors = [cosine(t / 100) for t in range(101)]
    assert factors == sorted(factors, reverse=True)
    assert [cosine(t) for t in (0, 0.5, 1)] == pytest.approx([1, 0.5, 0])
