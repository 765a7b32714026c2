"""Listener: who is told how a run goes. The core speaks; the command line and notebooks listen."""

from __future__ import annotations

from bandstop.record import Config
from bandstop.train import Clock, Epoch


class Listener:
    """Hears nothing; a subclass shows what it likes."""

    def say(self, text: str) -> None:
        """A line about what happens now."""

    def begin(self, config: Config, clock: Clock, first_epoch: int) -> None:
        """A training starts, or goes on from `first_epoch`."""

    def epoch(self, epoch: Epoch, seconds_left: float) -> None:
        """An epoch is over."""

    def end(self) -> None:
        """The training that began is over, well or badly."""
