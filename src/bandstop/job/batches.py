"""Batches: what several runs on the same recordings learn from in each step, drawn together."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bandstop.data.augment import UNIFORM, Augmentation, Draws, augmented_signal
from bandstop.data.describe import Recordings
from bandstop.data.normalise import Normalisation
from bandstop.job.task import Task
from bandstop.objective import NO_LABEL

BLOCK = 50
"""Steps whose random numbers are drawn at once."""


class Batches:
    """step -> signals and labels of every run, along a leading axis of runs.

    A run's batch depends on its seed and the step alone, not on the runs that it is drawn with. Each
    run draws `config.batch` of its training sequences without return, or all where there are fewer;
    then its rows are filled up with sequences that have no label, and so no weight in the loss.

    The runs share recordings, description and augmentation; they differ in fold, seed and rate.
    """

    def __init__(self, tasks: Sequence[Task]) -> None:
        first = tasks[0]
        c, device = first.config, first.train.signals.device
        self.tasks = tasks
        self.description = first.description
        self.recordings = Recordings.of(
            first.dataset.sequences, first.dataset.skeleton.bodies, first.description.speeds
        ).to(device)
        self.normalisation = Normalisation.stacked([task.normalisation for task in tasks])
        self.settings = Augmentation(
            c.mirror, c.exchange, c.rotation, c.scale, c.noise, c.crop, c.tilt
        )
        self.counts = [min(c.batch, len(task.rows)) for task in tasks]
        labels = [s.label if s.label is not None else NO_LABEL for s in first.dataset.sequences]
        self.labels = torch.tensor(labels)
        self.device = device
        self.block = -1

    def __call__(
        self, step: int
    ) -> tuple[Float[Tensor, "run batch node feature"], Int[Tensor, "run batch"]]:
        block, place = divmod(step, BLOCK)
        if block != self.block:
            self._draw(block)
        draws = Draws(self.uniform[place], self.normal[place], self.noise[place])
        signals = augmented_signal(
            self.recordings, self.rows[place], self.description, self.normalisation, self.settings,
            draws,
        )  # fmt: skip
        return signals, self.targets[place]

    def _draw(self, block: int) -> None:
        """The random numbers of a whole block of steps, moved to the device at once."""
        size = (BLOCK, len(self.tasks), max(self.counts))
        rows = torch.zeros(size, dtype=torch.long)
        targets = torch.full(size, NO_LABEL)
        uniform, normal = torch.zeros(*size, UNIFORM), torch.zeros(size)
        noise = torch.zeros(size, dtype=torch.long)
        for run, (task, count) in enumerate(zip(self.tasks, self.counts, strict=True)):
            generator = torch.Generator().manual_seed(stream(task.config.seed, block))
            order = torch.rand(BLOCK, len(task.rows), generator=generator).argsort(dim=1)
            drawn = torch.tensor(task.rows)[order[:, :count]]
            draws = Draws.of((BLOCK, count), generator)
            rows[:, run, :count] = drawn
            targets[:, run, :count] = self.labels[drawn]
            uniform[:, run, :count] = draws.uniform
            normal[:, run, :count] = draws.normal
            noise[:, run, :count] = draws.noise
        self.rows, self.targets = rows.to(self.device), targets.to(self.device)
        self.uniform, self.normal = uniform.to(self.device), normal.to(self.device)
        self.noise = noise.to(self.device)
        self.block = block


def stream(seed: int, block: int) -> int:
    """A random stream of its own for each block: 32 bits, all that torch's generator looks at."""
    return int.from_bytes(hashlib.blake2b(f"{seed}/{block}".encode(), digest_size=4).digest())
