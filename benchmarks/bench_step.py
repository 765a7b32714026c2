"""What one training step costs, and what makes it cheap: A B A B in one process, as ratios.

    python benchmarks/bench_step.py

Compares the network's products as they are laid out here with the einsum of the formula; one torch
thread with two; denormal numbers flushed or not, on a soft mask that makes many of them.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch.nn import functional

from bandstop.gate.band_stop import gated
from bandstop.nn import AttentionGCN, Shape
from bandstop.nn.attention_gcn import logits

SHAPE = Shape(heads=8, nodes=30, features=24, filters=64, classes=8)
BATCH = 200


def by_einsum(signal, attention, filters, dense, filter_bias, class_bias, fusion):
    """The formula, term by term."""
    z = torch.einsum("kij,bjs,ksf->bif", attention, signal, filters) + filter_bias
    return torch.einsum("bif,fic->bc", torch.relu(z), dense) + class_bias


def a_step(forward: Callable, soft: bool = False) -> Callable[[], None]:
    """One forward, backward and optimiser step on random signals."""
    net = AttentionGCN(SHAPE, torch.Generator().manual_seed(0))
    optimiser = torch.optim.Adam(net.parameters(), lr=1e-3, fused=True)
    signal, labels = torch.randn(BATCH, 30, 24), torch.randint(0, 8, (BATCH,))

    def step() -> None:
        weights = net.weights()
        if soft:
            # exp(-100) is denormal in float32: what crisp gates give inside the stop band
            weights = {n: gated(w / net.scales[n], 1.645, 36.0) for n, w in weights.items()}
        out = forward(signal, **weights, filter_bias=net.filter_bias,
                      class_bias=net.class_bias, fusion="sum")  # fmt: skip
        optimiser.zero_grad()
        functional.cross_entropy(out, labels).backward()
        optimiser.step()

    return step


def compare(name: str, a: Callable[[], None], b: Callable[[], None], count: int = 15) -> None:
    """Median milliseconds of each, and the median of the pairwise ratios b / a."""
    for run in (a, b, a, b):
        run()
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(count):
        for run, into in zip((a, b), times, strict=True):
            start = time.perf_counter()
            run()
            into.append(1e3 * (time.perf_counter() - start))
    ratio = statistics.median(y / x for x, y in zip(*times, strict=True))
    first, second = map(statistics.median, times)
    print(f"| {name} | {first:.1f} ms | {second:.1f} ms | {ratio:.2f} |")


def with_threads(count: int, run: Callable[[], None]) -> Callable[[], None]:
    def step() -> None:
        torch.set_num_threads(count)
        run()
        torch.set_num_threads(1)

    return step


def with_flush(on: bool, run: Callable[[], None]) -> Callable[[], None]:
    def step() -> None:
        torch.set_flush_denormal(on)
        run()

    return step


def main() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    print("| A against B | A | B | B / A |\n|---|---|---|---|")
    compare("products as laid out here / einsum", a_step(logits), a_step(by_einsum))
    compare("one thread / two threads", a_step(logits), with_threads(2, a_step(logits)))
    soft = a_step(logits, soft=True), a_step(logits, soft=True)
    compare(
        "denormals flushed / kept, soft mask", with_flush(True, soft[0]), with_flush(False, soft[1])
    )


if __name__ == "__main__":
    main()
