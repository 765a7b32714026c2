"""What the commands do with an ONNX file: a network that somebody else made, pruned with any tool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def is_onnx(path: Path) -> bool:
    """Whether a file is taken as an ONNX model: by its name."""
    return path.suffix == ".onnx"


def refuse(given: Mapping[str, object]) -> None:
    """Refuse options that are for bundles.

    Raises
    ------
    BadInput
        For those that are set.
    """
    from bandstop.errors import BadInput

    if named := [name for name, value in given.items() if value]:
        raise BadInput(
            f"{', '.join(named)}: for a bundle, and an ONNX file is compiled as it is; leave it out"
        )


def compile_onnx_file(path: Path, output: Path | None, as_json: bool) -> None:
    """Write the C of a model, compared with ONNX Runtime first, and say what it takes."""
    import typer

    from bandstop.cli.show import number, out
    from bandstop.compile.network import write_c
    from bandstop.graph.onnx import from_onnx
    from bandstop.text import in_json, shown

    target = output or Path("net.c")
    made = write_c(from_onnx(path), target, oracle=path)
    files = [target, target.with_name(f"{made.name}.h")]
    facts = {
        "weights": made.weights, "macs": made.macs, "flash": made.flash, "scratch": made.scratch,
        "files": [str(file) for file in files],
    }  # fmt: skip
    if as_json:
        typer.echo(in_json(facts))
        return
    out.print(f"weights  {number(made.weights)} that are not 0")
    out.print(f"MACs     {number(made.macs)} an answer")
    out.print(f"flash    {number(made.flash)} bytes; scratch memory {number(made.scratch)} bytes")
    out.print("proven: gives what ONNX Runtime gives, and torch")
    for file in files:
        out.print(f"written: {shown(file)}", soft_wrap=True)


def inspect_onnx_file(path: Path, as_json: bool) -> None:
    """What is in a model: inputs, outputs, weights and zeros of each tensor, multiply-accumulates."""
    import torch
    import typer
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from bandstop.cli.show import number, out, percent
    from bandstop.graph.cost import macs
    from bandstop.graph.onnx import from_onnx
    from bandstop.graph.verify import shapes
    from bandstop.text import in_json, shown

    graph = from_onnx(path)
    sizes = shapes(graph)
    weights = {n: t for n, t in graph.tensors.items() if t.ndim >= 2 and t.is_floating_point()}
    rows = [
        {"tensor": n, "shape": list(t.shape), "weights": t.numel(),
         "left": int(torch.count_nonzero(t))}
        for n, t in weights.items()
    ]  # fmt: skip
    facts = {
        "inputs": {n: list(s) for n, s in graph.inputs.items()},
        "outputs": {n: list(sizes[n]) for n in graph.outputs},
        "nodes": len(graph.nodes), "macs": macs(graph), "macs_sparse": macs(graph, {}), "tensors": rows,
    }  # fmt: skip
    if as_json:
        typer.echo(in_json(facts))
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("tensor", "shape", "weights", "left"):
        table.add_column(column, justify="right" if column in ("weights", "left") else "left")
    for row in rows:
        count, left = int(str(row["weights"])), int(str(row["left"]))
        shape = " x ".join(map(str, row["shape"]))  # type: ignore[call-overload]
        table.add_row(
            shown(str(row["tensor"])), shape, number(count), percent(left / max(1, count))
        )
    out.print(table)
    for word in ("inputs", "outputs"):
        said = ", ".join(f"{shown(n)} {s}" for n, s in facts[word].items())  # type: ignore[attr-defined]
        out.print(f"{word:8} {said}", markup=False)
    out.print(f"MACs     {number(macs(graph))}; {number(macs(graph, {}))} where zeros are skipped")


def bench_onnx_file(path: Path, rounds: int, as_json: bool) -> None:
    """The model as C beside ONNX Runtime, in turns on one core."""
    import numpy as np
    import typer

    from bandstop.bench.turns import in_turn, one_thread
    from bandstop.cli.show import out
    from bandstop.compile.network import compile_network
    from bandstop.compile.network.oracle import onnx_runtime
    from bandstop.graph.onnx import from_onnx
    from bandstop.text import in_json

    graph = from_onnx(path)
    native, runtime = compile_network(graph, oracle=path), onnx_runtime(path)
    random = np.random.default_rng(0)
    given = [random.normal(size=s).astype(np.float32) for s in native.made.inputs]
    batch = [x[None] for x in given]
    with one_thread():
        times = in_turn(
            {"C": lambda: native(*given), "ONNX Runtime": lambda: runtime(batch)}, rounds
        )
    facts = {name: t.p50 for name, t in times.items()}
    ratio = facts["ONNX Runtime"] / facts["C"]
    if as_json:
        typer.echo(in_json({"p50_us": facts, "ratio": ratio}))
        return
    for name, value in facts.items():
        out.print(f"{name:13} {value:.1f} us")
    out.print(f"C is {ratio:.2f} times as fast; one thread, one sample; both compute the same")
