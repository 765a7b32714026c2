"""What describing recordings takes: memory above the process, and seconds on one core.

    python benchmarks/bench_describe.py                    # 1,000 recordings of NTU's size
    python benchmarks/bench_describe.py --long 40000       # 300, of which one has that many frames
    python benchmarks/bench_describe.py --step             # a step's batch, packed against padded, A B A B

Memory is the process's largest resident set while it describes and packs, less what it had before the
recordings were made; the recordings themselves are counted too.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import threading
import time
from pathlib import Path

import numpy as np
import torch

from bandstop.data import Sequence
from bandstop.data.describe import Description, Recordings, chunk_means, describe
from bandstop.data.normalise import Normalisation
from bandstop.skeleton import Skeleton

NTU = Skeleton(
    "ntu", tuple(f"joint {j}" for j in range(25)), tuple((j - 1, j) for j in range(1, 25)),
    tuple(range(25)), bodies=2,
)  # fmt: skip


def resident() -> float:
    """MiB now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


class Peak:
    """The largest resident set while it is entered, looked at every millisecond."""

    def __enter__(self) -> Peak:
        self.most, self.over = resident(), threading.Event()
        self.watch = threading.Thread(target=self._look)
        self.watch.start()
        return self

    def _look(self) -> None:
        while not self.over.wait(0.001):
            self.most = max(self.most, resident())

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.watch.join()


def recordings(frames: list[int]) -> list[Sequence]:
    random = np.random.default_rng(0)
    return [
        Sequence(str(i), random.normal(size=(n, NTU.nodes, 3), scale=300).astype(np.float32))
        for i, n in enumerate(frames)
    ]


def measure(frames: list[int]) -> None:
    description = Description(NTU)
    before = resident()
    with Peak() as peak:
        takes = recordings(frames)
        held = resident()
        start = time.process_time()
        signals = describe(takes, description)
        described = time.process_time() - start
        packed = Recordings.of(takes, NTU.bodies)
        Normalisation.of(signals)
    table = packed.integral.numel() * packed.integral.element_size() / 2**20
    print(f"recordings  {len(frames)}, of {min(frames)} to {max(frames)} frames")
    print(f"held        {held - before:.0f} MiB of recordings, {table:.0f} MiB packed for training")
    print(f"most        {peak.most - before:.0f} MiB above the process")
    print(f"describing  {described:.2f} s on one core")


def padded(takes: list[Sequence]) -> tuple[torch.Tensor, torch.Tensor]:
    """As recordings were kept before: every one as long as the longest."""
    longest = max(s.frames for s in takes)
    table = torch.zeros(len(takes), longest + 1, NTU.nodes * 3)
    for i, s in enumerate(takes):
        x = torch.from_numpy(s.positions.copy()).double()
        table[i, 1 : s.frames + 1] = (x - x.mean(dim=(0, 1))).flatten(1).cumsum(dim=0)
    return table, torch.tensor([s.frames for s in takes])


def padded_means(
    table: torch.Tensor, frames: torch.Tensor, rows: torch.Tensor, chunks: int
) -> torch.Tensor:
    count = frames[rows]
    time_ = torch.linspace(0, 1, chunks + 1) * count[:, None]
    floor = torch.minimum(time_.floor().long(), count[:, None] - 1)
    index = (rows[:, None] * table.shape[1] + floor).flatten()
    flat = table.view(-1, table.shape[2])
    before, after = flat.index_select(0, index), flat.index_select(0, index + 1)
    integral = torch.lerp(before, after, (time_ - floor).view(-1, 1)).view(
        len(rows), chunks + 1, -1
    )
    means = (integral[:, 1:] - integral[:, :-1]) / (count / chunks)[:, None, None]
    return means.view(len(rows), chunks, -1, 3)


def step() -> None:
    """The chunk averages of a batch of 200, packed and padded in turn."""
    takes = recordings(np.random.default_rng(1).integers(60, 140, 500).tolist())
    packed, (table, frames) = Recordings.of(takes, NTU.bodies), padded(takes)
    rows = torch.randint(len(takes), (200,), generator=torch.Generator().manual_seed(0))
    assert torch.equal(chunk_means(packed, rows, 8), padded_means(table, frames, rows, 8))
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(300):
        for into, run in zip(
            times,
            (lambda: padded_means(table, frames, rows, 8), lambda: chunk_means(packed, rows, 8)),
            strict=True,
        ):
            start = time.perf_counter()
            run()
            into.append(1e3 * (time.perf_counter() - start))
    before, now = map(statistics.median, times)
    ratio = statistics.median(b / a for a, b in zip(*times, strict=True))
    print(
        f"chunk averages of a batch of 200: padded {before:.2f} ms, packed {now:.2f} ms ({ratio:.2f})"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--long", type=int, help="frames of one recording among 300")
    options.add_argument("--step", action="store_true")
    asked = options.parse_args()
    torch.set_num_threads(1)
    describe(recordings([5, 9]), Description(NTU))  # what is loaded on the first call
    if asked.step:
        step()
    elif asked.long:
        measure([*np.random.default_rng(1).integers(60, 140, 299).tolist(), asked.long])
    else:
        measure(np.random.default_rng(1).integers(60, 140, asked.count).tolist())


if __name__ == "__main__":
    main()
