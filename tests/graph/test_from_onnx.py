"""A network out of an ONNX file: what ONNX Runtime computes, and one sentence for what cannot be."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bandstop.errors import BadInput
from bandstop.graph import run
from bandstop.graph.onnx import from_onnx
from bandstop.graph.onnx.operators import OPERATORS
from bandstop.networks import NETWORKS as OURS

onnx = pytest.importorskip("onnx", reason="the extra bandstop[onnx] is not installed")
ort = pytest.importorskip("onnxruntime", reason="the extra bandstop[onnx] is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from foreign_networks import NETWORKS as FOREIGN  # noqa: E402

REFERENCE = ROOT.parent / "shared" / "data" / "networks" / "hagrid-stgcnpp.onnx"
BONES = [(joint, joint + 1) for joint in range(6)]
RANDOM = np.random.default_rng(0)


def array(*shape: int) -> np.ndarray:
    return RANDOM.normal(size=shape).astype(np.float32)


def whole(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def model(op: str, shape, constants=(), outputs: int = 1, opset: int = 17, **attributes) -> bytes:
    """A file of one operator on an input of that shape and constants."""
    names = [f"c{i}" for i in range(len(constants))]
    outs = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, ["x", *names], outs, name="it", **attributes)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, *shape])
    graph = helper.make_graph(
        [node], "g", [x], [helper.make_empty_tensor_value_info(n) for n in outs],
        [numpy_helper.from_array(c, n) for c, n in zip(constants, names, strict=True)],
    )  # fmt: skip
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    return onnx.shape_inference.infer_shapes(made).SerializeToString()


def require_same(content: bytes, shape) -> None:
    x = np.abs(array(1, *shape)) + 0.1
    session = ort.InferenceSession(content, providers=["CPUExecutionProvider"])
    meant = session.run(None, {session.get_inputs()[0].name: x})
    found = run(from_onnx(content), [torch.from_numpy(x)])
    assert len(found) == len(meant)
    for one, other in zip(meant, found, strict=True):
        np.testing.assert_allclose(other.numpy(), one, atol=1e-5, rtol=1e-4)


IMAGE, FLAT = (4, 9, 6), (12,)
CASES: dict[str, list[tuple]] = {
    "Conv": [(IMAGE, (array(6, 2, 3, 2), array(6)), {"group": 2, "strides": [2, 1], "pads": [1, 0, 2, 1]}),
             (IMAGE, (array(5, 4, 3, 1),), {"auto_pad": "SAME_UPPER", "strides": [2, 1]}),
             ((3, 10), (array(4, 3, 3),), {"dilations": [2]})],
    "Gemm": [(FLAT, (array(5, 12), array(5)), {"transB": 1, "alpha": 0.5, "beta": 2.0}),
             (FLAT, (array(12, 5),), {})],
    "MatMul": [((3, 4), (array(4, 5),), {}), ((2, 3, 4), (array(1, 2, 4, 5),), {})],
    "Einsum": [((3, 4), (array(4, 5),), {"equation": "nij, jk->nki"})],
    "BatchNormalization": [(IMAGE, (array(4), array(4), array(4), np.abs(array(4))), {})],
    "LayerNormalization": [((3, 8), (array(8), array(8)), {})],
    **{op: [(IMAGE, (array(1, 4, 1, 1),), {})] for op in ("Add", "Sub", "Mul", "Div")},
    **{op: [(IMAGE, (), {})] for op in (
        "Neg", "Sqrt", "Reciprocal", "Exp", "Abs", "Relu", "Sigmoid", "Tanh", "HardSwish", "HardSigmoid",
        "Identity", "Dropout", "GlobalAveragePool", "GlobalMaxPool", "LeakyRelu", "Elu",
    )},
    "Pow": [(IMAGE, (np.float32(2),), {})],
    "Clip": [(IMAGE, (np.float32(0.2), np.float32(0.7)), {})],
    "Min": [(IMAGE, (np.float32(0.5),), {})], "Max": [(IMAGE, (np.float32(0.5),), {})],
    "Gelu": [(IMAGE, (), {"opset": 20}), (IMAGE, (), {"opset": 20, "approximate": "tanh"})],
    "Softmax": [(IMAGE, (), {"axis": 2}), (FLAT, (), {"axis": 1, "opset": 11})],
    "ReduceMean": [(IMAGE, (), {"axes": [2, 3]}), (IMAGE, (whole(-1),), {"opset": 18, "keepdims": 0})],
    "ReduceSum": [(IMAGE, (whole(2),), {"keepdims": 0})], "ReduceMax": [(IMAGE, (), {"axes": [1]})],
    "AveragePool": [(IMAGE, (), {"kernel_shape": [3, 2], "pads": [1, 0, 1, 0], "count_include_pad": 1}),
                    (IMAGE, (), {"kernel_shape": [3, 1], "pads": [1, 0, 1, 0], "strides": [2, 1]})],
    "MaxPool": [(IMAGE, (), {"kernel_shape": [3, 1], "pads": [1, 0, 1, 0], "strides": [2, 1]})],
    "Transpose": [(IMAGE, (), {"perm": [0, 2, 3, 1]})],
    "Reshape": [(IMAGE, (whole(0, -1, 6),), {})], "Flatten": [(IMAGE, (), {})],
    "Squeeze": [((1, 5), (whole(1),), {})], "Unsqueeze": [((3, 5), (whole(1, -1),), {})],
    "Concat": [(IMAGE, (array(1, 2, 9, 6),), {"axis": 1})],
    "Split": [(IMAGE, (whole(4, 5),), {"axis": 2, "outputs": 2})],
    "Slice": [(IMAGE, (whole(1, -1), whole(9, -9), whole(2, 3), whole(3, -2)), {})],
    "Gather": [(IMAGE, (whole(3, 0, -1),), {"axis": 2}), (IMAGE, (np.int64(1),), {"axis": 1})],
    "Pad": [(IMAGE, (whole(0, 0, 1, 0, 0, 0, 2, 1),), {})],
    "Expand": [((1, 5), (whole(1, 3, 5),), {})],
    "Cast": [(IMAGE, (), {"to": TensorProto.FLOAT})],
}  # fmt: skip
"""Operator -> shapes, constants and attributes."""


def test_every_operator_of_the_table_has_a_case():
    assert set(CASES) == set(OPERATORS)


@pytest.mark.parametrize("op", CASES)
def test_an_operator_computes_what_onnx_runtime_does(op):
    for shape, constants, attributes in CASES[op]:
        made = [np.asarray(c) for c in constants]
        require_same(model(op, shape, made, **attributes), shape)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_convolutions_of_any_kind(data):
    draw = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    groups = draw(1, 2)
    kernel, dilation = [draw(1, 3), draw(1, 2)], [draw(1, 2), draw(1, 2)]
    weight = array(2 * groups, 4 // groups, *kernel)
    pads = [draw(0, 2) for _ in range(4)]
    strides = [draw(1, 3), draw(1, 2)]
    content = model(
        "Conv", IMAGE, (weight,), group=groups, pads=pads, strides=strides, dilations=dilation
    )
    require_same(content, IMAGE)


def exported(net: nn.Module, x: torch.Tensor) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net.eval(),
            (x,),
            file,
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {0: "batch"}},
        )
    return file.getvalue()


@pytest.mark.parametrize("name", [*FOREIGN, *OURS])
def test_a_network_that_torch_exported(name):
    torch.manual_seed(0)
    if name in OURS:
        net, x = OURS[name](7, BONES, 5, 3, 2, (12, 24)), torch.randn(1, 2, 8, 7, 3)
    else:
        net, x = FOREIGN[name](7, BONES, 5), torch.randn(1, 3, 16, 7)
    graph = from_onnx(exported(net, x))
    with torch.no_grad():
        torch.testing.assert_close(run(graph, [x])[0], net(x), atol=1e-5, rtol=1e-4)


@pytest.mark.skipif(
    not REFERENCE.is_file(), reason="the reference network is not beside the checkout"
)
def test_the_reference_network():
    require_same(REFERENCE.read_bytes(), tuple(from_onnx(REFERENCE).inputs["clips"][1:]))


SMALL = model("Conv", IMAGE, (array(5, 4, 3, 1),))


def test_a_file_cut_short_anywhere_is_refused():
    for part in range(20):
        with pytest.raises(BadInput):
            from_onnx(SMALL[: len(SMALL) * part // 20])


def test_what_cannot_be_read_is_named_all_at_once():
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])
    nodes = [
        helper.make_node("Erf", ["x"], ["a"], name="first"),
        helper.make_node("Relu", ["x"], ["b"]),
        helper.make_node("CumSum", ["b", "axis"], ["y"], name="second"),
    ]
    axis = numpy_helper.from_array(np.array(1, np.int64), "axis")
    made = helper.make_model(helper.make_graph(nodes, "g", [x], [y], [axis]), ir_version=8)
    with pytest.raises(BadInput, match=r"no Erf in first; CumSum in second"):
        from_onnx(made.SerializeToString())


def changed(change) -> bytes:
    made = onnx.load_from_string(SMALL)
    change(made)
    return made.SerializeToString()


def external(made):
    tensor = made.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.ClearField("raw_data")
    for key, value in (("location", "weights.bin"), ("offset", "0"), ("length", "240")):
        entry = tensor.external_data.add()
        entry.key, entry.value = key, value


def outside(made):
    external(made)
    made.graph.initializer[0].external_data[0].value = "../weights.bin"


def huge(made):
    made.graph.initializer[0].dims[0] = 2**40


def unfixed(made):
    made.graph.input[0].type.tensor_type.shape.dim[2].dim_param = "frames"


def several(made):
    made.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8


FAULTS = {
    "external": (external, "weights.bin' is missing beside the model"),
    "outside": (outside, "outside the model's folder"),
    "huge": (huge, "numbers|cut short or no ONNX"),
    "unfixed": (unfixed, "dimensions that are not fixed"),
    "batch": (several, "batch of 8"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(name, tmp_path):
    change, words = FAULTS[name]
    path = tmp_path / "net.onnx"
    path.write_bytes(changed(change))
    with pytest.raises(BadInput, match=words) as error:
        from_onnx(path)
    assert "\n" not in str(error.value)


def test_external_data_beside_the_model_is_read_and_no_more_than_there_is(tmp_path):
    path = tmp_path / "net.onnx"
    path.write_bytes(changed(external))
    tensor = onnx.load_from_string(SMALL).graph.initializer[0]
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data)
    x = [torch.from_numpy(array(1, *IMAGE))]
    torch.testing.assert_close(run(from_onnx(path), x), run(from_onnx(SMALL), x))
    (tmp_path / "weights.bin").write_bytes(tensor.raw_data[:100])
    with pytest.raises(BadInput, match="cut short"):
        from_onnx(path)
