"""Compare options without looking at a test part.

The test part of the fold named by --outer is set aside, all of its sequences unseen. What it trains on
is divided, and each part tests once while the rest trains: by the other folds where there are several,
else into --parts, by whole groups. So a figure printed here may be used to choose a default, and the
outer fold still measures it honestly.

    python benchmarks/choose.py --data sbu:DIR --vary noise=0.03,0.1 --vary view=camera --seeds 2
    python benchmarks/choose.py --data fpha:DIR --parts 3 --vary label-smoothing=0,0.1,0.2

Prints a line for each value and rate: mean accuracy over parts and seeds, the rate before the exact cut,
multiply-accumulates of a dense runtime, and each run's accuracy. One training of many rates (mrmp) has a
line for each asked rate that it was examined at. --runs keeps the runs, so that the same command goes on
where it was stopped.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import fields, replace
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from bandstop.data import Dataset, Fold, Sequence, load
from bandstop.errors import BadInput
from bandstop.job import design
from bandstop.record import Config, Record
from bandstop.report.spread import spread


def inside(dataset: Dataset, outer: str, parts: int, by: str = "group") -> Dataset:
    """The data set without one fold's test part, and its training part divided into folds.

    parts  how many folds where `outer` is the only one; else the other folds divide
    by     "group": whole groups; "class": the sequences of each class are dealt out in turn
    """
    hidden = set(dataset.fold(outer).test)
    shown = [i for i in range(len(dataset.sequences)) if i not in hidden]
    new = {old: position for position, old in enumerate(shown)}
    sequences = tuple(dataset.sequences[i] for i in shown)
    folds = tuple(
        Fold(
            f.name,
            tuple(new[i] for i in f.train if i not in hidden),
            tuple(new[i] for i in f.test),
        )
        for f in dataset.folds
        if f.name != outer
    )
    if len(folds) < 2:
        folds = divided(sequences, [new[i] for i in dataset.fold(outer).train], parts, by)
    name = f"{dataset.name} without the test part of fold {outer}"
    return replace(dataset, name=name, sequences=sequences, folds=folds)


def divided(
    sequences: tuple[Sequence, ...], rows: list[int], parts: int, by: str
) -> tuple[Fold, ...]:
    """`parts` folds of these rows, about equally large, named "a", "b", …; each tests on one of them."""
    part: dict[int, int] = {}
    if by == "group":
        sizes = Counter(group_of(sequences[i]) for i in rows)
        if not 2 <= parts <= len(sizes):
            raise BadInput(
                f"--parts must be at least 2 and at most the number of groups, {len(sizes)}, not "
                f"{parts}; --by class divides without groups"
            )
        filled = [0] * parts
        place: dict[str, int] = {}
        for group, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
            place[group] = filled.index(min(filled))
            filled[place[group]] += size
        part = {i: place[group_of(sequences[i])] for i in rows}
    else:
        dealt: Counter[int | None] = Counter()
        for i in rows:
            part[i] = (dealt[sequences[i].label] + (sequences[i].label or 0)) % parts
            dealt[sequences[i].label] += 1
    return tuple(
        Fold(
            chr(ord("a") + k),
            tuple(i for i in rows if part[i] != k),
            tuple(i for i in rows if part[i] == k),
        )
        for k in range(parts)
    )


def group_of(sequence: Sequence) -> str:
    """Who was recorded; where nothing says so, the folder that the recording is in."""
    return sequence.group or sequence.name.partition("/")[0]


@cache
def dataset(data: str, outer: str, parts: int, by: str) -> Dataset:
    return inside(load(data), outer, parts, by)


def outcome(config: Config, outer: str, parts: int, by: str, runs: Path) -> Record:
    """One inner run, made or found."""
    return design(config, runs, dataset(config.data, outer, parts, by)).record


def parse(text: str) -> list[dict]:
    """`noise=0.03,0.1 levels=row+entry` -> every combination, as options with their types."""
    types = {f.name: type(f.default) for f in fields(Config)}
    axes = []
    for part in text.split():
        name, _, values = part.partition("=")
        name = name.replace("-", "_")
        made = (lambda text: tuple(text.split("+"))) if types[name] is tuple else types[name]
        axes.append([(name, made(value)) for value in values.split(",")])
    return [dict(combination) for combination in product(*axes)]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--outer", help="fold whose test part is hidden (the last one)")
    arguments.add_argument("--parts", type=int, default=3, help="where there is one fold alone")
    arguments.add_argument("--by", choices=("group", "class"), default="group")
    arguments.add_argument(
        "--vary", action="append", help="such as 'noise=0.03,0.1 steps=800,1600'; may be repeated"
    )
    arguments.add_argument("--method", default="pmp")
    arguments.add_argument("--rates", default="0.9,0.98", help="of the method; dense needs none")
    arguments.add_argument("--seeds", type=int, default=2)
    arguments.add_argument("--jobs", type=int, default=2)
    arguments.add_argument("--runs", type=Path, help="keep the runs here (a temporary folder)")
    given = arguments.parse_args()
    outer = given.outer or load(given.data).folds[-1].name
    how = (outer, given.parts, given.by)
    names = [f.name for f in dataset(given.data, *how).folds]
    rates = [float(rate) for rate in given.rates.split(",")]

    with ExitStack() as stack:
        runs = given.runs or Path(stack.enter_context(TemporaryDirectory()))
        pool = stack.enter_context(ProcessPoolExecutor(given.jobs))

        def measure(config: Config, words: str) -> None:
            configs = [replace(config, fold=n, seed=s) for n in names for s in range(given.seeds)]
            tasks = [pool.submit(outcome, c, *how, runs) for c in configs]
            found: dict[float, list[dict]] = {}
            for record in spread([task.result() for task in tasks], rates):
                found.setdefault(record.options.rate, []).append(record.result)
            for rate, results in found.items():
                said = words if config.method == "dense" else f"{words} {rate:g}"
                right = [r["accuracy"] for r in results]
                observed = [r["rate_observed"] for r in results if r["rate_observed"] is not None]
                before = f", {statistics.fmean(observed):.4f} before the cut" if observed else ""
                macs = statistics.fmean(r["macs"] for r in results)
                each = " ".join(f"{100 * a:.1f}" for a in right)
                print(
                    f"{said}: {100 * statistics.fmean(right):.2f} %{before}, {macs:.0f} MACs  ({each})",
                    flush=True,
                )

        for options in (o for text in given.vary or [""] for o in parse(text)):
            words = " ".join(f"{k}={v}" for k, v in options.items()) or "defaults"
            base = Config(data=given.data, validation=0.0, **{"method": given.method} | options)
            # the dense references first: two runs that share one would wait for each other
            measure(base.dense(), f"{words}  dense")
            if base.method != "dense":
                for rate in rates[:1] if base.many else rates:
                    measure(replace(base, rate=rate), f"{words}  {base.method}")


if __name__ == "__main__":
    main()
