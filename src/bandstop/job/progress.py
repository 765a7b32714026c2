"""Progress for people: a live bar on a terminal, elsewhere a line now and then. It goes to stderr."""

from __future__ import annotations

from itertools import pairwise

from rich.progress import BarColumn, Progress, TextColumn

from bandstop.job.listener import Listener
from bandstop.record import Config
from bandstop.text import console
from bandstop.train import Clock, Epoch

err = console(stderr=True)

EVERY = 10
"""Epochs between two lines of progress where there is no terminal to redraw."""


UNITS = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def duration(seconds: float) -> str:
    """The two largest units, each said.

    >>> duration(783), duration(7500.4), duration(59.6), duration(3600), duration(0.2)
    ('13 min 3 s', '2 h 5 min', '1 min', '1 h', 'less than 1 s')
    """
    whole = round(seconds)
    for (unit, size), (small, part) in pairwise((*UNITS, ("", 1))):
        if whole >= size:
            count, rest = divmod(whole, size)
            return f"{count} {unit}" + (f" {rest // part} {small}" if rest // part else "")
    return "less than 1 s"


def epoch_line(epoch: Epoch) -> str:
    """Loss terms by name, then what was observed."""
    parts = [f"{name} {value:.3g}" for name, value in epoch.terms.items()]
    for name, value in epoch.extra.items():
        digits = 4 if name == "observed_rate" else 3
        parts.append(f"{name} {value:.{digits}f}")
    return "  ".join(part.replace("_", " ") for part in parts)


class Progressing(Listener):
    """A live bar on a terminal; elsewhere a line every few epochs."""

    def __init__(self, quiet: bool = False) -> None:
        self.quiet = quiet
        self.bar: Progress | None = None
        self.epochs = 0

    def say(self, text: str) -> None:
        if not self.quiet:
            err.print(text, soft_wrap=True)

    def begin(self, config: Config, clock: Clock, first_epoch: int) -> None:
        self.epochs = clock.epochs
        if self.quiet or not err.is_terminal:
            return
        self.bar = Progress(
            BarColumn(bar_width=20),
            TextColumn("epoch {task.completed}/{task.total}"),
            TextColumn("{task.fields[left]} left", markup=False),
            TextColumn("{task.fields[line]}", markup=False),
            console=err,
        )
        self.bar.start()
        self.bar.add_task("training", total=clock.epochs, completed=first_epoch, left="?", line="")

    def epoch(self, epoch: Epoch, seconds_left: float) -> None:
        left, line = duration(seconds_left), epoch_line(epoch)
        if self.bar is not None:
            task = self.bar.task_ids[0]
            self.bar.update(task, completed=epoch.epoch + 1, left=left, line=line)
        elif not self.quiet and ((epoch.epoch + 1) % EVERY == 0 or epoch.epoch + 1 == self.epochs):
            err.print(f"epoch {epoch.epoch + 1}/{self.epochs}  {left} left  {line}", soft_wrap=True)

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
