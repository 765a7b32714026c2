"""The loop: one optimiser step after another, told what to train, on what, and what to do between.

It knows neither networks nor data: learners, a function step -> (signals, labels) and a few hooks are
handed in. Every batch depends on the seed and the step alone, so a training that is
stopped and resumed makes the same steps.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from bandstop.errors import Failure
from bandstop.train.clock import Clock, cosine
from bandstop.train.learner import Alone, Stack


@dataclass(frozen=True)
class Epoch:
    """What is known at the end of an epoch.

    terms  name -> mean over the epoch's steps of each loss term, unweighted
    extra  what the hook `observe` measured, such as the observed rate and accuracies
    seconds  of a run's share, where several are trained together
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


def train(
    learners: Alone | Stack,
    batch: Callable[[int], tuple[Tensor, Tensor]],
    clock: Clock,
    learning_rate: float,
    before_step: Callable[[int], None],
    observe: Callable[[], list[dict[str, float]]],
    after_epoch: Callable[[list[Epoch]], None],
    first_epoch: int = 0,
    after_step: Callable[[int], None] = lambda step: None,
) -> None:
    """Train from `first_epoch` to the end; everything has a leading axis of runs, of one or more.

    before_step(step)   sets gates and masks; after_step(step)  moves weights beside the optimiser;
    observe()  measures each run at the end of an epoch; after_epoch(epochs) reports and saves, one Epoch
    a run.
    Errors: Failure when a loss is not finite.
    """
    objective, optimiser = learners.learners[0].objective, learners.optimiser
    for learner in learners.learners:
        learner.train()
    for epoch in clock.from_epoch(first_epoch):
        start, sums = time.perf_counter(), None
        steps = clock.steps_of(epoch)
        for step in steps:
            before_step(step)
            for group in optimiser.param_groups:
                group["lr"] = learning_rate * cosine(clock.progress(step))
            values = learners(*batch(step))
            optimiser.zero_grad(set_to_none=True)
            objective.total(values).backward()
            optimiser.step()
            after_step(step)
            sums = values.detach() if sums is None else sums + values.detach()
        assert sums is not None
        means = [
            dict(zip(objective.names, row, strict=True)) for row in (sums / len(steps)).tolist()
        ]
        for run in means:
            if not all(map(math.isfinite, run.values())):
                raise Failure(
                    f"the loss is no longer finite in epoch {epoch + 1} ({run}); lower the learning "
                    f"rate (now {learning_rate:g}) or the weight of the term that grew"
                )
        seconds = (time.perf_counter() - start) / len(means)
        learners.share_moments()
        after_epoch(
            [
                Epoch(epoch, steps[-1] + 1, terms, extra, seconds)
                for terms, extra in zip(means, observe(), strict=True)
            ]
        )
