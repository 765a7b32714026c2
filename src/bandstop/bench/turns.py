"""Time, taken in turn: A B A B on one core, so that what else the machine does hits all alike."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch

TURN = 1e-3
"""Seconds of a turn, or one call where that takes longer."""


@dataclass(frozen=True)
class Times:
    """Microseconds of single calls: those of each turn."""

    turns: tuple[tuple[float, ...], ...]

    @property
    def all(self) -> list[float]:
        return sorted(t for turn in self.turns for t in turn)

    @property
    def p50(self) -> float:
        return statistics.median(self.all)

    @property
    def p90(self) -> float:
        """Nine calls of ten take no longer.

        >>> Times(((1.0, 2.0, 3.0, 4.0, 5.0), (6.0, 7.0, 8.0, 9.0, 10.0))).p90
        9.0
        """
        found = self.all
        return found[max(0, -(-9 * len(found) // 10) - 1)]

    @property
    def medians(self) -> list[float]:
        """Of each turn: what ratios are made of."""
        return [statistics.median(turn) for turn in self.turns]


Name = TypeVar("Name", bound=Hashable)


def in_turn(calls: Mapping[Name, Callable[[], object]], rounds: int) -> dict[Name, Times]:
    """Each call is timed by itself; all are warmed up first."""
    counts, clock = {}, time.perf_counter
    for name, call in calls.items():
        for _ in range(10):
            call()
        start = clock()
        for _ in range(5):
            call()
        counts[name] = max(1, min(1000, round(5 * TURN / (clock() - start))))
    found: dict[Name, list[tuple[float, ...]]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            turn = []
            call()  # caches and branch predictor are the last engine's
            for _ in range(counts[name]):
                start = clock()
                call()
                turn.append(1e6 * (clock() - start))
            found[name].append(tuple(turn))
    return {name: Times(tuple(turns)) for name, turns in found.items()}


def ratio(one: Times, other: Times) -> float:
    """How many times longer `one` takes: the median over rounds of what stood side by side.

    >>> ratio(Times(((4.0,), (40.0,), (5.0,))), Times(((2.0,), (20.0,), (2.0,))))
    2.0
    """
    return statistics.median(a / b for a, b in zip(one.medians, other.medians, strict=True))


@contextlib.contextmanager
def one_thread() -> Iterator[int]:
    """This process on one core, torch on one thread; the core. Both are given back at the end."""
    threads, cores = torch.get_num_threads(), _cores()
    core = max(cores, default=-1)
    torch.set_num_threads(1)
    if cores:
        os.sched_setaffinity(0, {core})
    try:
        yield core
    finally:
        torch.set_num_threads(threads)
        if cores:
            os.sched_setaffinity(0, cores)


def _cores() -> set[int]:
    """Those that this process may use; none where the system does not say (macOS)."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
