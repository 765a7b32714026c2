"""Does the main job reach its figures? Accuracy, exact rates, time, memory, help.

    python benchmarks/bench_main_job.py --data sbu:DIR [--fold 5] [--seeds 3]

Every run is a process of its own, one at a time. Prints a table: bar, measured.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

BANDSTOP = [sys.executable, "-c", "from bandstop.cli.main import main; main()"]


def design(data: str, fold: str, runs: Path, *options: str) -> dict:
    """One `bandstop design --json`; its figures and how long the process took."""
    command = [
        *BANDSTOP, "design", "--data", data, "--fold", fold, "--runs", str(runs), "--quiet", "--json",
        "--no-figures", *options,
    ]  # fmt: skip
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1]) | {"wall": time.perf_counter() - start}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--fold", default="5")
    arguments.add_argument("--seeds", type=int, default=3)
    given = arguments.parse_args()
    rows: list[tuple[str, str, str]] = []
    with TemporaryDirectory() as folder:
        runs = Path(folder)
        seeds = [str(s) for s in range(given.seeds)]
        dense = [
            design(given.data, given.fold, runs, "--method", "dense", "--seed", s) for s in seeds
        ]
        rows.append(
            ("dense, median", "-", f"{100 * statistics.median(r['accuracy'] for r in dense):.1f} %")
        )
        pruned = []
        for rate, bar in [("0.90", 94), ("0.98", 90)]:
            each = [
                design(given.data, given.fold, runs, "--rate", rate, "--seed", s) for s in seeds
            ]
            pruned += each
            values = [100 * r["accuracy"] for r in each]
            shown = " ".join(f"{v:.1f}" for v in values)
            rows.append(
                (f"pmp at {rate}, median of seeds", f">= {bar} %",
                 f"{statistics.median(values):.1f} % ({shown})")
            )  # fmt: skip
        seconds = [r["wall"] for r in pruned]
        rows.append(
            ("one run, whole process, one thread", "<= 60 s", f"{max(seconds):.1f} s at most")
        )
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        rows.append(("memory of a run", "<= 1024 MiB", f"{peak:.0f} MiB at most"))
        exact = []
        for rate in ("0.5", "0.75", "0.9", "0.95", "0.97", "0.98", "0.99"):
            r = design(given.data, given.fold, runs, "--rate", rate, "--steps", "50")
            exact.append((rate, r["weights_kept"], round((1 - float(rate)) * r["weights"])))
        over = [row for row in exact if row[1] > row[2]]
        kept = ", ".join(f"{rate}: {k}/{may}" for rate, k, may in exact)
        rows.append(("weights kept / allowed", "never more", ("NO: " if over else "") + kept))
    times = []
    for _ in range(7):
        start = time.perf_counter()
        subprocess.run([*BANDSTOP, "--help"], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    rows.append(("bandstop --help", "<= 0.5 s", f"{statistics.median(times):.2f} s (median of 7)"))
    print(
        "| what | bar | measured |\n|---|---|---|\n"
        + "\n".join(f"| {a} | {b} | {c} |" for a, b, c in rows)
    )


if __name__ == "__main__":
    main()
