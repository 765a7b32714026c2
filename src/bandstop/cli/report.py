"""`bandstop report`: many runs as one page."""

from __future__ import annotations

from pathlib import Path

import typer

from bandstop.errors import BadInput
from bandstop.files import write_atomically
from bandstop.text import in_json, shown


def report(
    runs: list[Path] = typer.Argument(
        metavar="RUNS", help="run directories, record.json files, or folders that hold runs"
    ),
    output: Path = typer.Option(Path("report.html"), "--output", "-o", help="the file to write"),
    json_: bool = typer.Option(False, "--json", help="print one JSON object instead"),
) -> None:
    """Make one HTML file of finished runs: tables, figures, statistics, and how to make them again.

    The file holds everything and needs no network. It is made from records alone: one that is damaged
    or of another version is named and left out.

    Examples:

      bandstop report runs

      bandstop report runs/sbu-*pmp* runs/sbu-*dense* -o pmp.html

      bandstop report runs --json
    """
    from bandstop.report.collect import collect
    from bandstop.report.html import page

    if output.is_dir():
        raise BadInput(f"{output} is a folder; name a file, such as {output / 'report.html'}")
    if not output.parent.is_dir():
        raise BadInput(f"{output.parent} is not a folder; make it first or write elsewhere")
    found = collect(runs)
    write_atomically(output, page(found))
    if json_:
        left_out = [{"path": each.path, "reason": each.reason} for each in found.left_out]
        values = {"report": str(output), "runs": len(found.records), "left_out": left_out}
        typer.echo(in_json(values | {"unfinished": list(found.unfinished)}))
        return
    for each in found.left_out:
        typer.echo(shown(f"left out: {each.path}: {each.reason}"), err=True)
    for path in found.unfinished:
        typer.echo(shown(f"not finished: {path}"), err=True)
    typer.echo(shown(output))
