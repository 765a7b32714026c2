"""The ONNX compiler as one function: a model that was proven, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from bandstop.compile.c import Layer
from bandstop.compile.lower import Net, lower, signal_shape
from bandstop.compile.onnx.exported import exported
from bandstop.compile.onnx.model import model, stored_bytes, tensors
from bandstop.compile.onnx.runtime import Runtime
from bandstop.compile.passes import EXACT, run_passes
from bandstop.compile.proof import TOLERANCE, Engine, Proof, by_torch, check_signals, prove
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.errors import Failure
from bandstop.graph import GraphNet
from bandstop.graph.cost import macs as macs_of
from bandstop.text import in_json


@dataclass(frozen=True)
class OnnxFile:
    """The ONNX target's result. layers: bytes in the file, and the MACs that a dense runtime computes."""

    content: bytes
    layers: tuple[Layer, ...]
    proof: Proof


def compile_onnx(
    net: Net,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    name: str = "net",
    facts: Mapping[str, str] | None = None,
    sparse: bool = True,
    guarded: bool = True,
) -> OnnxFile:
    """Lower, fold, drop dead groups, write the model, and prove it with ONNX Runtime.

    sparse, guarded  see model.py
    Errors: Failure where a package is missing, or where the model and the network disagree.
    """
    own = {"bandstop": version("bandstop"), "classes": in_json(classes), **(facts or {})}
    if isinstance(net, GraphNet):
        content = exported(net, name, own, guarded)
    else:
        graph = run_passes(lower(net, description, normalisation, classes), EXACT)
        content = model(graph, name, own, sparse, guarded)
    runtime = Runtime(content)
    signals = check_signals(*signal_shape(net))
    proof = prove(by_torch(net), at_once(runtime), signals, "PyTorch and ONNX Runtime")
    prove(by_torch(net), one_by_one(runtime), signals, "PyTorch and ONNX Runtime one by one")
    _prove_probabilities(runtime, signals)
    if isinstance(net, GraphNet):
        stored = sum(4 * t.numel() for t in net.tensors.values())
        layer = Layer("network", "dense", stored, 0, macs_of(net.graph_now))
        return OnnxFile(content, (layer,), proof)
    weights = tensors(graph)
    heads, outputs, nodes = graph.data("mix", "attention").shape
    features = graph.data("filter", "filters").shape[1]
    macs = {
        "attention": heads * outputs * nodes * features,
        "filters": graph.data("filter", "filters").size * outputs,
        "dense": weights["dense"].size,
    }
    bias = {"attention": 0, "filters": 4 * weights["filter_bias"].size, "dense": 4 * len(classes)}
    layers = tuple(
        Layer(
            each,
            "sparse" if sparse and stored_bytes(weights[each]) < weights[each].nbytes else "dense",
            (stored_bytes(weights[each]) if sparse else weights[each].nbytes) + bias[each],
            0,
            count,
        )
        for each, count in macs.items()
    )
    return OnnxFile(content, layers, proof)


def at_once(runtime: Runtime) -> Engine:
    return lambda signals: runtime(np.asarray(signals))


def one_by_one(runtime: Runtime) -> Engine:
    return lambda signals: np.concatenate([runtime(signal[None]) for signal in signals])


def _prove_probabilities(runtime: Runtime, signals: np.ndarray) -> None:
    """softmax(logits), each row. Errors: Failure."""
    logits, probabilities = runtime.both(signals)
    grown = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    error = float(np.abs(probabilities - grown / grown.sum(1, keepdims=True)).max())
    if not error <= TOLERANCE:
        raise Failure(
            f"the probabilities of ONNX Runtime are off by {error:.1e}; the file is not written; please "
            "report this with the bundle"
        )
