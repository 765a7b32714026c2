"""`bandstop compile`: a bundle as a file that runs."""

from __future__ import annotations

from pathlib import Path

import typer


def compile_(
    bundle: Path = typer.Argument(help="a net.bandstop file, or an ONNX model (.onnx)"),
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
        help="with --int8: recordings, such as sbu:DIR; the scales are fitted to one part of them, and "
        "what the smaller weights cost is told of the others",
    ),
    optimize: str = typer.Option(
        "speed",
        help="of C, WebAssembly and native: speed, size (the fewest bytes of weights) or ram (the least "
        "scratch memory)",
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

      bandstop compile net.bandstop --optimize size -o wave.c

      bandstop compile net.bandstop --cross aarch64 -o wave.c

      bandstop compile net.bandstop --target wasm -o wave.wasm

      bandstop compile net.bandstop --target elastic -o wave.c

      bandstop compile net.bandstop --target native

      bandstop compile model.onnx -o net.c
    """
    from bandstop.cli import foreign

    if foreign.is_onnx(bundle):
        foreign.refuse({
            "--rate": rate is not None, "--cross": cross, "--int8": int8, "--calibrate": calibrate,
            "--optimize": optimize != "speed", f"--target {target}": target != "c",
        })  # fmt: skip
        foreign.compile_onnx_file(bundle, output, json_)
        return
    import sys
    from dataclasses import asdict, replace

    from bandstop.bundle import load_bundle
    from bandstop.bundle.export import SUFFIXES, TARGETS, to_machine, with_options
    from bandstop.bundle.export.loss import held_out, loss_of_int8
    from bandstop.cli.bundles import of_one_rate
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
    if rate is not None and target == "elastic":
        raise BadInput("--target elastic holds every rate; leave --rate out, or take --target c")
    net = load_bundle(bundle) if target == "elastic" else of_one_rate(bundle, rate)
    command = in_shell(["bandstop", *sys.argv[1:]])
    usual = {kind: f"net{suffix}" for suffix, kind in SUFFIXES.items()}
    path, loss = output or Path(usual.get(target, "net.c")), None
    options = Options(int8=int8, optimize=optimize)
    chosen = int8 or optimize != "speed"
    make = with_options(target) if chosen else None
    if calibrate:
        if not int8:
            raise BadInput("--calibrate fits the scales of 8-bit weights; give --int8 with it")
        held = held_out(load(calibrate), net)
        options = replace(options, signals=net.signal(list(held.fitted)).numpy())
        loss = loss_of_int8(net, options, held)
    if cross:
        made = to_machine(net, path, cross, command, options)
    elif make:
        made = make(net, path, command, options)
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
            f"{percent(loss.accuracy)} with 32 bits; the same class for {percent(loss.same_class)}; "
            f"{loss.held_out}",
            soft_wrap=True,
            markup=False,
        )
    for path in made.files:
        word = "kept" if target == "native" else "written"
        out.print(f"{word}: {shown(path)}", soft_wrap=True)
