"""Networks of other people under our gates: what is left of their accuracy, and of each tensor.

    python benchmarks/bench_foreign.py -o docs/results/foreign-networks.md
    python benchmarks/bench_foreign.py --networks stgcn,tcn --rates 0.9 --seeds 0 --steps 300
    python benchmarks/bench_foreign.py --networks my_module:make --rates 0.98 --steps 5

The six of `foreign_networks.py`, or any that can be imported: `module:function`, a function of (nodes,
bones, classes) that gives a module from (batch, 3, frame, node) to logits. They are trained on synthetic
gestures of one hand (900 recordings of 60 people) and tested on 600 of 40 others, pruned as
docs/how-to/your-own-network.md has it; the dense network gets the same steps. Accuracy is in eval mode,
BatchNorm estimated again. One thread. With `--runs FILE` what ends is added to that file, and what is
there already is not made again, so that several can work side by side on networks of their own.
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import math
import shlex
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
from foreign_networks import NETWORKS
from torch import Tensor, nn

import bandstop as bs
from bandstop.data import Sequence
from bandstop.data.synthetic.variants import gestures
from bandstop.job.machine import calm_torch, environment

FRAMES, BATCH, RATE = 16, 16, 0.005
DENSE, NEWLINE = "dense", "\n"
TRAIN, TEST = (1, 2, 3), (11, 12)
"""Seeds of the recordings: other people in each."""


@dataclass(frozen=True)
class Made:
    """One training: a rate of 0 is the dense network."""

    network: str
    scope: str
    rate: float
    seed: int
    accuracy: float
    weights: int
    kept: dict[str, int]
    sizes: dict[str, int]

    @property
    def least(self) -> float:
        """The smallest part of a tensor that is left."""
        return min(self.kept[name] / size for name, size in self.sizes.items())


def resampled(sequence: Sequence) -> np.ndarray:
    """(3, frame, node): FRAMES moments of the recording, from where node 0 began, about in decimetres."""
    positions = sequence.positions - sequence.positions[:1, :1]
    at = np.linspace(0, len(positions) - 1, FRAMES)
    low = np.floor(at).astype(int)
    high, part = np.minimum(low + 1, len(positions) - 1), (at - low)[:, None, None]
    between = positions[low] * (1 - part) + positions[high] * part
    return (between / 100).transpose(2, 0, 1).astype(np.float32)


def recordings(seeds: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    sequences = [s for seed in seeds for s in gestures(seed).sequences]
    labels = [s.label for s in sequences]
    return torch.from_numpy(np.stack([resampled(s) for s in sequences])), torch.tensor(labels)


def maker(name: str) -> Callable[..., nn.Module]:
    if name in NETWORKS:
        return NETWORKS[name]
    module, _, function = name.partition(":")
    if not function:
        sys.exit(f"no network is named {name!r}: {', '.join(NETWORKS)}, or module:function")
    return getattr(importlib.import_module(module), function)


def train(
    model: nn.Module, x: Tensor, y: Tensor, steps: int, seed: int, before: Callable[[int], object]
) -> None:
    """Adam along half a cosine."""
    random = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=RATE)
    for step in range(steps):
        before(step)
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / steps))
        batch = torch.randint(len(x), (BATCH,), generator=random)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()


def made(name: str, scope: str, rate: float, seed: int, steps: int, data: list[Tensor]) -> Made:
    """Train, prune, estimate BatchNorm again, test."""
    x, y, x_test, y_test = data
    skeleton = gestures(1).skeleton
    torch.manual_seed(seed)
    model = maker(name)(len(skeleton.joints), skeleton.bones, int(y.max()) + 1)
    sizes = {n: t.numel() for n, t in bs.gate.prunable(model).items()}
    if rate:
        gates = bs.gate.attach(model, bs.BandStop(rate=rate, scope=scope))

        def before(step: int) -> None:
            if step == 3 * steps // 4:
                bs.prune.settle(model, gates)
            gates.update(step / steps)

        train(model, x, y, steps, seed, before)
        bs.prune.finish(model, gates)
    else:
        train(model, x, y, steps, seed, lambda step: None)
    torch.optim.swa_utils.update_bn(x.split(64), model)
    kept = {n: int(t.count_nonzero()) for n, t in bs.gate.prunable(model).items()}
    with torch.no_grad():
        logits = torch.cat([model.eval()(part) for part in x_test.split(100)])
    right = float((logits.argmax(1) == y_test).float().mean())
    return Made(name, scope, rate, seed, 100 * right, sum(sizes.values()), kept, sizes)


def remembered(path: Path | None) -> list[tuple[list[object], Made]]:
    """What a file of runs holds: what was asked for, and what came of it."""
    if path is None or not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [(line["asked"], Made(**line["made"])) for line in lines]


def spread(values: list[float]) -> str:
    return f"{statistics.fmean(values):.1f} ({', '.join(f'{v:.1f}' for v in values)})"


def table(runs: list[Made], columns: list[tuple[str, float]]) -> Iterator[str]:
    """Accuracies: a row a network, a column a scope and rate."""
    titles = [f"{rate:g}" if scope == "global" else f"{rate:g}, {scope}" for scope, rate in columns]
    yield "| network | weights | tensors | dense | " + " | ".join(titles) + " |"
    yield "|---|---:|---:|" + "---|" * (len(columns) + 1)
    for name in dict.fromkeys(run.network for run in runs):
        mine = [run for run in runs if run.network == name]
        cells = [
            spread([run.accuracy for run in mine if (run.scope, run.rate) == column])
            for column in [(DENSE, 0.0), *columns]
        ]
        yield f"| `{name}` | {mine[0].weights} | {len(mine[0].sizes)} | " + " | ".join(cells) + " |"


def balance(runs: list[Made], columns: list[tuple[str, float]]) -> Iterator[str]:
    """What is left: the budget, emptied tensors, and the thinnest tensor, over all seeds."""
    yield "| network | rate | kept (asked for) | tensors emptied | least that is left of a tensor |"
    yield "|---|---:|---:|---:|---:|"
    for name in dict.fromkeys(run.network for run in runs):
        for column in (column for column in columns if column[0] == "global"):
            mine = [r for r in runs if r.network == name and (r.scope, r.rate) == column]
            kept = ", ".join(map(str, sorted({sum(run.kept.values()) for run in mine})))
            asked = round((1 - column[1]) * mine[0].weights)
            emptied = sum(count == 0 for run in mine for count in run.kept.values())
            least = 100 * min(run.least for run in mine)
            yield f"| `{name}` | {column[1]:g} | {kept} ({asked}) | {emptied} | {least:.2g} % |"


def page(runs: list[Made], columns: list[tuple[str, float]], steps: int) -> str:
    machine = environment(torch.device("cpu"))
    command = shlex.join(["python", "benchmarks/bench_foreign.py", *sys.argv[1:]])
    seeds = sorted({run.seed for run in runs})
    return f"""# Networks of other people

Small networks written after published ones (`benchmarks/foreign_networks.py`), dense and pruned as
[how-to/your-own-network.md](../how-to/your-own-network.md) has it: {steps} steps each, synthetic gestures,
tested on 600 recordings of people not trained on. Accuracy in eval mode, %: the mean, and each seed
({", ".join(map(str, seeds))}). Beside it `scope="layer"`: every tensor at the same rate, by the same recipe.

{NEWLINE.join(table(runs, columns))}

What is left of the tensors:

{NEWLINE.join(balance(runs, columns))}

`{command}`, {datetime.date.today():%-d %B %Y}, {machine["processor"]}, torch {machine["torch"]}, one thread.
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--networks", default=",".join(NETWORKS))
    arguments.add_argument("--rates", default="0.9,0.98")
    arguments.add_argument("--seeds", default="0,1,2")
    arguments.add_argument("--steps", type=int, default=1200)
    arguments.add_argument("--scopes", default="global,layer")
    arguments.add_argument("--runs", type=Path, help="a file to remember runs in")
    arguments.add_argument("-o", "--output", type=Path, help="a page of the tables")
    given = arguments.parse_args()
    scopes, rates = given.scopes.split(","), [float(rate) for rate in given.rates.split(",")]
    columns = list(product(scopes, rates))
    runs: list[Made] = []
    with calm_torch(), warnings.catch_warnings():
        warnings.simplefilter("ignore", bs.gate.GateWarning)
        data = [*recordings(TRAIN), *recordings(TEST)]
        for seed, name, (scope, rate) in product(
            map(int, given.seeds.split(",")), given.networks.split(","), [(DENSE, 0.0), *columns]
        ):
            asked = [name, scope, rate, seed, given.steps]
            there = [run for known, run in remembered(given.runs) if known == asked]
            if there:
                runs.append(there[0])
                continue
            start = time.perf_counter()
            runs.append(run := made(name, scope, rate, seed, given.steps, data))
            print(
                f"{name} seed {seed} {scope} {rate:g}: {run.accuracy:.1f} %, {sum(run.kept.values())} of "
                f"{run.weights} weights, {time.perf_counter() - start:.0f} s",
                flush=True,
            )
            if given.runs:
                with given.runs.open("a") as file:
                    file.write(json.dumps({"asked": asked, "made": asdict(run)}) + "\n")
    text = page(runs, columns, given.steps)
    print(text)
    if given.output:
        given.output.write_text(text)


if __name__ == "__main__":
    main()
