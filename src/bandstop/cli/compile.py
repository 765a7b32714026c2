"""`bandstop compile`: a bundle as a file that runs."""

from __future__ import annotations

from pathlib import Path

import typer


def compile_(
    bundle: Path = typer.Argument(help="a net.bandstop file"),
    target: str = typer.Option(
        "c", help="c, onnx, or native: build it here and prove it, write nothing"
    ),
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="the file; a C header goes beside it (default: net.c, net.onnx)",
    ),
    rate: float | None = typer.Option(None, help="of a network of many rates (method mrmp)"),
    json_: bool = typer.Option(False, "--json", help="print one JSON object instead"),
) -> None:
    """Make a file that runs in time proportional to the weights that are left.

    One C11 file and a header: no allocation, nothing but libm, weights in read-only data, scratch
    memory from the caller. It takes raw frames, at once or one by one, or a signal. The file is only
    written when it was compiled here and computes what the network does. $CC names the compiler.

    Examples:

      bandstop compile net.bandstop --target c -o wave.c

      bandstop compile net.bandstop --target onnx -o wave.onnx

      bandstop compile net.bandstop --target native
    """
    import json
    import shlex
    import sys

    from bandstop.bundle import load_bundle
    from bandstop.bundle.export import SUFFIXES, TARGETS
    from bandstop.cli.show import number, out
    from bandstop.errors import BadInput, nearest

    if target not in TARGETS:
        raise BadInput(
            f"target must be one of {', '.join(TARGETS)}, not {target!r}{nearest(target, TARGETS)}"
        )
    net = load_bundle(bundle)
    if rate is not None:
        net = net.at(rate)
    command = shlex.join(["bandstop", *sys.argv[1:]])
    usual = {kind: f"net{suffix}" for suffix, kind in SUFFIXES.items()}
    made = TARGETS[target](net, output or Path(usual.get(target, "net.c")), command)
    if json_:
        typer.echo(json.dumps(made.to_dict()))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("layer", "storage", "flash, bytes", "RAM, bytes", "MACs"):
        table.add_column(column, justify="left" if column in ("layer", "storage") else "right")
    for layer in made.layers:
        values = (number(v) for v in (layer.flash, layer.ram, layer.macs))
        table.add_row(layer.name, layer.storage, *values)
    table.add_row("all", "", number(made.flash), number(made.scratch), number(made.macs))
    out.print(table)
    out.print(f"proven: {made.proof}", soft_wrap=True)
    for path in made.files:
        out.print(f"written: {path}", soft_wrap=True)
