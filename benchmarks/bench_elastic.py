"""How much slower the elastic kernel is than the fixed one of the same rate, and what a switch takes.

    python benchmarks/bench_elastic.py [--rates 0.5,0.9,0.95,0.98,0.99] [--rounds 200] [--json]
    python benchmarks/bench_elastic.py --network st-gcn++

One thread, batch 1, signal to logits, in a loop of C, A B A B in one process. The network is that of
bench_compiled.py (69 696 random weights), or another of the widths 24 and 48 on 16 frames of SBU's skeleton;
ranked by magnitude with live paths first, trained range 0.5 to 0.99. Both are first proven to compute what
PyTorch does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time

import numpy as np
import torch
from bench_compiled import CLASSES, SHAPE, SIGNALS, in_a_c_loop, in_turn

from bandstop.budget import Budget
from bandstop.bundle import Bundle, Order
from bandstop.bundle.export.elastic import compiled_elastic
from bandstop.compile import check_signals
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.gate import prunable
from bandstop.graph import GraphNet, trace
from bandstop.networks import NETWORKS, FromSignal
from bandstop.nn import AttentionGCN
from bandstop.prune import NEVER, GraphTopology, compact, compact_ranks, masked_graph, order_of
from bandstop.skeleton import layouts

LOWEST, HIGHEST = 0.5, 0.99
SWITCHES = 200


def many(seed: int = 0) -> Bundle:
    """Random weights in an order of rates."""
    generator = torch.Generator().manual_seed(seed)
    net = AttentionGCN(SHAPE, generator)
    with torch.no_grad():
        net.filter_bias.copy_(0.1 * torch.randn(SHAPE.channels, generator=generator))
        net.class_bias.copy_(0.1 * torch.randn(SHAPE.classes, generator=generator))
    scores = {n: getattr(net, n).detach().abs() for n in SHAPE.tensors}
    ranks = order_of(scores, Budget(LOWEST), Budget(HIGHEST), SHAPE)
    small = compact(net, {n: r < NEVER for n, r in ranks.items()}).requires_grad_(False)
    description = Description(layouts.SBU, chunks=small.all_features // 3)
    plain = Normalisation(torch.zeros(description.size), torch.tensor([1.0]))
    order = Order(compact_ranks(ranks, SHAPE), SHAPE.weights, LOWEST, HIGHEST)
    return Bundle(small, description, plain, CLASSES, {"method": "mrmp", "rate": LOWEST}, order)


def many_of_graph(kind: str, seed: int = 0) -> Bundle:
    """The same of a temporal network."""
    torch.manual_seed(seed)
    frames, skeleton = 16, layouts.SBU
    description = Description(skeleton, chunks=frames)
    net = FromSignal(
        NETWORKS[kind](skeleton.nodes, skeleton.node_bones, len(CLASSES), 3, 1, (24, 48)), 1, frames
    ).eval()
    graph = trace(net, torch.zeros(1, *description.size))
    scores = {n: t.detach().abs() for n, t in prunable(net).items()}
    topology = GraphTopology(graph, {n: tuple(s.shape) for n, s in scores.items()})
    ranks = topology.order(scores, Budget(LOWEST), Budget(HIGHEST))
    small = GraphNet(masked_graph(graph, {n: r < NEVER for n, r in ranks.items()})).eval()
    plain = Normalisation(torch.zeros(description.size), torch.tensor([1.0]))
    order = Order(ranks, sum(s.numel() for s in scores.values()), LOWEST, HIGHEST)
    small.requires_grad_(False)
    return Bundle(small, description, plain, CLASSES, {"method": "mrmp", "rate": LOWEST}, order)


def measure(network: str, rates: list[float], rounds: int) -> dict:
    bundle = many_of_graph(network) if network in NETWORKS else many()
    made, elastic = compiled_elastic(bundle, "net", "bench_elastic")
    signals = np.ascontiguousarray(check_signals(*bundle.network.signal, SIGNALS))
    rows = []
    for rate in rates:
        fixed = bundle.at(rate).compile()
        elastic.rate = rate
        t = in_turn(
            {
                "fixed": in_a_c_loop(fixed, signals),
                "elastic": in_a_c_loop(elastic.native, signals),
            },
            rounds,
        )
        switch = []
        for _ in range(SWITCHES):
            start = time.perf_counter()
            elastic.set_rate(rate)
            switch.append(1e6 * (time.perf_counter() - start))
        rows.append(
            {
                "rate": rate,
                "fixed_us": statistics.median(t["fixed"]) / SIGNALS,
                "elastic_us": statistics.median(t["elastic"]) / SIGNALS,
                "ratio": statistics.median(
                    e / f for e, f in zip(t["elastic"], t["fixed"], strict=True)
                ),
                "switch_us": statistics.median(switch),
            }
        )
    return {"flash": made.flash, "scratch": made.scratch, "rows": rows}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--network", default="attention-gcn", choices=("attention-gcn", *NETWORKS))
    parser.add_argument("--rates", default="0.5,0.7,0.9,0.95,0.96,0.97,0.98,0.99")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(given.network, [float(r) for r in given.rates.split(",")], given.rounds)
    if given.json:
        print(json.dumps(result))
        return
    print("| rate | fixed | elastic | ratio | a switch |\n|---|---|---|---|---|")
    for r in result["rows"]:
        print(
            f"| {r['rate']:g} | {r['fixed_us']:.2f} us | {r['elastic_us']:.2f} us | "
            f"{r['ratio']:.2f} | {r['switch_us']:.0f} us |"
        )
    print(f"\n{result['flash']} bytes of flash, {result['scratch']} of scratch memory")


if __name__ == "__main__":
    main()
