"""How long is a rate taken out of a training of many, and is its budget met to the weight?

    python benchmarks/bench_rates.py RUN       a run directory of method mrmp, or its net.bandstop

Every rate from the lowest to the highest in steps of 0.1 percent, in turn.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

import torch

from bandstop.bundle import load_bundle
from bandstop.record import RunFolder


def main() -> None:
    path = Path(sys.argv[1])
    torch.set_num_threads(1)
    net = load_bundle(RunFolder(path).bundle if path.is_dir() else path)
    order = net.order
    if order is None:
        sys.exit(f"{path} is a network of one rate; design one with --method mrmp")
    first, last = round(1000 * order.lowest), round(1000 * order.highest)
    times, over, short = [], 0, 0
    for permille in range(first, last + 1):
        start = time.perf_counter()
        part = net.at(permille / 1000)
        times.append(1e3 * (time.perf_counter() - start))
        kept = sum(int((w != 0).sum()) for w in part.net.net.weights().values())
        budget = round((1 - permille / 1000) * order.weights)
        over += kept > budget
        short = max(short, budget - kept)
    print("| what | measured |\n|---|---|")
    print(f"| rates taken out | {len(times)}, from {order.lowest:g} to {order.highest:g} |")
    print(
        f"| one of them, median and slowest | {statistics.median(times):.1f} ms, {max(times):.1f} ms |"
    )
    print(f"| above the budget | {over} |")
    print(f"| below it at most, being dead | {short} of {order.weights} weights |")


if __name__ == "__main__":
    main()
