"""`bandstop data`: looking at recordings before anything is trained on them."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Look at recordings: are they fit to train on?")


@app.callback()
def data() -> None:
    """Look at recordings before anything is trained on them."""


@app.command()
def check(
    path: str = typer.Argument(help="a folder or file, or FORMAT:PATH such as sbu:DIR"),
    drop: list[str] = typer.Option(
        (), "--drop", help="leave out and count: lost (frames), short (sequences); may be repeated"
    ),
    json_: bool = typer.Option(False, "--json", help="print one JSON object instead"),
) -> None:
    """The data doctor: counts, splits, broken values, repeated sequences, bone lengths.

    Exit code 0 when the data can be used, 2 when files would be refused.

    Examples:

      bandstop data check recordings/SBU

      bandstop data check synthetic:gestures
    """
    from bandstop.data.doctor import detect, examine, lines
    from bandstop.data.drop import drop as leave_out
    from bandstop.data.formats import scan
    from bandstop.text import in_json, shown

    spec = path if path.partition(":")[0] in _formats() else detect(path)
    examination = examine(leave_out(scan(spec), drop))
    if json_:
        typer.echo(in_json(examination.to_dict()))
    else:
        for line in lines(examination):
            typer.echo(shown(line))
    if examination.problems:
        raise typer.Exit(2)


def _formats() -> set[str]:
    from bandstop.data.formats import FORMATS

    return set(FORMATS)
