"""How a sweep is shown while it goes: all of it on one line, each run at work on its own."""

from __future__ import annotations

from rich.live import Live
from rich.text import Text

from bandstop.job.progress import duration
from bandstop.sweep import Progress
from bandstop.text import console

WIDTH = 24
LINES = 16
"""Runs shown at once."""


def bar(done: int, total: int) -> str:
    """
    >>> bar(1, 2)
    '━━━━━━━━━━━━            '
    """
    full = round(WIDTH * done / max(1, total))
    return "━" * full + " " * (WIDTH - full)


def lines(progress: Progress) -> list[str]:
    """The whole, then the runs at work."""
    left = progress.seconds_left
    whole = (
        f"{bar(progress.done, progress.total)} {progress.finished} of {progress.runs} runs, "
        f"{progress.done} of {progress.total} epochs"
    )
    if left is not None:
        whole += f", {duration(left)} left"
    each = [f"{bar(made, of)} {made}/{of}  {name}" for name, made, of in progress.current[:LINES]]
    return [whole, *each]


class Watching:
    """A live view on a terminal; elsewhere a line when a run is finished. It goes to stderr."""

    def __init__(self) -> None:
        self.console = console(stderr=True)
        self.live: Live | None = None
        self.finished = -1

    def __call__(self, progress: Progress) -> None:
        if not self.console.is_terminal:
            if progress.finished != self.finished:
                self.console.print(lines(progress)[0].strip(), soft_wrap=True)
            self.finished = progress.finished
            return
        if self.live is None:
            self.live = Live(console=self.console, transient=True)
            self.live.start()
        self.live.update(Text("\n".join(lines(progress)), overflow="ellipsis", no_wrap=True))
        if progress.finished == progress.runs:
            self.live.stop()
