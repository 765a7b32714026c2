"""`bandstop figures`: the tables and figures of the papers as files."""

from __future__ import annotations

from pathlib import Path

import typer


def figures(
    runs: list[Path] = typer.Argument(
        metavar="RUNS", help="folders that `bandstop table` wrote to"
    ),
    output: Path = typer.Option(Path("results"), "--output", "-o", help="folder to write into"),
    time: bool = typer.Option(
        False, "--time", help="first measure one network of each row in C on this machine"
    ),
) -> None:
    """Write every table that was made in these folders, with its figures, as Markdown, CSV, PNG and SVG.

    Made from records alone: no recordings and no training are needed, and none get into the files. What
    a table has is in its listing, which `bandstop table` writes when it begins; runs that are not
    finished are left out and counted.

    With --time what one network of each row takes in C is measured on this machine and written into its
    record, so that figures show accuracy against microseconds; rows that have it are not measured again.

    Examples:

      bandstop figures runs -o docs/results

      bandstop figures runs -o docs/results --time
    """
    from bandstop.report.results import write_results
    from bandstop.text import shown

    if time:
        _time(runs)

    for path in write_results(runs, output):
        typer.echo(shown(path))


def _time(runs: list[Path]) -> None:
    """Measure the first run of every row that has no microseconds; of many rates the first that still has
    its network."""
    from bandstop.fit import time_run
    from bandstop.record import RunFolder
    from bandstop.report.collect import collect
    from bandstop.report.spread import spread
    from bandstop.report.summary import rows
    from bandstop.text import shown

    files = (file for path in runs for file in sorted(path.rglob("record.json")))
    made = {file.parent.name: RunFolder(file.parent) for file in files}
    wanted: dict[RunFolder, set[float]] = {}
    for row in rows(spread(collect(runs).records)):
        if row.spreads["microseconds"].mean is None:
            names = (Path(r.result["run"]).name for r in row.records)
            found = (made[name] for name in names if name in made)
            many = row.records[0].options.many
            first = next((f for f in found if not many or f.bundle.exists()), None)
            if first is not None:
                wanted.setdefault(first, set()).add(row.rate)
    for number, (folder, rates) in enumerate(wanted.items(), 1):
        for rate, took in time_run(folder, rates):
            words = f"{number} of {len(wanted)}: {folder.path.name}, rate {rate:g}: {took:.2f} µs"
            typer.echo(shown(words), err=True)
