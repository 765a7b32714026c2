"""Compare options without looking at a test fold.

The fold named by --outer is set aside, all of its sequences unseen. The other folds are rotated: each
is the test part once, the rest trains. So a figure printed here may be used to choose a default, and
the outer fold still measures it honestly.

    python benchmarks/choose.py --data sbu:DIR --outer 5 --vary noise=0.03,0.1 --vary view=camera --seeds 2

Prints a line for each value and rate: mean accuracy over inner folds and seeds, and each run's.
"""

from __future__ import annotations

import argparse
import statistics
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

from bandstop.data import Dataset, Fold, load
from bandstop.job import design
from bandstop.record import Config


def inner_folds(dataset: Dataset, outer: str) -> Dataset:
    """The data set with one fold's test sequences taken out, and the other folds among themselves."""
    hidden = set(dataset.fold(outer).test)
    shown = [i for i in range(len(dataset.sequences)) if i not in hidden]
    new = {old: position for position, old in enumerate(shown)}
    folds = tuple(
        Fold(
            f.name,
            tuple(new[i] for i in f.train if i not in hidden),
            tuple(new[i] for i in f.test),
        )
        for f in dataset.folds
        if f.name != outer
    )
    sequences = tuple(dataset.sequences[i] for i in shown)
    return replace(
        dataset, name=f"{dataset.name} without fold {outer}", sequences=sequences, folds=folds
    )


def accuracy(config: Config, outer: str, runs: Path) -> float:
    """One inner run, or the figure it left if it was made before."""
    dataset = inner_folds(load(config.data), outer)
    return design(config, runs, dataset).record.result["accuracy"]


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
    arguments.add_argument("--outer", default="5")
    arguments.add_argument(
        "--vary", action="append", help="such as 'noise=0.03,0.1 steps=800,1600'; may be repeated"
    )
    arguments.add_argument("--method", default="pmp")
    arguments.add_argument("--rates", default="0.9,0.98")
    arguments.add_argument("--seeds", type=int, default=2)
    arguments.add_argument("--jobs", type=int, default=2)
    given = arguments.parse_args()
    names = [f.name for f in load(given.data).folds if f.name != given.outer]

    with TemporaryDirectory() as folder, ProcessPoolExecutor(given.jobs) as pool:

        def measure(config: Config, words: str) -> None:
            runs = [replace(config, fold=n, seed=s) for n in names for s in range(given.seeds)]
            count = len(runs)
            right = list(pool.map(accuracy, runs, [given.outer] * count, [Path(folder)] * count))
            each = " ".join(f"{100 * a:.1f}" for a in right)
            print(f"{words}: {100 * statistics.fmean(right):.2f} %  ({each})", flush=True)

        for options in (o for text in given.vary or [""] for o in parse(text)):
            words = " ".join(f"{k}={v}" for k, v in options.items()) or "defaults"
            base = Config(data=given.data, method=given.method, validation=0.0, **options)
            # the dense references first: two runs that share one would wait for each other
            measure(base.dense(), f"{words}  dense")
            for rate in map(float, given.rates.split(",")):
                measure(replace(base, rate=rate), f"{words}  {given.method} {rate:g}")


if __name__ == "__main__":
    main()
