"""The loop: what it calls, in which order, with what."""

from __future__ import annotations

import pytest
import torch
from making import seeded
from torch import nn

from bandstop.errors import Failure
from bandstop.objective import Objective, Term
from bandstop.train import Alone, Clock, Epoch, Learner, adam, cosine, train

X = torch.randn(16, 4, generator=seeded(0))
Y = (X[:, 0] > 0).long()
PLAIN = Objective()


def a_training(clock: Clock, objective: Objective = PLAIN, first: int = 0, **hooks):
    """The model, and everything that happened."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Linear(4, 2)
    optimiser = adam(model, 99.0)
    events: list = []
    epochs: list[Epoch] = []

    def batch(step: int):
        events.append(("batch", step, optimiser.param_groups[0]["lr"]))
        return X[None], Y[None]

    train(
        Alone(Learner(model, objective, optimiser)), batch, clock, 0.5,
        hooks.get("before_step", lambda step: events.append(("before", step))),
        hooks.get("observe", lambda: [{"seen": float(len(events))}]),
        epochs.extend, first,
    )  # fmt: skip
    return model, events, epochs


def test_before_every_step_the_hook_is_called_and_the_learning_rate_follows_the_clock():
    clock = Clock(7, 3)
    _, events, _ = a_training(clock)
    expected = []
    for step in range(7):
        rate = 0.5 * cosine(clock.progress(step))
        expected += [("before", step), ("batch", step, rate)]
    assert events == expected


def test_every_epoch_is_reported_with_its_mean_terms_and_what_was_observed():
    values = iter(torch.arange(7.0))
    objective = Objective((Term("counted", 0.0, lambda net: next(values)),))
    _, _, epochs = a_training(Clock(7, 3), objective)
    assert [(e.epoch, e.step) for e in epochs] == [(0, 3), (1, 6), (2, 7)]
    assert [e.terms["counted"] for e in epochs] == [1.0, 4.0, 6.0]
    assert [e.extra["seen"] for e in epochs] == [6.0, 12.0, 14.0]
    assert all(e.seconds >= 0 for e in epochs)
    row = epochs[0].to_dict()
    assert row.keys() == {"epoch", "step", "seconds", "cross_entropy", "counted", "seen"}


def test_it_learns():
    _, _, epochs = a_training(Clock(60, 10))
    assert epochs[-1].terms["cross_entropy"] < 0.5 * epochs[0].terms["cross_entropy"]


def test_from_a_later_epoch_only_the_steps_that_are_left_are_made():
    _, events, epochs = a_training(Clock(7, 3), first=2)
    assert [e[1] for e in events if e[0] == "batch"] == [6]
    assert [e.epoch for e in epochs] == [2]
    _, events, epochs = a_training(Clock(7, 3), first=3)
    assert not events
    assert not epochs


@pytest.mark.parametrize("bad", [torch.nan, torch.inf])
def test_a_loss_that_is_not_finite_is_a_failure_that_names_the_term_and_a_remedy(bad):
    objective = Objective((Term("alignment_kl", 0.1, lambda net: torch.tensor(bad)),))
    with pytest.raises(
        Failure, match=r"no longer finite in epoch 1 .*alignment_kl.*lower the learning"
    ):
        a_training(Clock(7, 3), objective)


def test_a_model_put_in_evaluation_by_an_observer_is_the_observers_to_put_back():
    model, _, _ = a_training(Clock(2, 1))
    assert model.training


def test_adam_takes_every_parameter_also_those_that_are_gated_later():
    model = nn.Linear(3, 2)
    optimiser = adam(model, 0.1)
    held = {id(p) for group in optimiser.param_groups for p in group["params"]}
    assert held == {id(p) for p in model.parameters()}
