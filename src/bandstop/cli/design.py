"""`bandstop design`: the main job."""

from __future__ import annotations

import statistics
from dataclasses import replace
from pathlib import Path

import typer

from bandstop.cli.options import with_config_options
from bandstop.record import Config

KEYS = (
    "method", "rate_target", "rate_observed", "rate", "weights", "weights_kept", "macs_dense", "macs",
    "macs_sparse", "bytes_dense", "bytes", "accuracy_dense", "accuracy",
    "mean_class_accuracy", "seconds", "run",
)  # fmt: skip
"""What `--json` prints, in this order."""


@with_config_options()
def design(
    config: Config,
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
    """
    from bandstop.cli.show import out, rates_table, result_table
    from bandstop.data import canonical, load
    from bandstop.job import Events, Listener, Listeners, Progressing, all_folds
    from bandstop.job import design as carry_out
    from bandstop.text import in_json, shown

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
        outcome = carry_out(each, runs, dataset, listener)
        results.append(outcome.record.result)
        if figures:
            from bandstop.report import draw_all

            draw_all(outcome.record, outcome.folder.figures, listener.say)
        if json_ and quiet:
            continue
        out.print(result_table(results[-1], f"{dataset.name}, fold {each.fold}, seed {each.seed}"))
        if results[-1]["by_rate"]:
            out.print(rates_table(results[-1]))
        holds = "" if outcome.bundle is None else "net.bandstop, "
        holds += "record.json" + (", figures/" if figures else "")
        out.print(f"run  {shown(outcome.folder.path)}\n     with {holds}\n", soft_wrap=True)
    if len(results) > 1 and not (json_ and quiet):
        _print_mean(results)
    if json_:
        typer.echo(in_json(_summary(results)))


def _summary(results: list[dict]) -> dict:
    """One run's figures; of several folds the means, counts to the nearest whole one, with the sample
    standard deviation of what is measured, and each fold's under `folds`."""
    rows: list[dict] = [{key: result.get(key) for key in KEYS} for result in results]
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
