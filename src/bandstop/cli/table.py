"""`bandstop table`: many trainings, one table."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bandstop.cli.options import with_config_options
from bandstop.record import Config

if TYPE_CHECKING:
    from bandstop.data import Dataset
    from bandstop.sweep import Plan, Table


@with_config_options(without=("method", "rate", "fold", "seed"))
def table(
    config: Config,
    name: str = typer.Argument(
        "overview",
        help="the question: overview, quick, methods, priors, alignment, semi, ctf, regularisers, mrmp, "
        "distillation, dense, structure, networks or temporal",
    ),
    methods: str = typer.Option(None, help="such as dense,mp,mp-finetune,pmp"),
    rates: str = typer.Option(None, help="such as 50,70,90,95,98, in percent, or 0.5,0.7"),
    folds: str = typer.Option(None, help="all, or names such as 1,3,5"),
    seeds: str = typer.Option(None, help="such as 0-2 or 0,7"),
    variants: str = typer.Option(None, help="some of the table's variants, by name"),
    jobs: int = typer.Option(0, help="runs at a time; 0: one a core"),
    stack: int = typer.Option(
        0, help="runs trained together in one process; 0: one on a CPU, as many as fit on a GPU"
    ),
    cluster: str = typer.Option(None, help="a Dask scheduler's address, such as tls://head:8786"),
    dry_run: bool = typer.Option(False, "--dry-run", help="show the plan and what it would take"),
    runs: Path = typer.Option(Path("runs"), help="folder for run directories"),
    output: Path = typer.Option(None, "--output", "-o", help="files' name without ending"),
    tensorboard: bool = typer.Option(
        False, "--tensorboard", help="log every epoch of every run for TensorBoard"
    ),
    json_: bool = typer.Option(False, "--json", help="print one JSON object a run"),
    quiet: bool = typer.Option(False, help="no progress"),
) -> None:
    """Make every run of a table that is not finished, and print and write the table.

    A table is a question, and --data the recordings that it is asked of. Runs go side by side, one torch
    thread each. Stopped or killed, the same command goes on. Mean and standard deviation are over folds
    and seeds. A table's variants are options of their own, such as the priors of `priors`; they win over
    the flags. The files are named after the recordings: methods of those in wave.npz is
    table-wave-methods.

    Examples:

      bandstop table quick --steps 200

      bandstop table --data sbu:DIR --rates 90,98 --seeds 0-2

      bandstop table methods --data wave.npz

      bandstop table methods --data fpha:DIR --dry-run

      bandstop table ctf --data sbu:DIR --variants channel,together

      bandstop table --data sbu:DIR --cluster tls://head:8786
    """
    from bandstop.cli.show import out
    from bandstop.cli.watch import Watching
    from bandstop.data import canonical, load
    from bandstop.errors import Failure, several
    from bandstop.job import run_folder
    from bandstop.record import Listing, parse_rates, write_listing
    from bandstop.report.spread import spread
    from bandstop.report.summary import rows
    from bandstop.report.tables import marked, write_tables
    from bandstop.sweep import called, expand, named, only, parse_seeds, sweep, unlearnable
    from bandstop.text import in_json, shown

    asks, asked = named(name)
    if asks != name:
        words = f"bandstop table {asks} --data {config.data}"
        typer.echo(f"table {name} is now {asks}, of any recordings: {shown(words)}", err=True)
    if variants:
        asked = only(asked, variants.split(","))
    if methods:
        asked = replace(asked, methods=tuple(methods.split(",")))
    if rates:
        asked = replace(asked, rates=parse_rates(rates))
    if folds:
        asked = replace(asked, folds=tuple(folds.split(",")))
    if seeds:
        asked = replace(asked, seeds=parse_seeds(seeds))
    config = replace(config, data=canonical(config.data))
    dataset = load(config.data, drop=config.drop)
    plan = expand(config, asked, dataset)
    for fold, classes in unlearnable(dataset, asked.folds).items():
        lacking = (
            f"fold {fold} tests on what it has nothing of to train on: {several(classes)}; its accuracy "
            "counts them as wrong. Record them, or leave the fold out with --folds"
        )
        typer.echo(shown(lacking), err=True)
    if dry_run:
        _show_plan(plan, asked, dataset, runs, jobs)
        return
    axes = {
        "methods": methods,
        "rates": rates,
        "folds": folds,
        "seeds": seeds,
        "variants": variants,
    }
    names = tuple(run_folder(run, dataset, runs).path.name for run in plan.runs)
    today = datetime.now(UTC).date().isoformat()
    runs.mkdir(parents=True, exist_ok=True)
    ours, command = called(asks, dataset), _command(asks, config, axes)
    write_listing(runs, Listing(ours, command, today, asked.rates, names))
    watch = None if quiet else Watching()
    done = sweep(plan, dataset, runs, jobs or None, cluster, watch, stack, tensorboard)
    made = rows(spread(done.records, asked.rates))
    paths = write_tables(made, output or runs / f"table-{ours}")
    if not (json_ and quiet):
        out.print(marked(made), soft_wrap=True)
        for path in paths:
            out.print(f"table  {shown(path)}", soft_wrap=True)
    if json_:
        for record in done.records:
            where = {"fold": record.config["fold"], "seed": record.config["seed"]}
            typer.echo(in_json(where | record.result))
    if done.failed:
        lines = [f"{f.config.method} {f.config.rate:g}, fold {f.config.fold}, seed {f.config.seed}: "
                 f"{f.reason}" for f in done.failed]  # fmt: skip
        raise Failure(f"{len(lines)} of {len(plan.runs)} runs failed:\n  " + "\n  ".join(lines))


def _command(name: str, config: Config, axes: Mapping[str, str | None]) -> tuple[str, ...]:
    """The words that make the same table again."""
    words = ["bandstop", "table", name]
    for option, value in (config.differing() | {k: v for k, v in axes.items() if v}).items():
        values = value if isinstance(value, tuple) else (value,)
        for each in values:
            words += [f"--{option.replace('_', '-')}", f"{each}"]
    return tuple(words)


def _show_plan(plan: Plan, table: Table, dataset: Dataset, runs: Path, jobs: int) -> None:
    from bandstop.cli.show import number, out
    from bandstop.job.progress import duration
    from bandstop.sweep import estimate, pending

    todo = pending(plan.runs, dataset, runs)
    takes = estimate(todo, dataset, jobs or os.cpu_count() or 1)
    out.print(f"methods  {', '.join(dict.fromkeys(method for _, method in table.lines))}")
    if names := [variant.name for variant in table.variants if variant.name]:
        out.print(f"variants {', '.join(names)}")
    out.print(f"rates    {', '.join(f'{r:g}' for r in table.rates)}")
    out.print(f"runs     {len(plan.runs)}, of them {len(plan.dense)} dense references")
    out.print(f"to make  {len(todo)}")
    out.print(f"time     about {duration(takes.seconds)}")
    out.print(f"disk     about {number(round(takes.bytes / 2**20))} MiB")
