"""What weights of 8 bits cost in accuracy, beside pruning: every delivered network of a folder of runs.

    bandstop table methods --data sbu:DIR --runs runs
    python benchmarks/bench_int8.py runs --data sbu:DIR

Each network is compiled with weights of 8 bits (per column, the scales fitted to recordings of the
training part), and both networks name the test part's recordings. Prints a line for each method and
rate: accuracy with 32 and with 8 bits, their difference, how often both name the same class, bytes of
flash of both.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from pathlib import Path

from bandstop.bundle import load_bundle
from bandstop.bundle.export.loss import held_out, loss_of_int8
from bandstop.compile import Options
from bandstop.data import load
from bandstop.errors import BadInput
from bandstop.fit.limit import flash
from bandstop.record import RunFolder, read_record


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("runs", type=Path)
    arguments.add_argument("--data", required=True)
    arguments.add_argument("--methods", default="pmp", help="such as pmp,ctf (pmp)")
    arguments.add_argument("--seeds", default="0", help="such as 0,1,2 (0)")
    given = arguments.parse_args()
    dataset = load(given.data)
    methods, seeds = given.methods.split(","), {int(s) for s in given.seeds.split(",")}
    found = defaultdict(list)
    for path in sorted(given.runs.glob("*/net.bandstop")):
        options = read_record(RunFolder(path.parent).record).options
        if options.method not in methods or options.seed not in seeds or options.many:
            continue
        bundle = load_bundle(path)
        held = held_out(dataset, bundle)
        eight = Options(int8=True, signals=bundle.signal(list(held.fitted)).numpy())
        loss = loss_of_int8(bundle, eight, held)
        found[options.method, options.rate].append((loss, flash(bundle), flash(bundle, int8=True)))
    if not found:
        raise BadInput(f"{given.runs} holds no finished run of {given.methods} with its network")
    print("method           rate   runs  32 bits  8 bits  difference  same class  bytes, 32 and 8")
    for (method, rate), each in sorted(found.items()):
        losses = [loss for loss, _, _ in each]
        whole = 100 * statistics.fmean(loss.accuracy for loss in losses)
        small = 100 * statistics.fmean(loss.accuracy_int8 for loss in losses)
        same = 100 * statistics.fmean(loss.same_class for loss in losses)
        sizes = [round(statistics.fmean(s)) for s in ([e[1] for e in each], [e[2] for e in each])]
        print(
            f"{method:15} {rate:6g}  {len(each):5}  {whole:7.2f}  {small:6.2f}  {small - whole:+10.2f}  "
            f"{same:10.2f}  {sizes[0]} {sizes[1]}",
            flush=True,
        )


if __name__ == "__main__":
    main()
