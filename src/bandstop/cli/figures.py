"""`bandstop figures`: the tables and figures of the papers as files."""

from __future__ import annotations

from pathlib import Path

import typer


def figures(
    runs: list[Path] = typer.Argument(
        metavar="RUNS", help="folders that `bandstop table` wrote to"
    ),
    output: Path = typer.Option(Path("results"), "--output", "-o", help="folder to write into"),
) -> None:
    """Write every table that was made in these folders, with its figures, as Markdown, CSV, PNG and SVG.

    Made from records alone: no recordings and no training are needed, and none get into the files. What
    a table has is in its listing, which `bandstop table` writes when it begins; runs that are not
    finished are left out and counted.

    Examples:

      bandstop figures runs -o docs/results
    """
    from bandstop.report.results import write_results
    from bandstop.text import shown

    for path in write_results(runs, output):
        typer.echo(shown(path))
