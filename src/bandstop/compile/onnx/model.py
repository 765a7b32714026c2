"""A graph as an ONNX model: at most seventeen nodes, everything in one file, any batch.

    signal (batch, node, feature) -> [Gather nodes] -> [Gather features] -> A U of all heads: MatMul
    sum:     -> (batch x output, head x feature) -> one Gemm -> Relu -> one Gemm = logits -> Softmax
    concat:  -> (batch, head, output, feature) -> one MatMul, Add -> Relu -> one Gemm = logits -> Softmax

    guard: signal -> Abs -> LessOrEqual reach -> Where 0, NaN -> two ReduceSum -> added to the logits

The guard makes all logits NaN for a signal that holds NaN or infinity or reaches so far that a number
could overflow, however a runtime treats NaN on the way. Groups that are dead are not in the tensors'
shapes at all. Single zeros inside what is left are not stored either where positions cost less than
they do (sparse initializers of the ONNX standard); a runtime expands them when it loads the model, so
they take room in its memory and time in its products.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bandstop.compile.ir import Graph
from bandstop.compile.layout import float32_below
from bandstop.errors import Missing
from bandstop.text import shown

OPSET = 17
IR = 8
"""Old enough for ONNX Runtime 1.18."""
SPARSE_BYTES = 12
"""Of a value in a sparse initializer: 4 of its own, 8 of its position."""


def onnx_package() -> Any:
    """The package. Errors: Missing where it is not installed."""
    try:
        import onnx
    except ImportError as error:
        raise Missing(
            "an ONNX file needs the packages onnx and onnxruntime; pip install 'bandstop[onnx]'"
        ) from error
    return onnx


def tensors(graph: Graph) -> dict[str, np.ndarray]:
    """The weights as the products of the model take them.

    A: (head x output, node); W: (head x feature, filter), or (head, feature, filter) for concat;
    D: (output x filter, class), or (head x output x filter, class) for concat.
    """
    fusion = graph.the("join").attributes["fusion"]
    a, w = graph.data("mix", "attention"), graph.data("filter", "filters")
    d = graph.data("dense", "dense")
    heads, outputs, nodes = a.shape
    features, filters, classes = w.shape[1], w.shape[2], d.shape[2]
    bias = graph.constants["filter_bias"].data
    made = {
        "attention": a.reshape(heads * outputs, nodes),
        "class_bias": graph.constants["class_bias"].data,
    }
    if fusion == "sum":
        made["filters"] = w.reshape(heads * features, filters)
        made["filter_bias"] = bias
        made["dense"] = d.transpose(1, 0, 2).reshape(outputs * filters, classes)
    else:
        made["filters"] = w
        made["filter_bias"] = bias.reshape(heads, 1, filters)
        by_head = d.reshape(heads, filters, outputs, classes)
        made["dense"] = by_head.transpose(0, 2, 1, 3).reshape(heads * outputs * filters, classes)
    return {name: np.ascontiguousarray(t, dtype=np.float32) for name, t in made.items()}


def stored_bytes(tensor: np.ndarray) -> int:
    """Bytes of a weight tensor in the file: every entry, or values and positions.

    >>> stored_bytes(np.eye(2, dtype=np.float32)), stored_bytes(np.eye(8, dtype=np.float32))
    (16, 96)
    """
    return min(4 * tensor.size, SPARSE_BYTES * int((tensor != 0).sum()))


def model(
    graph: Graph, name: str, facts: Mapping[str, str], sparse: bool = True, guarded: bool = True
) -> bytes:
    """The file's content, of a graph on which the passes of EXACT have run.

    facts   key -> value, kept as the model's metadata
    sparse  False: zeros are stored, for a runtime that knows no sparse initializers
    guarded False: the network alone, for measuring
    """
    onnx = onnx_package()
    helper, numbers = onnx.helper, onnx.numpy_helper
    a = graph.data("mix", "attention")
    heads, outputs, _ = a.shape
    features = graph.data("filter", "filters").shape[1]
    filters = graph.data("filter", "filters").shape[2]
    all_nodes, all_features = graph.inputs["signal"]
    weights = tensors(graph)
    whole = {k: t for k, t in weights.items() if not sparse or stored_bytes(t) == 4 * t.size}
    nodes, x = [], "signal"
    for axis, (role, count) in enumerate((("joints", all_nodes), ("features", all_features)), 1):
        index = graph.data("read", role)
        if not np.array_equal(index, np.arange(count)):
            whole[role] = index.astype(np.int64)
            nodes.append(helper.make_node("Gather", [x, role], [f"read_{role}"], axis=axis))
            x = f"read_{role}"

    def reshaped(source: str, target: str, *shape: int) -> None:
        whole[f"{target}_shape"] = np.array(shape, dtype=np.int64)
        nodes.append(helper.make_node("Reshape", [source, f"{target}_shape"], [target]))

    nodes.append(helper.make_node("MatMul", ["attention", x], ["mixed"]))
    if graph.the("join").attributes["fusion"] == "sum":
        reshaped("mixed", "by_head", -1, heads, outputs, features)
        nodes.append(helper.make_node("Transpose", ["by_head"], ["by_output"], perm=[0, 2, 1, 3]))
        reshaped("by_output", "rows", -1, heads * features)
        nodes.append(helper.make_node("Gemm", ["rows", "filters", "filter_bias"], ["z"]))
        width = outputs * filters
    else:
        reshaped("mixed", "by_head", -1, heads, outputs, features)
        nodes.append(helper.make_node("MatMul", ["by_head", "filters"], ["filtered"]))
        nodes.append(helper.make_node("Add", ["filtered", "filter_bias"], ["z"]))
        width = heads * outputs * filters
    nodes.append(helper.make_node("Relu", ["z"], ["h"]))
    reshaped("h", "flat", -1, width)
    last = "unguarded" if guarded else "logits"
    nodes.append(helper.make_node("Gemm", ["flat", "dense", "class_bias"], [last]))
    if guarded:
        whole["reach"] = float32_below(graph.reach)
        whole |= {"fine": np.array(0, np.float32), "refused": np.array(np.nan, np.float32)}
        whole |= {"over_features": np.array([2]), "over_nodes": np.array([1])}
        nodes += [
            helper.make_node("Abs", ["signal"], ["magnitude"]),
            helper.make_node("LessOrEqual", ["magnitude", "reach"], ["within"]),
            helper.make_node("Where", ["within", "fine", "refused"], ["elements"]),
            helper.make_node("ReduceSum", ["elements", "over_features"], ["by_row"], keepdims=0),
            helper.make_node("ReduceSum", ["by_row", "over_nodes"], ["guard"], keepdims=1),
            helper.make_node("Add", [last, "guard"], ["logits"]),
        ]
    nodes.append(helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1))

    number, count = onnx.TensorProto.FLOAT, len(graph.classes)
    given = helper.make_tensor_value_info("signal", number, ["batch", all_nodes, all_features])
    answers = [
        helper.make_tensor_value_info(output, number, ["batch", count])
        for output in ("logits", "probabilities")
    ]
    initial = [numbers.from_array(np.asarray(t), key) for key, t in whole.items()]
    compact = [_sparse(onnx, key, t) for key, t in weights.items() if key not in whole]
    made = helper.make_model(
        helper.make_graph(nodes, name, [given], answers, initial, sparse_initializer=compact),
        producer_name="bandstop",
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR,
    )
    helper.set_model_props(made, {key: shown(value) for key, value in facts.items()})
    onnx.checker.check_model(made)
    content: bytes = made.SerializeToString(deterministic=True)
    return content


def copying(nodes: int, features: int) -> bytes:
    """A model that only copies its signals: for measuring what a call costs by itself."""
    onnx = onnx_package()
    helper, number, shape = onnx.helper, onnx.TensorProto.FLOAT, ["batch", nodes, features]
    ends = [helper.make_tensor_value_info(name, number, shape) for name in ("signal", "copy")]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["signal"], ["copy"])], "copying", ends[:1], ends[1:]
    )
    imports = [helper.make_opsetid("", OPSET)]
    content: bytes = helper.make_model(
        graph, opset_imports=imports, ir_version=IR
    ).SerializeToString()
    return content


def _sparse(onnx: Any, name: str, tensor: np.ndarray) -> Any:
    """A tensor as values and flat positions."""
    at = np.flatnonzero(tensor)
    values = onnx.numpy_helper.from_array(tensor.ravel()[at], name)
    positions = onnx.numpy_helper.from_array(at.astype(np.int64), f"{name}_at")
    return onnx.helper.make_sparse_tensor(values, positions, list(tensor.shape))
