"""Listener: who is told how a run goes. The core speaks; the command line and notebooks listen."""

from __future__ import annotations

from bandstop.record import Config, RunFolder
from bandstop.train import Clock, Epoch


class Listener:
    """Hears nothing; a subclass shows what it likes."""

    def say(self, text: str) -> None:
        """A line about what happens now."""

    def begin(self, config: Config, clock: Clock, first_epoch: int) -> None:
        """A training starts, or goes on from `first_epoch`."""

    def epoch(self, epoch: Epoch, seconds_left: float) -> None:
        """An epoch is over; of runs that are trained together the first is told."""

    def run_epoch(self, folder: RunFolder, epoch: Epoch) -> None:
        """An epoch of one run is over and saved: called for each of those trained together."""

    def end(self) -> None:
        """The training that began is over, well or badly."""


class Listeners(Listener):
    """Several who listen to the same run."""

    def __init__(self, *each: Listener) -> None:
        self.each = each

    def say(self, text: str) -> None:
        for one in self.each:
            one.say(text)

    def begin(self, config: Config, clock: Clock, first_epoch: int) -> None:
        for one in self.each:
            one.begin(config, clock, first_epoch)

    def epoch(self, epoch: Epoch, seconds_left: float) -> None:
        for one in self.each:
            one.epoch(epoch, seconds_left)

    def run_epoch(self, folder: RunFolder, epoch: Epoch) -> None:
        for one in self.each:
            one.run_epoch(folder, epoch)

    def end(self) -> None:
        for one in self.each:
            one.end()
