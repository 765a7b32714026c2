"""How much faster a pruned network is, compiled to C, than ONNX Runtime is with the dense one.

    python benchmarks/bench_compiled.py [--rates 0,0.5,0.9,0.95,0.98,0.99] [--json]

One thread, batch 1, from signal to logits, A B A B in one process: ratios only. The network: SBU's 30
nodes, 16 heads, 128 filters, 4 chunks, heads summed (69 696 weights). Its weights are random and pruned
by magnitude, with live paths kept (`choose_live`): speed depends on where weights are, not on what they
are worth. Our C is timed in a C loop over 32 signals; ONNX Runtime through its Python call, from which the
call of a model that only copies its input is subtracted. `python` is both through Python, nothing
subtracted. Every engine is first checked to compute the same.

`--model` prints what the cost model expects beside what each choice of order and storage takes.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from bandstop.budget import Budget
from bandstop.compile import Native, check_signals
from bandstop.compile.api import Options, compile_c
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.nn import AttentionGCN, CompactGCN, Shape
from bandstop.prune import choose_live, compact
from bandstop.skeleton import layouts

SHAPE = Shape(heads=16, nodes=30, features=12, filters=128, classes=8)
CLASSES = tuple(f"class {i}" for i in range(SHAPE.classes))
SIGNALS = 32


def network(rate: float, shape: Shape = SHAPE, seed: int = 0) -> CompactGCN:
    """Random weights, pruned by magnitude, every weight alive."""
    generator = torch.Generator().manual_seed(seed)
    net = AttentionGCN(shape, generator)
    with torch.no_grad():
        net.filter_bias.copy_(0.1 * torch.randn(shape.channels, generator=generator))
        net.class_bias.copy_(0.1 * torch.randn(shape.classes, generator=generator))
        if rate == 0:
            return CompactGCN.whole(net)
        scores = {n: (w / net.scales[n]).abs() for n, w in net.weights().items()}
        return compact(net, choose_live(scores, Budget(rate), shape)).requires_grad_(False)


def blocky(rate: float) -> CompactGCN:
    """The same number of weights, left in whole heads and filters: a structured mask."""
    keep, best = (1 - rate) * SHAPE.weights, None
    for heads in range(1, SHAPE.heads + 1):
        for filters in range(1, SHAPE.filters + 1):
            shape = Shape(heads, SHAPE.nodes, SHAPE.features, filters, SHAPE.classes)
            miss = abs(shape.weights - keep) + 10 * abs(
                heads / SHAPE.heads - filters / SHAPE.filters
            )
            if best is None or miss < best[0]:
                best = miss, shape
    assert best is not None
    return network(0, best[1])


def compiled(net: CompactGCN, options: Options | None = None) -> Native:
    description = Description(layouts.SBU, chunks=net.all_features // 3)
    plain = Normalisation(torch.zeros(description.size), torch.tensor([1.0]))
    return compile_c(net, description, plain, CLASSES, options=options)[1]


@dataclass(frozen=True)
class Runtime:
    """ONNX Runtime with the dense network, one thread, and with a model that only copies."""

    run: Callable[[], object]
    empty: Callable[[], object]
    name: str


def onnx_runtime(net: AttentionGCN, signal: np.ndarray) -> Runtime:
    """(A U) as one product with all heads, W as one product, D as one: eight nodes."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    shape = net.shape
    w = {n: t.detach().numpy() for n, t in net.weights().items()}
    heads, outputs, nodes = w["attention"].shape
    constants = {
        "a": w["attention"].reshape(heads * outputs, nodes),
        "w": w["filters"].reshape(heads * shape.features, shape.filters),
        "d": w["dense"].transpose(1, 0, 2).reshape(outputs * shape.filters, shape.classes),
        "b": net.filter_bias.detach().numpy(),
        "c": net.class_bias.detach().numpy(),
        "by_head": np.array([heads, outputs, shape.features]),
        "by_node": np.array([outputs, heads * shape.features]),
        "flat": np.array([1, outputs * shape.filters]),
    }
    made = [
        helper.make_node("MatMul", ["a", "x"], ["au"]),
        helper.make_node("Reshape", ["au", "by_head"], ["au3"]),
        helper.make_node("Transpose", ["au3"], ["aut"], perm=[1, 0, 2]),
        helper.make_node("Reshape", ["aut", "by_node"], ["aun"]),
        helper.make_node("Gemm", ["aun", "w", "b"], ["z"]),
        helper.make_node("Relu", ["z"], ["h"]),
        helper.make_node("Reshape", ["h", "flat"], ["hf"]),
        helper.make_node("Gemm", ["hf", "d", "c"], ["y"]),
    ]

    def session(nodes: list, constants: dict, out: list[int]) -> onnxruntime.InferenceSession:
        x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [shape.nodes, shape.features])
        y = helper.make_tensor_value_info("y", TensorProto.FLOAT, out)
        tensors = [
            numpy_helper.from_array(np.ascontiguousarray(v), k) for k, v in constants.items()
        ]
        model = helper.make_model(
            helper.make_graph(nodes, "g", [x], [y], tensors),
            opset_imports=[helper.make_opsetid("", 17)],
            ir_version=9,
        )
        onnx.checker.check_model(model)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    full = session(made, constants, [1, shape.classes])
    copies = session([helper.make_node("Identity", ["x"], ["y"])], {}, list(signal.shape))
    given = {"x": signal}
    expected = net(torch.from_numpy(signal)[None]).detach().numpy()
    error = np.abs(full.run(None, given)[0] - expected).max() / np.abs(expected).max()
    assert error < 1e-5, error
    return Runtime(
        lambda: full.run(None, given),
        lambda: copies.run(None, given),
        f"ONNX Runtime {onnxruntime.__version__}",
    )


def in_a_c_loop(native: Native, signals: np.ndarray) -> Callable[[], object]:
    out = np.zeros((len(signals), len(native.classes)), dtype=np.float32)
    arguments = signals.ctypes.data, len(signals), native._scratch.ctypes.data, out.ctypes.data

    def run(kept: tuple = (out, signals)) -> None:  # the arrays must outlive the pointers
        native._batch(*arguments)

    return run


def in_turn(runs: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Microseconds a call of each, one after the other, `rounds` times. A turn lasts about 0.3 ms, so
    that few of them are interrupted by what else the machine does."""
    turns = {}
    for name, run in runs.items():
        for _ in range(20):
            run()
        start = time.perf_counter()
        for _ in range(5):
            run()
        turns[name] = max(1, round(5 * 3e-4 / (time.perf_counter() - start)))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            count = turns[name]
            start = time.perf_counter()
            for _ in range(count):
                run()
            times[name].append(1e6 * (time.perf_counter() - start) / count)
    return times


def measure(rates: list[float], rounds: int) -> dict:
    dense = network(0)
    signals = np.ascontiguousarray(check_signals(SHAPE.nodes, SHAPE.features, SIGNALS))
    engine = onnx_runtime(dense.net, signals[2])
    rows = []
    for rate in rates:
        nets = {"unstructured": network(rate)}
        if rate:
            nets["structured"] = blocky(rate)
        for kind, net in nets.items():
            native = compiled(net)
            runs = {
                "onnx": engine.run,
                "c": in_a_c_loop(native, signals),
                "empty": engine.empty,
                "python": lambda native=native: native(signals[2]),
            }
            t = in_turn(runs, rounds)
            c = [each / SIGNALS for each in t["c"]]
            ratio = statistics.median(
                (o - e) / ours for o, e, ours in zip(t["onnx"], t["empty"], c, strict=True)
            )
            python = statistics.median(o / p for o, p in zip(t["onnx"], t["python"], strict=True))
            source = native.source
            rows.append(
                {
                    "rate": rate,
                    "mask": kind,
                    "order": source.layers[1].name,
                    "storage": [layer.storage for layer in source.layers[1:]],
                    "onnx_us": statistics.median(t["onnx"]) - statistics.median(t["empty"]),
                    "c_us": statistics.median(c),
                    "ratio": ratio,
                    "python_us": statistics.median(t["python"]),
                    "ratio_python": python,
                    "macs": source.macs,
                    "flash": source.flash,
                }
            )
    return {"engine": engine.name, "rows": rows}


def show(result: dict) -> None:
    print(f"against {result['engine']}, dense, the call of an empty model subtracted\n")
    print("| rate | mask | ours in C | ratio | through Python | ratio | MACs | bytes | storage |")
    print("|---|---|---|---|---|---|---|---|---|")
    for r in result["rows"]:
        storage = " · ".join(s.replace(" positions", "") for s in r["storage"] if s)
        print(
            f"| {r['rate']:g} | {r['mask']} | {r['c_us']:.2f} us | {r['ratio']:.1f} | "
            f"{r['python_us']:.2f} us | {r['ratio_python']:.1f} | {r['macs']} | {r['flash']} | {storage} |"
        )
    base = {r["rate"]: r for r in result["rows"] if r["mask"] == "unstructured"}
    if 0 in base and 0.9 in base:
        promised = base[0]["macs"] / base[0.9]["macs"]
        got = base[0]["c_us"] / base[0.9]["c_us"]
        print(f"\nat 0.90 against our own dense C: {got:.1f} of {promised:.1f} promised by MACs "
              f"({100 * got / promised:.0f} %)")  # fmt: skip


CHOICES = (
    Options("mix first", (("attention", "lanes"), ("filters", "rows"), ("dense", "rows"))),
    Options("mix first", (("attention", "dense"), ("filters", "rows"), ("dense", "rows"))),
    Options("mix first", (("attention", "lanes"), ("filters", "blocks"), ("dense", "rows"))),
    Options("mix first", (("attention", "dense"), ("filters", "dense"), ("dense", "dense"))),
    Options("mix first", (("attention", "lanes"), ("filters", "rows"), ("dense", "dense"))),
    Options("filter first", (("attention", "lanes"), ("filters", "rows"), ("dense", "rows"))),
    Options("multiplied out"),
)


def model(rates: list[float], rounds: int) -> None:
    """What each choice takes, beside the one that the cost model takes (median, and least: the cores of a
    shared machine are sometimes two halves of one)."""
    from bandstop.compile.passes.order import costs

    signals = np.ascontiguousarray(check_signals(SHAPE.nodes, SHAPE.features, SIGNALS))
    for rate in rates:
        net = network(rate)
        w = {n: t.detach().numpy() for n, t in net.net.weights().items()}
        expected = costs(w["attention"], w["filters"], w["dense"], "sum")
        print(f"rate {rate:g}: model", {k: round(v) for k, v in expected.items()})
        runs = {"chosen": in_a_c_loop(compiled(net), signals)}
        for option in CHOICES:
            if option.order == "multiplied out" and rate < 0.9:
                continue
            words = f"{option.order}: {', '.join(kind for _, kind in option.storage)}"
            runs[words] = in_a_c_loop(compiled(net, option), signals)
        for name, t in in_turn(runs, rounds).items():
            print(
                f"  {statistics.median(t) / SIGNALS:8.3f} us, least {min(t) / SIGNALS:8.3f}  {name}"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rates", default="0,0.5,0.9,0.95,0.98,0.99")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--model", action="store_true")
    given = parser.parse_args()
    rates = [float(r) for r in given.rates.split(",")]
    torch.set_num_threads(1)
    if given.model:
        model(rates, given.rounds)
        return
    result = measure(rates, given.rounds)
    print(json.dumps(result)) if given.json else show(result)


if __name__ == "__main__":
    main()
