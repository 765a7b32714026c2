"""`bandstop bench`: how fast a bundle's network is, in every engine that is installed."""

from __future__ import annotations

from pathlib import Path

import typer


def bench(
    bundle: Path = typer.Argument(help="a net.bandstop file, or an ONNX model (.onnx)"),
    rate: float | None = typer.Option(None, help="of a network of many rates (method mrmp)"),
    rounds: int = typer.Option(50, help="turns of each engine", min=1),
    engine: list[str] = typer.Option([], help="only this one; may be given several times"),
    json_: bool = typer.Option(False, "--json", help="print one JSON object instead"),
) -> None:
    """Measure a network in PyTorch, torch.compile, ONNX Runtime, OpenVINO and our C, in turn.

    One thread on one core, whole network from signal to logits, each call through Python. Every engine
    is first checked to compute the same; those that are not installed are named and left out. "dense"
    is a network of the size before pruning without a zero. Times depend on the machine: look at ratios.

    Examples:

      bandstop bench net.bandstop

      bandstop bench net.bandstop --engine "ONNX Runtime" --engine C --json

      bandstop bench model.onnx
    """
    from bandstop.cli import foreign

    if foreign.is_onnx(bundle):
        foreign.refuse({"--rate": rate is not None, "--engine": engine})
        foreign.bench_onnx_file(bundle, rounds, json_)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from bandstop.bench import bench as measure
    from bandstop.cli.bundles import of_one_rate
    from bandstop.cli.show import number, out
    from bandstop.text import in_json

    net = of_one_rate(bundle, rate)
    result = measure(net, rounds, engine)
    if json_:
        typer.echo(in_json(result.to_dict()))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("engine", "network", "batch", "p50, us", "p90, us", "signals a second"):
        table.add_column(column, justify="left" if column in ("engine", "network") else "right")
    for row in result.rows:
        table.add_row(
            row.engine, row.net, str(row.batch), f"{row.p50_us:.2f}", f"{row.p90_us:.2f}",
            number(round(row.per_second)),
        )  # fmt: skip
    out.print(table)
    ratios = Table(box=SIMPLE_HEAD, pad_edge=False)
    ratios.add_column("takes longer than our C with the pruned network")
    ratios.add_column("times", justify="right")
    for name, value in result.ratios.items():
        ratios.add_row(name, f"{value:.2f}")
    out.print(ratios)
    worst = max(result.errors.values(), default=0.0)
    out.print(f"all compute the same: relative error at most {worst:.1e} against PyTorch")
    for name, why in result.absent.items():
        out.print(f"left out: {name}, {why}", soft_wrap=True)
    if not result.known:
        out.print("the bundle does not say its size before pruning; dense is the size that is left")
