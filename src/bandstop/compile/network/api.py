"""Any network as a C file that was built, run and compared before it is written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bandstop.compile.build import Compiler
from bandstop.compile.c.text import identifier
from bandstop.compile.network.emit import NetworkSource, emit
from bandstop.compile.network.native import NetworkNative
from bandstop.compile.network.oracle import onnx_runtime
from bandstop.errors import BadInput, Failure
from bandstop.files import write_atomically
from bandstop.graph import Graph, GraphNet, run, shrink, trace

CASES = 8
TOLERANCE = 1e-5
"""Of the largest output: float32 in another order of sums."""
NEAR = 20
"""So many times torch's own rounding, where that alone is more than half of TOLERANCE."""


def compile_network(
    model: nn.Module | Graph,
    example: Tensor | Sequence[Tensor] | None = None,
    name: str = "network",
    compiler: Compiler | None = None,
    oracle: str | Path | None = None,
) -> NetworkNative:
    """The C of a network in eval mode, built and compared with torch.

    Parameters
    ----------
    model : what `prune.finish` gave, a graph, or any module with an example
    example : an input with the batch first, or several
    name : of the C function
    compiler : which; default: the one that is found
    oracle : an ONNX file that it came from: compared with what ONNX Runtime makes of that too

    Returns
    -------
    NetworkNative
        Takes one sample, without the batch.

    Raises
    ------
    BadInput
        For a module that cannot be followed, and operations that have no C.
    Failure
        Where C and torch disagree.
    """
    if isinstance(model, Graph):
        graph = shrink(model)
    elif isinstance(model, GraphNet):
        graph = model.graph_now
    elif example is None:
        raise BadInput("a module needs an example of its input to be compiled: example=x")
    else:
        graph = trace(model, example)
    native = NetworkNative(emit(graph, name), compiler)
    _require_same(graph, native)
    if oracle is not None:
        _require_same_as_file(oracle, native)
    return native


def write_c(
    model: nn.Module | Graph,
    path: str | Path,
    example: Tensor | Sequence[Tensor] | None = None,
    oracle: str | Path | None = None,
) -> NetworkSource:
    """Write PATH.c and PATH.h of a network, after the proof of `compile_network`.

    Parameters
    ----------
    model, example, oracle : as in `compile_network`
    path : ends in .c

    Returns
    -------
    NetworkSource
        What was written, with the scratch memory that an answer takes and its multiply-accumulates.

    Raises
    ------
    BadInput
        As in `compile_network`, and for another ending.
    Failure
        As in `compile_network`; then nothing is written.
    """
    path = Path(path)
    if path.suffix != ".c":
        raise BadInput(f"a C file ends in .c, not {path.name!r}")
    made = compile_network(model, example, identifier(path.stem), oracle=oracle).made
    write_atomically(path.with_name(f"{made.name}.h"), made.header)
    write_atomically(path, made.source)
    return made


@torch.no_grad()
def _require_same(graph: Graph, native: NetworkNative) -> None:
    """Errors: Failure where C is not what the graph means in double precision, on noise of several sizes.

    Where torch's own float32 is off by half of TOLERANCE, no order of the same sums would do better: there
    C may be off by NEAR times as much, the case does not count, and where none counts nothing is proven.
    """
    random, exact, counted = np.random.default_rng(0), graph.double(), 0
    single = graph.float()
    device = next((t.device for t in graph.tensors.values()), torch.device("cpu"))
    for case in range(CASES):
        size = (1.0, 10.0, 0.1)[case % 3]
        inputs = [
            (size * random.normal(size=shape)).astype(np.float32) for shape in native.made.inputs
        ]
        given = [torch.from_numpy(x)[None].to(device) for x in inputs]
        meant = [y[0].cpu().numpy() for y in run(exact, [x.double() for x in given])]
        plain = [y[0].cpu().numpy() for y in run(single, given)]
        rounding = _off(meant, plain)
        steep = TOLERANCE / 2 < rounding < np.inf
        counted += not steep
        found = native(*inputs)
        off = _off(meant, found if isinstance(found, tuple) else (found,))
        allowed = NEAR * rounding if steep else TOLERANCE
        if not off <= allowed:
            raise Failure(
                f"torch and C disagree by {off:.1e} of the largest output (at most {allowed:.1e}): "
                "nothing is written; please report this with the module"
            )
    if not counted:
        raise Failure(
            "this network turns float32's rounding into other outputs, in torch as in C: nothing is "
            "proven of it, and nothing is written; train it, or scale its inputs"
        )


def _off(meant: Sequence[np.ndarray], found: Sequence[np.ndarray]) -> float:
    """The largest difference of outputs, each of its largest element; infinite where one is no number."""
    parts = [
        float(np.abs(one - other).max() / max(float(np.abs(one).max()), 1e-12))
        for one, other in zip(meant, found, strict=True)
    ]
    return max(part if np.isfinite(part) else np.inf for part in parts)


def _require_same_as_file(path: str | Path, native: NetworkNative) -> None:
    """Errors: Failure where ONNX Runtime and C disagree on noise."""
    session, random = onnx_runtime(path), np.random.default_rng(0)
    for _ in range(CASES):
        inputs = [random.normal(size=shape).astype(np.float32) for shape in native.made.inputs]
        found = native(*inputs)
        meant = [y[0] for y in session([x[None] for x in inputs])]
        off = _off(meant, found if isinstance(found, tuple) else (found,))
        if not off <= TOLERANCE:
            raise Failure(
                f"ONNX Runtime and C disagree by {off:.1e} of the largest output (at most "
                f"{TOLERANCE:g}): nothing is written; please report this with the model"
            )
