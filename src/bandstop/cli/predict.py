"""`bandstop predict`: what bundles say of recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from bandstop.bundle import Prediction


def predict(
    bundle: Path = typer.Argument(metavar="BUNDLE...", help="a net.bandstop file, or several"),
    recordings: list[Path] = typer.Argument(metavar="RECORDING...", help="one file a recording"),
    json_: bool = typer.Option(False, "--json", help="one JSON object a line for each answer"),
) -> None:
    """Name the class of recordings, with every class's probability.

    A recording is a file in any of the formats that can be designed on: SBU's skeleton_pos.txt,
    FPHA's skeleton.txt, a CSV file of ours, or an .npy / .npz of positions (frames, nodes, 3).
    Of several recordings, or by several bundles, each answer is a line. A recording that cannot be
    read costs no other: it is named at the end, and the exit code is 2.

    Examples:

      bandstop predict net.bandstop SBU/s01s02/03/001/skeleton_pos.txt

      bandstop predict net.bandstop SBU/s01s02/*/001/skeleton_pos.txt --json
    """
    from bandstop.bundle import is_bundle
    from bandstop.cli.bundles import of_one_rate
    from bandstop.data.formats.single import read_one
    from bandstop.errors import BadInput, listed
    from bandstop.text import in_json

    files = list(dict.fromkeys((bundle, *filter(is_bundle, recordings))))
    takes = [path for path in recordings if path not in files]
    if not takes:
        raise BadInput(f"all {len(files)} files are bundles; give recordings after them")
    nets = {path: of_one_rate(path, None, "bandstop extract gives another") for path in files}
    single, problems = len(files) == len(takes) == 1, []
    for take in takes:
        for path, net in nets.items():
            try:
                said = net.predict(read_one(take, net.skeleton))
            except BadInput as error:
                problems.append(str(error))
                continue
            if json_:
                values = {"recording": str(take), "bundle": str(path), "class": said.label}
                typer.echo(in_json(values | {"probabilities": said.probabilities}))
            elif single:
                _show(take, said)
            else:
                _line(take, path if len(files) > 1 else None, said)
    if problems:
        raise BadInput(listed(list(dict.fromkeys(problems))))


def _show(take: Path, said: Prediction) -> None:
    """The class, and a bar for the probability of each, the most probable first."""
    from rich.table import Table
    from rich.text import Text

    from bandstop.cli.show import out, percent
    from bandstop.text import shown

    out.print(Text.assemble(f"{shown(take)}: ", (said.label, "bold")), soft_wrap=True)
    table = Table(show_header=False, show_edge=False, box=None)
    block = "#" if out.options.ascii_only else "█"
    for name, p in sorted(said.probabilities.items(), key=lambda item: -item[1]):
        table.add_row(name, percent(p), block * round(30 * p))
    out.print(table)


def _line(take: Path, bundle: Path | None, said: Prediction) -> None:
    """One answer among several: probability, class, recording and, of several, the bundle."""
    from bandstop.cli.show import out, percent
    from bandstop.text import shown

    widest = max(map(len, said.probabilities))
    words = f"{percent(said.probabilities[said.label]):>8}  {said.label:{widest}}  {shown(take)}"
    words += f"  {shown(bundle)}" if bundle else ""
    out.print(words, soft_wrap=True)
