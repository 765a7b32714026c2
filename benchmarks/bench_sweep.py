"""Is a table cheap and restartable? Speed against plain runs, overhead, memory, and kills.

    python benchmarks/bench_sweep.py speed --data sbu:DIR      40 runs on all cores, against plain ones
    python benchmarks/bench_sweep.py kills                     20 kills of the whole tree at random moments
    python benchmarks/bench_sweep.py stack --data sbu:DIR --device cuda    40 runs as one computation,
                                                               against one at a time

A plain run is what one would write first: the formula as einsum, torch's default threads, denormal
numbers kept, Adam unfused, torch's own sort and quantile. One plain run is made whole and counted 40
times; the 40 runs of the sweep are made whole.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from joblib import Parallel, delayed, parallel_config
from torch.nn import functional

from bandstop.data import load
from bandstop.gate.band_stop import gated
from bandstop.gate.prior import PRIORS
from bandstop.gate.spec import BandStop
from bandstop.job import design_together
from bandstop.job.batches import Batches
from bandstop.job.networks import new_network
from bandstop.job.task import Task
from bandstop.record import Config
from bandstop.sweep import Table, expand, sweep
from bandstop.sweep.stacks import stacks

BANDSTOP = [sys.executable, "-c", "from bandstop.cli.main import main; main()"]


def plain_run(config: Config, data: str, share: float) -> float:
    """Seconds of one plain run; `share` of its steps are made and the time scaled up."""
    task = Task.of(load(data), config, torch.device("cpu"))
    batches = Batches([task])
    net, spec = new_network(task, torch.device("cpu")), BandStop(config.rate)
    tensors = [net.attention, net.filters, net.dense]
    scales = list(net.scales.values())
    optimiser = torch.optim.Adam(net.parameters(), lr=config.learning_rate)
    count = sum(t.numel() for t in tensors)
    quantiles = PRIORS["gaussian"].quantile((torch.arange(count).double() + 0.5) / count).float()
    steps = round(share * config.steps)
    start = time.perf_counter()
    for step in range(steps):
        t = step / config.steps
        pooled = torch.cat([v.flatten() for v in tensors])
        removed = round(config.rate * count * spec.ramp(t))
        a = float(pooled.detach().abs().kthvalue(max(1, removed)).values)
        attention, filters, dense = (
            c * gated(v, a, spec.sharpness(t)) for c, v in zip(scales, tensors, strict=True)
        )
        signal, labels = (part[0] for part in batches(step))
        z = torch.einsum("kij,bjs,ksf->bif", attention, signal, filters) + net.filter_bias
        out = torch.einsum("bif,fic->bc", torch.relu(z), dense) + net.class_bias
        loss = functional.cross_entropy(out, labels)
        loss = loss + config.alignment_weight * (pooled.sort().values - quantiles).abs().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return (time.perf_counter() - start) / share


def own_peak() -> float:
    """The most memory this process has used, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def speed(data: str, share: float, precision: str) -> None:
    """The 40 runs of the question: 5 folds x 4 rates x 2 seeds, pmp, 800 steps."""
    dataset = load(data)
    base = Config(data=data, steps=800, precision=precision)
    plan = expand(base, Table(("pmp",), (0.5, 0.9, 0.95, 0.98), ("all",), (0, 1)), dataset)
    one = [
        plain_run(replace(base, fold=fold, rate=rate), data, share)
        for fold, rate in [("1", 0.9), ("5", 0.98)]
    ]
    with TemporaryDirectory() as folder:
        runs = Path(folder)
        sweep(replace(plan, rest=()), dataset, runs)  # the references, not counted on either side
        start = time.perf_counter()
        done = sweep(plan, dataset, runs)
        wall = time.perf_counter() - start
    jobs = os.cpu_count() or 1
    seconds = sum(r.result["seconds"] for r in done.records if r.result["method"] == "pmp")
    plain = 40 * sum(one) / len(one)
    with parallel_config(backend="loky", inner_max_num_threads=1):  # the same workers, still alive
        peak = max(Parallel(n_jobs=jobs)(delayed(own_peak)() for _ in range(4 * jobs)))
    print("| what | measured |\n|---|---|")
    print(f"| 40 runs, sweep on {jobs} cores | {wall:.0f} s |")
    print(
        f"| 40 plain runs one after another ({', '.join(f'{s:.0f}' for s in one)} s each) | {plain:.0f} s |"
    )
    print(f"| ratio | {plain / wall:.1f} |")
    print(f"| everything but runs, of the time | {100 * (1 - seconds / jobs / wall):.1f} % |")
    print(f"| memory of the largest worker | {peak:.0f} MiB |")


def stack(data: str, device: str, sizes: list[int], steps: int, precision: str) -> None:
    """The same 40 runs in one process: one at a time, and in stacks of each size, in turn."""
    dataset = load(data)
    base = Config(data=data, steps=steps, device=device, precision=precision)
    plan = expand(base, Table(("pmp",), (0.5, 0.9, 0.95, 0.98), ("all",), (0, 1)), dataset)
    print(
        f"{torch.cuda.get_device_name() if device == 'cuda' else 'CPU, one thread'}, {steps} steps"
    )
    print("| runs in a stack | seconds | one at a time / this |\n|---|---|---|", flush=True)
    alone = 0.0
    for size in [1, *sizes]:
        with TemporaryDirectory() as folder:
            runs = Path(folder)
            for group in stacks(plan.dense, dataset, max(sizes)):  # the references are not counted
                design_together(group, runs, dataset)
            start = time.perf_counter()
            for group in stacks(plan.rest, dataset, size):
                design_together(group, runs, dataset)
            seconds = time.perf_counter() - start
        alone = alone or seconds
        print(f"| {size} | {seconds:.1f} | {alone / seconds:.2f} |", flush=True)


def kills(count: int) -> None:
    """Kill the whole tree at random moments, start again each time, compare the tables."""
    options = [
        "table", "synthetic", "--steps", "1500", "--heads", "2", "--filters", "8", "--chunks", "4",
        "--methods", "dense,mp-finetune,pmp", "--rates", "80,90", "--folds", "1,2", "--seeds", "0",
    ]  # fmt: skip
    chance = random.Random(0)
    with TemporaryDirectory() as folder:
        a, b = Path(folder) / "undisturbed", Path(folder) / "killed"
        subprocess.run([*BANDSTOP, *options, "--runs", a], check=True, capture_output=True)
        landed = 0
        for _ in range(count):
            process = subprocess.Popen(
                [*BANDSTOP, *options, "--runs", b], start_new_session=True,
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
            time.sleep(chance.uniform(2, 7))
            if process.poll() is None:
                landed += 1
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        subprocess.run([*BANDSTOP, *options, "--runs", b], check=True, capture_output=True)

        def figures(runs: Path) -> list[str]:
            """The table without its last column but one, the seconds, which no two runs share."""
            header, *rows = (runs / "table-synthetic.csv").read_text().splitlines()
            timed = {i for i, name in enumerate(header.split(",")) if name.startswith("seconds")}
            return [",".join(v for i, v in enumerate(r.split(",")) if i not in timed) for r in rows]

        same = figures(a) == figures(b)
    print(f"{landed} of {count} kills found the sweep at work; tables identical: {same}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("question", choices=("speed", "kills", "stack"))
    arguments.add_argument("--data", default="synthetic")
    arguments.add_argument("--count", type=int, default=20)
    arguments.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="of a plain run to make; denormals come late, so less flatters it",
    )
    arguments.add_argument("--device", default="cpu", help="stack: cpu or cuda")
    arguments.add_argument("--sizes", default="40", help="stack: such as 2,5,40")
    arguments.add_argument("--steps", type=int, default=800, help="stack: of each run")
    arguments.add_argument("--precision", default="full", help="speed and stack: full or medium")
    given = arguments.parse_args()
    if given.question == "speed":
        speed(given.data, given.share, given.precision)
    elif given.question == "stack":
        sizes = [int(size) for size in given.sizes.split(",")]
        stack(given.data, given.device, sizes, given.steps, given.precision)
    else:
        kills(given.count)


if __name__ == "__main__":
    main()
