"""An ONNX file as a graph: parsed, checked, folded where nothing depends on the input, then read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from bandstop.errors import BadInput, Missing, short
from bandstop.graph.graph import Graph, Shape
from bandstop.graph.onnx.operators import OPERATORS
from bandstop.graph.onnx.reader import Reader, Unsupported
from bandstop.graph.verify import MOST
from bandstop.read import KINDS, read_bytes

FOLDED = (
    "Constant", "Shape", "ConstantOfShape", "Range", "Gather", "Concat", "Unsqueeze", "Squeeze", "Slice",
    "Cast", "Add", "Sub", "Mul", "Div", "Neg", "Floor", "Ceil", "Reshape", "Transpose", "Identity", "Equal",
    "Where", "Expand", "Sqrt", "Pow", "Reciprocal", "Not", "And", "Or", "Less", "Greater", "Min", "Max",
    "ReduceProd", "ScatterND", "Size", "Abs", "Mod",
)  # fmt: skip
"""Operators that are worked out where all their operands are known: sizes, mostly."""
GROWING = ("ConstantOfShape", "Range", "Expand")
SMALL = 2**24
"""Numbers that a constant may be worked out to."""


def onnx_package() -> Any:
    """The onnx package. Raises Missing, naming the extra, where it is not installed."""
    try:
        import onnx
        import onnx.reference
    except ImportError as error:
        raise Missing("onnx is not installed: pip install 'bandstop[onnx]'") from error
    return onnx


def from_onnx(file: str | Path | bytes) -> Graph:
    """The network of an ONNX file as a graph, for one sample at a time.

    Parameters
    ----------
    file : its path, or its content

    Returns
    -------
    Graph
        A first dimension of the inputs that is not fixed is the batch, and is 1.

    Raises
    ------
    BadInput
        For a file that is cut short or no model, external data that is missing, dimensions that are not
        fixed, and operators that graphs do not have: all of them, with the names of their nodes.
    Missing
        Where the onnx package is not installed.
    """
    onnx = onnx_package()
    name = "the model" if isinstance(file, bytes) else str(file)
    content = file if isinstance(file, bytes) else read_bytes(Path(file), "model")
    folder = None if isinstance(file, bytes) else Path(file).parent
    try:
        model = onnx.load_from_string(content)
        for tensor in model.graph.initializer:
            if tensor.data_location == onnx.TensorProto.EXTERNAL:
                tensor.CopyFrom(_fetched(onnx, tensor, folder))
        onnx.checker.check_model(model, full_check=False)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error
    except Exception as error:  # whatever protobuf and the checker raise
        why = _why(error)
        raise BadInput(
            f"{name} is cut short or no ONNX model ({why}); {KINDS['model'].remedy}"
        ) from error
    try:
        return _graph(onnx, model)
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from error


def _why(error: Exception) -> str:
    return short(str(error).strip().partition("\n")[0] or type(error).__name__, False)


def _graph(onnx: Any, model: Any) -> Graph:
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), default=0)
    constants = {t.name: _array(onnx, t) for t in model.graph.initializer}
    for sparse in model.graph.sparse_initializer:
        constants[sparse.values.name] = _sparse(onnx, sparse)
    inputs = {i.name: _shape(i) for i in model.graph.input if i.name not in constants}
    reader = Reader(inputs, constants)
    problems: list[str] = []
    for node in model.graph.node:
        a = {x.name: onnx.helper.get_attribute_value(x) for x in node.attribute} | {"opset": opset}
        where = node.name or ", ".join(node.output)
        lost = [n for n in node.input if n and n not in reader.known and n not in reader.shapes]
        if lost:
            if not problems:
                problems.append(
                    f"{node.op_type} in {short(where, False)} reads {short(lost[0])}, which is nowhere"
                )
            continue
        try:
            if not _folded(onnx, reader, node, opset):
                if node.op_type not in OPERATORS or node.domain not in ("", "ai.onnx"):
                    raise Unsupported(node.op_type)
                OPERATORS[node.op_type](reader, list(node.input), list(node.output), a)
        except Unsupported as error:
            said = str(error)
            named = said if node.op_type in said else f"{node.op_type} with {said}"
            problems.append(f"{named} in {short(where, False)}")
        except Exception as error:  # torch and NumPy raise whatever comes
            problems.append(f"{node.op_type} in {short(where, False)}: {_why(error)}")
    outputs = [o.name for o in model.graph.output]
    if problems:
        raise BadInput(f"graphs have no {'; '.join(problems[:10])}" + _more(problems))
    missing = [n for n in outputs if n not in reader.shapes]
    if missing:
        raise BadInput(f"output {short(missing[0])} does not depend on the input, or is never made")
    return reader.graph(outputs)


def _more(problems: list[str]) -> str:
    return f"; and {len(problems) - 10} more" if len(problems) > 10 else ""


def _shape(value: Any) -> Shape:
    """Of an input for one sample: its first dimension is the batch."""
    dims = value.type.tensor_type.shape.dim
    sizes = [d.dim_value if d.HasField("dim_value") else 0 for d in dims]
    if not sizes or min(sizes[1:], default=1) < 1:
        named = ", ".join(short(d.dim_param or d.dim_value, False) for d in dims)
        raise BadInput(
            f"input {short(value.name)} has dimensions that are not fixed ({named}); export it with fixed "
            "sizes behind the batch"
        )
    if sizes[0] > 1:
        raise BadInput(
            f"input {short(value.name)} has a batch of {sizes[0]}; export it with a batch of 1"
        )
    if math.prod(sizes[1:]) > MOST:
        raise BadInput(f"input {short(value.name)} would have {math.prod(sizes[1:])} numbers")
    return (1, *sizes[1:])


def _array(onnx: Any, tensor: Any) -> np.ndarray:
    """A constant of the file."""
    if math.prod(tensor.dims) > MOST:
        raise BadInput(f"tensor {short(tensor.name)} would have {math.prod(tensor.dims)} numbers")
    try:
        array: np.ndarray = onnx.numpy_helper.to_array(tensor)
    except Exception as error:
        raise BadInput(f"tensor {short(tensor.name)} cannot be read: {_why(error)}") from error
    return array


def _fetched(onnx: Any, tensor: Any, folder: Path | None) -> Any:
    """The tensor with the data in it that lies beside the model: no more than it says, of its own folder."""
    said: Mapping[str, str] = {e.key: e.value for e in tensor.external_data}
    place = said.get("location", "")
    if folder is None or not place or Path(place).is_absolute() or ".." in Path(place).parts:
        raise BadInput(
            f"the data of tensor {short(tensor.name)} lies outside the model's folder; put it beside"
        )
    path = folder / place
    if not path.is_file() or path.is_symlink():
        raise BadInput(f"external data {short(place)} is missing beside the model; copy it there")
    content = read_bytes(path, "model")
    offset, length = int(said.get("offset", 0)), int(said.get("length", len(content)))
    if offset < 0 or length < 0 or offset + length > len(content):
        raise BadInput(f"external data {short(place)} is cut short; copy it again")
    made = onnx.TensorProto()
    made.CopyFrom(tensor)
    del made.external_data[:]
    made.data_location = onnx.TensorProto.DEFAULT
    made.raw_data = content[offset : offset + length]
    return made


def _sparse(onnx: Any, sparse: Any) -> np.ndarray:
    """A constant of which the file holds what is not 0."""
    shape = tuple(sparse.dims)
    if math.prod(shape) > MOST:
        raise BadInput(f"tensor {short(sparse.values.name)} would have {math.prod(shape)} numbers")
    values = _array(onnx, sparse.values)
    index = _array(onnx, sparse.indices).astype(np.int64)
    whole = np.zeros(shape, values.dtype)
    flat = np.ravel_multi_index(tuple(index.T), shape) if index.ndim == 2 else index
    whole.reshape(-1)[flat] = values
    return whole


def _folded(onnx: Any, reader: Reader, node: Any, opset: int) -> bool:
    """Work a node out where nothing in it depends on the input; whether it was."""
    if node.op_type == "Shape" and node.input[0] not in reader.known:
        reader.known[node.output[0]] = np.array(reader.shape(node.input[0]), np.int64)
        return True
    if node.op_type not in FOLDED or any(n and n not in reader.known for n in node.input):
        return False
    given = {n: reader.known[n] for n in node.input if n}
    if node.op_type in GROWING:
        _require_small(node, list(given.values()))
    helper = onnx.helper
    known = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for n, v in given.items()
    ]
    graph = helper.make_graph(
        [node], "one", known, [helper.make_empty_tensor_value_info(n) for n in node.output]
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", opset)])
    made = onnx.reference.ReferenceEvaluator(model).run(None, given)
    reader.known |= dict(zip(node.output, map(np.asarray, made), strict=True))
    return True


def _require_small(node: Any, given: list[np.ndarray]) -> None:
    if node.op_type == "Range":
        start, limit, step = (float(v.reshape(())) for v in given)
        count = abs((limit - start) / step) if step else math.inf
    else:
        count = float(np.prod(np.asarray(given[-1], np.float64)))
    if not count <= SMALL:
        raise Unsupported(f"{node.op_type} of {count:.0f} numbers")
