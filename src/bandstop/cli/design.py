"""`bandstop design`: the main job."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bandstop.cli.options import with_config_options
from bandstop.record import Config

if TYPE_CHECKING:
    from bandstop.fit import Fitted, Limit

KEYS = (
    "method", "rate_target", "rate_observed", "rate", "weights", "weights_kept", "macs_dense", "macs",
    "macs_sparse", "bytes_dense", "bytes", "accuracy_dense", "accuracy",
    "mean_class_accuracy", "seconds", "run",
)  # fmt: skip
"""What `--json` prints, in this order."""


@with_config_options()
def design(
    config: Config,
    budget_us: float = typer.Option(
        None,
        help="in place of --rate: microseconds that an answer of the C may take on this machine",
    ),
    budget_bytes: int = typer.Option(
        None, help="in place of --rate: bytes of weights, positions and constants in C"
    ),
    runs: Path = typer.Option(Path("runs"), help="folder for run directories"),
    json_: bool = typer.Option(False, "--json", help="print one JSON object on the last line"),
    quiet: bool = typer.Option(False, help="no progress"),
    figures: bool = typer.Option(True, help="draw the run's figures"),
    tensorboard: bool = typer.Option(
        False, "--tensorboard", help="log every epoch for TensorBoard into the run directory"
    ),
) -> None:
    """Train, prune, compact and verify a network: from recordings and a budget to a file.

    The run directory holds config.json, record.json, log.jsonl, checkpoint.safetensors, net.bandstop
    and figures/. A finished run is not done again; a killed one goes on from its last epoch.

    Examples:

      bandstop design --rate 0.95

      bandstop design --data sbu:DIR --fold 5 --rate 0.95

      bandstop design --data sbu:DIR --fold all --method mp-finetune

      bandstop design --config wave.toml --seed 3 --json

      bandstop design --data sbu:DIR --fold 5 --budget-us 2

      bandstop design --data sbu:DIR --fold 5 --method mrmp --budget-bytes 8000
    """
    from bandstop.cli.show import out, rates_table, result_table
    from bandstop.data import canonical, load
    from bandstop.job import Events, Listener, Listeners, Progressing, all_folds
    from bandstop.job import design as carry_out
    from bandstop.text import in_json, shown

    limit = _limit(config, budget_us, budget_bytes)
    listener: Listener = Progressing(quiet)
    if tensorboard:
        listener = Listeners(listener, Events(runs))
    config = replace(config, data=canonical(config.data))
    dataset = load(config.data, drop=config.drop)
    listener.say(
        f"{dataset.name}: {len(dataset.sequences)} sequences, {dataset.skeleton.nodes} nodes, "
        f"{len(dataset.classes)} classes"
    )
    for note in dataset.notes:
        listener.say(f"note: {note}")
    results = []
    for each in all_folds(config, dataset):
        fitted = None
        if limit is None:
            outcome = carry_out(each, runs, dataset, listener)
        else:
            from bandstop.fit import fit

            fitted = fit(each, limit, runs, dataset, listener)
            outcome = fitted.outcome
        results.append(outcome.record.result | _budget_of(fitted, limit))
        if figures:
            from bandstop.report import draw_all

            draw_all(outcome.record, outcome.folder.figures, listener.say)
        if json_ and quiet:
            continue
        out.print(result_table(results[-1], f"{dataset.name}, fold {each.fold}, seed {each.seed}"))
        if results[-1]["by_rate"]:
            out.print(rates_table(results[-1]))
        holds = "net.bandstop, record.json" + (", figures/" if figures else "")
        out.print(f"run  {shown(outcome.folder.path)}\n     with {holds}\n", soft_wrap=True)
        if fitted is not None and limit is not None:
            out.print(_how_fitted(fitted, limit), soft_wrap=True)
    if len(results) > 1 and not (json_ and quiet):
        _print_mean(results)
    if json_:
        typer.echo(in_json(_summary(results)))


def _limit(config: Config, us: float | None, size: int | None) -> Limit | None:
    """The budget that was given in place of a rate, if any. Errors: BadInput for more than one."""
    given = {kind: most for kind, most in (("us", us), ("bytes", size)) if most is not None}
    if not given:
        return None
    from bandstop.errors import BadInput
    from bandstop.fit import Limit

    if len(given) > 1:
        raise BadInput("give --budget-us or --budget-bytes, not both")
    ((kind, most),) = given.items()
    if config.rate != Config().rate:
        raise BadInput(f"--budget-{kind} finds the rate; leave out --rate")
    return Limit(kind, most)


def _budget_of(fitted: Fitted | None, limit: Limit | None) -> dict:
    """What `--json` says of a budget."""
    if fitted is None or limit is None:
        return {}
    tried = [{"rate": rate, "cost": cost} for rate, cost in fitted.tried]
    return {
        "budget": {"kind": limit.kind, "most": limit.most, "cost": fitted.cost, "tried": tried},
        "rate_found": fitted.rate,
    }


def _how_fitted(fitted: Fitted, limit: Limit) -> str:
    """The rate that was found, what was measured, and how to have the same without searching."""
    from bandstop.text import in_shell, shown

    words = (
        f"budget {limit.said(limit.most)}: rate {fitted.rate:g} takes {limit.said(fitted.cost)}\n"
    )
    if fitted.config.many:
        path = fitted.outcome.folder.bundle
        again = ["bandstop", "extract", shown(path), "--rate", f"{fitted.rate:g}", "-o"]
        return words + f"take it out with  {in_shell([*again, 'small.bandstop'])}\n"
    again = ["bandstop", "design"]
    for name, value in fitted.config.differing().items():
        for each in value if isinstance(value, tuple) else (value,):
            again += [f"--{name.replace('_', '-')}", shown(f"{each}")]
    return words + f"the same run      {in_shell(again)}\n"


def _summary(results: list[dict]) -> dict:
    """One run's figures; of several folds the means, counts to the nearest whole one, with the sample
    standard deviation of what is measured, and each fold's under `folds`."""
    extra = tuple(key for key in ("budget", "rate_found") if key in results[0])
    rows: list[dict] = [{key: result.get(key) for key in (*KEYS, *extra)} for result in results]
    if len(rows) == 1:
        return rows[0]
    mean: dict = {}
    for key in KEYS:
        values: list = [row[key] for row in rows]
        if not all(isinstance(v, int | float) for v in values):
            mean[key] = values[0]
            continue
        middle = statistics.fmean(values)
        mean[key] = round(middle) if all(isinstance(v, int) for v in values) else middle
        if "accuracy" in key:
            mean[f"{key}_sd"] = statistics.stdev(values)
    same = {"method", "rate_target"}
    mean |= {key: rows[0][key] for key in same}
    mean |= {"seconds": sum(row["seconds"] for row in rows), "run": [row["run"] for row in rows]}
    return mean | {"folds": rows}


def _print_mean(results: list[dict]) -> None:
    from bandstop.cli.show import out, percent

    for key, word in [("accuracy_dense", "dense"), ("accuracy", results[0]["method"])]:
        values = [result[key] for result in results]
        each = "  ".join(percent(v) for v in values)
        mean, sd = statistics.fmean(values), statistics.stdev(values)
        out.print(f"{word}: mean of {len(values)} folds {percent(mean)} ± {100 * sd:.1f}  ({each})")
