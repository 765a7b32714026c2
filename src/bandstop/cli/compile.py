"""`bandstop compile`: a bundle as a file that runs."""

from __future__ import annotations

from pathlib import Path

import typer


def compile_(
    bundle: Path = typer.Argument(help="a net.bandstop file"),
    target: str = typer.Option(
        "c",
        help="c, elastic (C for every rate of a network of many), onnx, wasm, or native: build it here "
        "and prove it, write nothing",
    ),
    output: Path | None = typer.Option(
        None,
        "-o",
        "--output",
        help="the file; a C header goes beside it (default: net.c, net.onnx, net.wasm)",
    ),
    rate: float | None = typer.Option(None, help="of a network of many rates (method mrmp)"),
    cross: str = typer.Option(
        "", help="also build the C as an object file for aarch64, armv7 or riscv64"
    ),
    int8: bool = typer.Option(False, "--int8", help="weights of 8 bits instead of 32"),
    calibrate: str = typer.Option(
        "",
        help="with --int8: recordings that the scales are fitted to, such as sbu:DIR; also tells what "
        "the smaller weights cost on them",
    ),
    json_: bool = typer.Option(False, "--json", help="print one JSON object instead"),
) -> None:
    """Make a file that runs in time proportional to the weights that are left.

    One C11 file and a header: no allocation, nothing but libm, weights in read-only data, scratch
    memory from the caller. It takes raw frames, at once or one by one, or a signal. The file is only
    written when it was compiled here and computes what the network does. $CC names the compiler.

    Examples:

      bandstop compile net.bandstop --target c -o wave.c

      bandstop compile net.bandstop --target onnx -o wave.onnx

      bandstop compile net.bandstop --int8 --calibrate sbu:path/to/SBU -o wave.c

      bandstop compile net.bandstop --cross aarch64 -o wave.c

      bandstop compile net.bandstop --target wasm -o wave.wasm

      bandstop compile net.bandstop --target elastic -o wave.c

      bandstop compile net.bandstop --target native
    """
    import sys
    from dataclasses import asdict

    from bandstop.bundle import load_bundle
    from bandstop.bundle.export import SUFFIXES, TARGETS, WITH_OPTIONS, to_machine
    from bandstop.bundle.export.loss import labelled, loss_of_int8
    from bandstop.cli.show import number, out, percent
    from bandstop.compile import Options
    from bandstop.data import load
    from bandstop.errors import BadInput, nearest
    from bandstop.text import in_json, in_shell, shown

    if target not in TARGETS:
        raise BadInput(
            f"target must be one of {', '.join(TARGETS)}, not {target!r}{nearest(target, TARGETS)}"
        )
    if cross and target != "c":
        raise BadInput(f"--cross builds the C of --target c, not {target}; leave one of them out")
    if output and target == "native":
        raise BadInput("--target native writes nothing; leave -o out, or take --target c")
    net = load_bundle(bundle)
    if rate is not None:
        if target == "elastic":
            raise BadInput(
                "--target elastic holds every rate; leave --rate out, or take --target c"
            )
        net = net.at(rate)
    command = in_shell(["bandstop", *sys.argv[1:]])
    usual = {kind: f"net{suffix}" for suffix, kind in SUFFIXES.items()}
    path, loss, options = output or Path(usual.get(target, "net.c")), None, None
    if int8:
        if target not in WITH_OPTIONS:
            raise BadInput(
                f"--int8 is for {' and '.join(WITH_OPTIONS)}, not for {target}; leave it out"
            )
        options = Options(int8=True)
        if calibrate:
            takes = labelled(load(calibrate), net.classes)
            if not takes:
                raise BadInput(
                    f"--calibrate {calibrate}: none of its recordings has a class that the network knows"
                )
            signals = net.signal(takes[:: max(1, len(takes) // 128)]).numpy()
            options = Options(int8=True, signals=signals)
            loss = loss_of_int8(net, options, takes)
    elif calibrate:
        raise BadInput("--calibrate fits the scales of 8-bit weights; give --int8 with it")
    if cross:
        made = to_machine(net, path, cross, command, options)
    elif options:
        made = WITH_OPTIONS[target](net, path, command, options)
    else:
        made = TARGETS[target](net, path, command)
    if json_:
        typer.echo(in_json({**made.to_dict(), **({"int8": asdict(loss)} if loss else {})}))
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
    if loss:
        out.print(
            f"8-bit weights on {loss.recordings} recordings: {percent(loss.accuracy_int8)} right, "
            f"{percent(loss.accuracy)} with 32 bits; the same class for {percent(loss.same_class)}",
            soft_wrap=True,
        )
    for path in made.files:
        word = "kept" if target == "native" else "written"
        out.print(f"{word}: {shown(path)}", soft_wrap=True)
