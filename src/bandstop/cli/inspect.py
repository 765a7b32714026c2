"""`bandstop inspect`: what each layer of a bundle costs."""

from __future__ import annotations

from pathlib import Path

import typer


def inspect(
    bundle: Path = typer.Argument(help="a net.bandstop file, or an ONNX model (.onnx)"),
    rate: float | None = typer.Option(None, help="of a network of many rates (method mrmp)"),
    json_: bool = typer.Option(False, "--json", help="print one JSON object instead"),
) -> None:
    """Show each layer's weights, groups gone, MACs, bytes, storage and share of the time.

    As `bandstop compile --target c` would carry it out, compiled and measured on this machine.

    Examples:

      bandstop inspect net.bandstop

      bandstop inspect net.bandstop --rate 0.9 --json

      bandstop inspect model.onnx
    """
    from bandstop.cli import foreign

    if foreign.is_onnx(bundle):
        foreign.refuse({"--rate": rate is not None})
        foreign.inspect_onnx_file(bundle, json_)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from bandstop.bench import inspect as examine
    from bandstop.cli.bundles import of_one_rate
    from bandstop.cli.show import number, out, percent
    from bandstop.text import in_json

    net = of_one_rate(bundle, rate)
    found = examine(net)
    if json_:
        typer.echo(in_json(found.to_dict()))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column, justify in [
        ("layer", "left"), ("weights", "right"), ("groups gone", "left"), ("MACs", "right"),
        ("bytes", "right"), ("storage", "left"), ("us", "right"), ("time", "right"),
    ]:  # fmt: skip
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    for row in found.rows:
        left, of = row.weights
        table.add_row(
            row.layer,
            f"{number(left)} of {number(of)}" if of else "",
            ", ".join(f"{name} {a} of {b}" for name, (a, b) in row.groups.items()),
            number(row.macs),
            number(row.bytes),
            row.storage,
            f"{row.us:.2f}",
            percent(row.share),
        )
    table.add_row(
        "all", "", "", number(found.macs), number(found.flash), "", f"{found.us:.2f}", percent(1)
    )
    out.print(table)
    out.print(f"for a recording of {found.frames} frames; the first row grows with them")
    out.print(f"scratch memory: {number(found.scratch)} bytes")
    if not found.known:
        out.print("the bundle does not say its size before pruning; groups gone are not known")
