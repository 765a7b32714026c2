"""`bandstop predict`: what a bundle says of a recording."""

from __future__ import annotations

from pathlib import Path

import typer


def predict(
    bundle: Path = typer.Argument(help="a net.bandstop file"),
    recordings: list[Path] = typer.Argument(metavar="RECORDING...", help="one file a recording"),
    json_: bool = typer.Option(False, "--json", help="one JSON object a recording"),
) -> None:
    """Name the class of a recording, with every class's probability.

    A recording is a file in any of the formats that can be designed on: SBU's skeleton_pos.txt,
    FPHA's skeleton.txt, a CSV file of ours, or an .npy / .npz of positions (frames, nodes, 3).

    Example:

      bandstop predict net.bandstop SBU/s01s02/03/001/skeleton_pos.txt
    """
    from rich.table import Table
    from rich.text import Text

    from bandstop.bundle import load_bundle
    from bandstop.cli.show import out, percent
    from bandstop.data.formats.single import read_one
    from bandstop.text import in_json, shown

    net = load_bundle(bundle)
    for path in recordings:
        said = net.predict(read_one(path, net.skeleton))
        if json_:
            values = {
                "recording": str(path),
                "class": said.label,
                "probabilities": said.probabilities,
            }
            typer.echo(in_json(values))
            continue
        out.print(Text.assemble(f"{shown(path)}: ", (said.label, "bold")), soft_wrap=True)
        table = Table(show_header=False, show_edge=False, box=None)
        block = "#" if out.options.ascii_only else "█"
        ranked = sorted(said.probabilities.items(), key=lambda item: -item[1])
        for name, p in ranked:
            table.add_row(name, percent(p), block * round(30 * p))
        out.print(table)
