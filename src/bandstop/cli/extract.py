"""`bandstop extract`: one rate out of a network trained for many."""

from __future__ import annotations

from pathlib import Path

import typer


def extract(
    run: Path = typer.Argument(help="a run directory of method mrmp, or its net.bandstop"),
    rate: float = typer.Option(help="fraction of the prunable weights to remove, such as 0.97"),
    output: Path = typer.Option(
        None, "--output", "-o", help="default: net-RATE.bandstop beside it"
    ),
    force: bool = typer.Option(False, help="also above the highest rate that was trained"),
    json_: bool = typer.Option(False, "--json", help="print one JSON object"),
) -> None:
    """Take the network of any rate out of one multi-rate training: at once, without data.

    Every rate between the lowest and the highest that were trained can be had, seen or not, within
    its budget: exactly, or a weight or two short where they would do nothing.

    Examples:

      bandstop extract runs/sbu-…-mrmp-… --rate 0.97

      bandstop extract net.bandstop --rate 0.9 -o small.bandstop
    """
    from bandstop.bundle import load_bundle
    from bandstop.cli.show import number, out
    from bandstop.errors import BadInput
    from bandstop.record import RunFolder
    from bandstop.text import in_json, shown

    path = RunFolder(run).bundle if run.is_dir() else run
    target = output or path.with_name(f"net-{rate:g}.bandstop")
    small = load_bundle(path).at(rate, force)
    if target.exists() and target.samefile(path):
        raise BadInput(f"{path} holds every rate and would be lost; write elsewhere (--output)")
    small.save(target)
    facts = {
        "rate_target": rate,
        "rate": small.facts["rate"],
        **small.sizes,
        "bytes": small.bytes,
        "bundle": str(target),
    }
    if json_:
        typer.echo(in_json(facts))
        return
    out.print(f"rate     {small.facts['rate']:.4f}, {number(facts['weights_kept'])} weights")
    out.print(f"MACs     {number(facts['macs_sparse'])} when zeros are skipped")
    out.print(f"bytes    {number(facts['bytes'])}")
    out.print(f"network  {shown(target)}", soft_wrap=True)
