"""The loop: one optimiser step after another, told what to train, on what, and what to do between.

It knows neither networks nor data: a model, a function step -> (signal, labels), an objective and a
few hooks are handed in. Every batch depends on the seed and the step alone, so a training that is
stopped and resumed makes the same steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from bandstop.errors import Failure
from bandstop.objective import Objective
from bandstop.train.clock import Clock, cosine


@dataclass(frozen=True)
class Epoch:
    """What is known at the end of an epoch.

    terms  name -> mean over the epoch's steps of each loss term, unweighted
    extra  what the hook `observe` measured, such as the observed rate and accuracies
    """

    epoch: int
    step: int
    terms: dict[str, float]
    extra: dict[str, float]
    seconds: float

    def to_dict(self) -> dict[str, float]:
        return {
            "epoch": self.epoch,
            "step": self.step,
            "seconds": round(self.seconds, 3),
            **{name: round(value, 6) for name, value in (self.terms | self.extra).items()},
        }


def adam(model: nn.Module, rate: float) -> torch.optim.Adam:
    """Adam over every parameter, fused into one kernel a step."""
    return torch.optim.Adam(model.parameters(), lr=rate, fused=True)


def train(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    objective: Objective,
    batch: Callable[[int], tuple[Tensor, Tensor]],
    clock: Clock,
    learning_rate: float,
    before_step: Callable[[int], None],
    observe: Callable[[], dict[str, float]],
    after_epoch: Callable[[Epoch], None],
    first_epoch: int = 0,
) -> None:
    """Train from `first_epoch` to the end.

    before_step(step)  sets gates and masks; observe()  measures at the end of an epoch;
    after_epoch(epoch) reports and saves. Errors: Failure when the loss is not finite.
    """
    model.train()
    for epoch in clock.from_epoch(first_epoch):
        start, sums = time.perf_counter(), None
        steps = clock.steps_of(epoch)
        for step in steps:
            before_step(step)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * cosine(clock.progress(step))
            signal, labels = batch(step)
            loss, terms = objective(model(signal), labels)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            optimiser.step()
            sums = terms if sums is None else sums + terms
        assert sums is not None
        means = dict(zip(objective.names, (sums / len(steps)).tolist(), strict=True))
        if not all(map(math.isfinite, means.values())):
            raise Failure(
                f"the loss is no longer finite in epoch {epoch + 1} ({means}); lower the learning "
                f"rate (now {learning_rate:g}) or the weight of the term that grew"
            )
        seconds = time.perf_counter() - start
        after_epoch(Epoch(epoch, steps[-1] + 1, means, observe(), seconds))
