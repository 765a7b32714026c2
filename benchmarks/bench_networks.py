"""Temporal graph networks as C beside ONNX Runtime, one thread, one sample, in turns A B A B.

    python benchmarks/bench_networks.py --network st-gcn --rates 0,0.9,0.95,0.98
    python benchmarks/bench_networks.py --reference ../shared/data/networks

Weights are drawn at random, or the reference's own; each tensor keeps its largest. ONNX Runtime runs the
dense network. Every row is measured only after C and torch gave the same (compile.network.write_c).
"""

from __future__ import annotations

import argparse
import copy
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bandstop.compile.network import compile_network
from bandstop.errors import Missing
from bandstop.graph import GraphNet, shrink, trace
from bandstop.networks import NETWORKS
from bandstop.networks.blocks import unscaled

BODY = [(20, 1), (1, 0), (20, 2), (2, 3), (20, 4), (4, 5), (5, 6), (6, 7), (7, 21), (7, 22), (20, 8),
        (8, 9), (9, 10), (10, 11), (11, 23), (11, 24), (0, 12), (12, 13), (13, 14), (14, 15), (0, 16),
        (16, 17), (17, 18), (18, 19)]  # fmt: skip
"""25 joints from the spine's."""


def reference(folder: Path) -> tuple[nn.Module, torch.Tensor, Path]:
    """The reference ST-GCN++ with its own weights, clips, and its ONNX file."""
    from safetensors.torch import load_file

    net = unscaled(NETWORKS["st-gcn++"](21, [(0, 1)], 40, channels=2))
    theirs = load_file(folder / "hagrid-stgcnpp.safetensors")
    net.load_state_dict({named(name): tensor for name, tensor in theirs.items()})
    expected = np.load(folder / "hagrid-stgcnpp-expected.npz")
    clips = torch.from_numpy(expected["clips"])
    with torch.no_grad():
        found = net.eval()(clips).numpy()
    off = np.abs(found - expected["logits"]).max() / np.abs(expected["logits"]).max()
    same = int((found.argmax(1) == expected["logits"].argmax(1)).sum())
    print(
        f"logits of {len(clips)} clips: relative error {off:.1e}, {same} of {len(clips)} the same class"
    )
    return net, clips[:1], folder / "hagrid-stgcnpp.onnx"


PARTS = (
    ("backbone.", ""), ("data_bn", "frames.norm"), ("cls_head.fc_cls", "head.dense"),
    (".gcn.A", ".inner.0.inner.adjacency.weight"), (".gcn.conv", ".inner.0.inner.mix"),
    (".gcn.bn", ".inner.0.inner.norm"), (".gcn.down", ".inner.0.around"), (".residual.conv", ".around.0"),
    (".residual.bn", ".around.1"), (".tcn.bn", ".inner.1.end.1"), (".tcn.transform", ".inner.1.end.0"),
    (".tcn.branches", ".inner.1.parts"), (".3.conv.", ".2."),
)  # fmt: skip
"""Names there -> names here."""


def named(name: str) -> str:
    """Our name of one of the reference's tensors."""
    for theirs, ours in PARTS:
        name = name.replace(theirs, ours)
    if name.startswith("gcn."):
        name = "blocks." + name.removeprefix("gcn.")
    words = name.split(".")
    if "parts" in words and len(words) == words.index("parts") + 4 and words[-2] in "01":
        words.insert(words.index("parts") + 2, "0")  # a branch begins with a normalised convolution
    return ".".join(words)


def pruned(net: nn.Module, rate: float) -> nn.Module:
    """The same with the smallest weights of each tensor gone."""
    small = copy.deepcopy(net)
    with torch.no_grad():
        for p in small.parameters():
            if p.ndim > 1 and rate and p.std() > 0:  # edges that all weigh 1 say nothing
                gone = p.abs().flatten().argsort(stable=True)[: int(rate * p.numel())]
                p.view(-1)[gone] = 0.0
    return small


def moved(net: nn.Module) -> None:
    """Biases, norms and factors as after training: none is where it starts, at 0 or 1."""
    with torch.no_grad():
        for p in net.parameters():
            if p.ndim == 1:
                p.add_(0.1 * torch.randn_like(p))


def seconds(run: Callable[[], object], least: float = 0.2) -> float:
    """The mean of as many calls as take `least` seconds."""
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < least:
        run()
        calls += 1
    return (time.perf_counter() - start) / calls


def session(path: Path) -> Callable[[np.ndarray], object]:
    try:
        import onnxruntime
    except ImportError as error:
        raise Missing("onnxruntime is not installed: pip install 'bandstop[onnx]'") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    made = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = made.get_inputs()[0].name
    return lambda x: made.run(None, {name: x})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--network", choices=list(NETWORKS), default="st-gcn")
    parser.add_argument("--frames", type=int, default=64)
    parser.add_argument("--persons", type=int, default=1)
    parser.add_argument("--rates", default="0,0.9,0.95,0.98")
    parser.add_argument("--reference", type=Path, help="folder with the reference ST-GCN++")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        if given.reference:
            net, x, onnx = reference(given.reference)
        else:
            net = NETWORKS[given.network](25, BODY, 60, persons=given.persons).eval()
            moved(net)
            x, onnx = torch.randn(1, given.persons, given.frames, 25, 3), Path(folder) / "net.onnx"
            torch.onnx.export(net, (x,), onnx, dynamo=False)
        dense = session(onnx)
        weights = sum(p.numel() for p in net.parameters())
        print(f"{weights} weights; one thread, one sample; ONNX Runtime runs the dense network")
        print("| rate | MACs left, M | C, ms | ONNX Runtime, ms | times as fast | build, s |")
        print("|---:|---:|---:|---:|---:|---:|")
        for rate in map(float, given.rates.split(",")):
            small = GraphNet(shrink(trace(pruned(net, rate), x)))
            start = time.perf_counter()
            native = compile_network(small)
            built = time.perf_counter() - start
            ours, theirs = [], []
            for _ in range(given.rounds):
                ours.append(seconds(lambda: native(x[0].numpy())))  # noqa: B023
                theirs.append(seconds(lambda: dense(x.numpy())))
            a, b = np.median(ours), np.median(theirs)
            row = (
                f"{rate:g}", f"{native.made.macs / 1e6:.2f}", f"{1e3 * a:.3f}", f"{1e3 * b:.2f}",
                f"{b / a:.1f}", f"{built:.0f}",
            )  # fmt: skip
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
