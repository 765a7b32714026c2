"""How far a sweep is, read from the run folders: it works across processes and machines."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bandstop.data import Dataset
from bandstop.job import is_finished, run_folder
from bandstop.record import Config, RunFolder
from bandstop.sweep.table import Plan
from bandstop.train import Clock

EVERY = 0.5
"""Seconds between two looks."""


@dataclass(frozen=True)
class Progress:
    """Epochs made of all that a plan has; `current` has (name, epochs made, epochs) of each begun run.

    seconds, since  how long the sweep has worked, and how many epochs were made before it began
    """

    done: int
    total: int
    finished: int
    runs: int
    current: tuple[tuple[str, int, int], ...]
    seconds: float = 0.0
    since: int = 0

    @property
    def seconds_left(self) -> float | None:
        """At the pace so far; None before the first epoch."""
        made = self.done - self.since
        return self.seconds / made * (self.total - self.done) if made > 0 else None


def epochs_made(folder: RunFolder) -> int:
    """Lines of the run's log: one an epoch; none where there is no log yet."""
    try:
        return folder.log.read_bytes().count(b"\n")
    except OSError:
        return 0


def look(plan: Plan, dataset: Dataset, runs: Path, seconds: float = 0, since: int = 0) -> Progress:
    """The progress of all runs of the plan as their folders show it."""
    done, total, finished, current = 0, 0, 0, []
    for config in plan.runs:
        folder, epochs = run_folder(config, dataset, runs), _epochs(config)
        total += epochs
        if is_finished(folder):
            done, finished = done + epochs, finished + 1
        elif made := epochs_made(folder):
            done += made
            current.append((folder.path.name, made, epochs))
    return Progress(done, total, finished, len(plan.runs), tuple(current), seconds, since)


def _epochs(config: Config) -> int:
    return Clock(config.steps).epochs


@contextlib.contextmanager
def watching(
    plan: Plan, dataset: Dataset, runs: Path, tell: Callable[[Progress], None] | None
) -> Iterator[None]:
    """While it is entered, a thread looks at the folders a few times a second and tells."""
    if tell is None:
        yield
        return
    start, first = time.monotonic(), look(plan, dataset, runs)
    stop = threading.Event()

    def loop() -> None:
        while not stop.wait(EVERY):
            tell(look(plan, dataset, runs, time.monotonic() - start, first.done))

    tell(first)
    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        tell(look(plan, dataset, runs, time.monotonic() - start, first.done))
