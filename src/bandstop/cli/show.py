"""What people see: progress while a run goes, a table when it ends. Progress goes to stderr."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from bandstop.design import Listener
from bandstop.record import Config
from bandstop.train import Clock, Epoch

err = Console(stderr=True, highlight=False)
out = Console(highlight=False)

EVERY = 10
"""Epochs between two lines of progress where there is no terminal to redraw."""


def clock_time(seconds: float) -> str:
    """
    >>> clock_time(75)
    '1:15'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


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
            err.print(text)

    def begin(self, config: Config, clock: Clock, first_epoch: int) -> None:
        self.epochs = clock.epochs
        if self.quiet or not err.is_terminal:
            return
        self.bar = Progress(
            BarColumn(bar_width=20),
            TextColumn("epoch {task.completed}/{task.total}"),
            TextColumn("{task.fields[left]} left"),
            TextColumn("{task.fields[line]}"),
            console=err,
        )
        self.bar.start()
        self.bar.add_task("training", total=clock.epochs, completed=first_epoch, left="?", line="")

    def epoch(self, epoch: Epoch, seconds_left: float) -> None:
        left, line = clock_time(seconds_left), epoch_line(epoch)
        if self.bar is not None:
            task = self.bar.task_ids[0]
            self.bar.update(task, completed=epoch.epoch + 1, left=left, line=line)
        elif not self.quiet and ((epoch.epoch + 1) % EVERY == 0 or epoch.epoch + 1 == self.epochs):
            err.print(f"epoch {epoch.epoch + 1}/{self.epochs}  {left} left  {line}", soft_wrap=True)

    def end(self) -> None:
        if self.bar is not None:
            self.bar.stop()
            self.bar = None


def percent(value: float) -> str:
    """
    >>> percent(0.95384)
    '95.4 %'
    """
    return f"{100 * value:.1f} %"


def number(value: int) -> str:
    """Thousands set apart by a thin gap that copies as a space.

    >>> number(69696)
    '69 696'
    """
    return f"{value:,}".replace(",", " ")


def result_table(result: dict, title: str) -> Table:
    """The figures of one run beside those of its dense reference."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column, justify in [("", "left"), ("dense", "right"), (result["method"], "right")]:
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    rows = [
        ("accuracy", percent(result["accuracy_dense"]), percent(result["accuracy"])),
        ("rate asked for", "", f"{result['rate_target']:.4f}"),
        ("rate observed before the cut", "", _rate(result["rate_observed"])),
        ("rate delivered", "0", f"{result['rate']:.4f}"),
        ("weights kept", number(result["weights"]), number(result["weights_kept"])),
        ("MACs, dense runtime", number(result["macs_dense"]), number(result["macs"])),
        ("MACs, zeros skipped", number(result["macs_dense"]), number(result["macs_sparse"])),
        ("bytes of the bundle", number(result["bytes_dense"]), number(result["bytes"])),
    ]
    for row in rows:
        table.add_row(*row)
    for name, (left, of) in result["parts"].items():
        table.add_row(name, number(of), number(left))
    table.add_row("seconds", "", f"{result['seconds']:.1f}")
    return table


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
