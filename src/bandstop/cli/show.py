"""What people see when a run ends: a table."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bandstop.text import console

out = console()


def percent(value: float | None) -> str:
    """
    >>> percent(0.95384), percent(None)
    ('95.4 %', 'not measured')
    """
    if value is None:
        return "not measured"
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
        ("mean accuracy of the classes", "", percent(result.get("mean_class_accuracy"))),
        ("rate asked for", "", f"{result['rate_target']:.4f}"),
        ("rate observed before exact cut", "", _rate(result["rate_observed"])),
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
    table.add_row("seconds, without the reference", "", f"{result['seconds']:.1f}")
    if result.get("note"):  # how near whole groups came to the budget
        table.caption, table.caption_justify = result["note"], "left"
    return table


def rates_table(result: dict) -> Table:
    """The rates that one training of many gives, as far as they were trained."""
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("rate", "accuracy", "weights", "MACs, zeros skipped", "bytes"):
        table.add_column(column, justify="right")
    for row in result["by_rate"]:
        if row["seen"]:
            table.add_row(
                f"{row['rate_target']:g}",
                percent(row["accuracy"]),
                number(row["weights_kept"]),
                number(row["macs_sparse"]),
                number(row["bytes"]),
            )
    return table


def _rate(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
