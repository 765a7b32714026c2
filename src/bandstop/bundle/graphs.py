"""A graph as the part of a bundle that says what is computed: nodes in the header, tensors beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from bandstop.bundle.storage import STORAGES, index_type, restore, store
from bandstop.errors import BadInput, short
from bandstop.graph import Graph
from bandstop.graph.verify import node_of, shapes
from bandstop.schema import Any_, Fields, Many, Named, OneOf, Text, Whole

NAMES = 100_000
SIZE = Whole(0, 2**28)
GRAPH = Fields(
    {
        "inputs": Named(Many(Whole(1, 2**28), 1, 8), 16),
        "outputs": Many(Text(200), 1, 16),
        "nodes": Many(Many(Any_(), 3, 4), most=20_000),
        "tensors": Many(
            Fields(
                {
                    "name": Text(200),
                    "storage": OneOf(tuple(STORAGES)),
                    "shape": Many(SIZE, 0, 8),
                    "values": SIZE,
                }
            ),
            most=NAMES,
        ),
    },
    {"ranked": Many(Text(200), most=NAMES, distinct=True)},
)
"""What a header says of a graph: a node is [operation, inputs, output] and its attributes if it has any;
a tensor its storage, its shape, and
how many of the file's values are its own, in the order in which these lie."""
TYPES = {
    "values": torch.float32, "bits": torch.uint8, "index16": torch.uint16, "index32": torch.int32,
    "ranks": torch.int32,
}  # fmt: skip
"""Tensors of the file, in each of which those of the graph lie one behind the other -> their type."""


def plain_names(graph: Graph) -> tuple[Graph, dict[str, str]]:
    """The graph with short names, and what each tensor was called.

    Parameters
    ----------
    graph : any

    Returns
    -------
    Graph, and dict of str to str
        Old name of each tensor -> new name.
    """
    names = {name: f"x{i}" for i, name in enumerate(graph.inputs)}
    tensors = {name: f"t{i}" for i, name in enumerate(graph.tensors)}
    names |= tensors | {node.output: f"v{i}" for i, node in enumerate(graph.nodes)}
    nodes = tuple(
        replace(n, inputs=tuple(names[i] for i in n.inputs), output=names[n.output], place="")
        for n in graph.nodes
    )
    renamed = Graph(
        {names[n]: shape for n, shape in graph.inputs.items()},
        nodes,
        {names[n]: t for n, t in graph.tensors.items()},
        tuple(names[n] for n in graph.outputs),
    )
    return renamed, tensors


def to_header(graph: Graph) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a header says of a graph, and the tensors of the file.

    Parameters
    ----------
    graph : with tensors of float32

    Returns
    -------
    dict, and dict of str to Tensor
        The second with the names of `TYPES`.
    """
    said: list[dict[str, Any]] = []
    streams: dict[str, list[Tensor]] = {name: [] for name in TYPES}
    for name, tensor in graph.tensors.items():
        kind, parts = store(tensor)
        count = parts["values"].numel()
        said.append({"name": name, "storage": kind, "shape": list(tensor.shape), "values": count})
        for part, value in parts.items():
            streams[_stream(part, value.dtype)].append(value.flatten())
    tensors = {
        name: torch.cat([torch.zeros(0, dtype=TYPES[name]), *each])
        for name, each in streams.items()
        if any(len(part) for part in each)
    }
    nodes = [
        [n.operation, list(n.inputs), n.output, *([_packed(n.attributes)] if n.attributes else [])]
        for n in graph.nodes
    ]
    inputs = {name: list(shape) for name, shape in graph.inputs.items()}
    return {
        "inputs": inputs,
        "outputs": list(graph.outputs),
        "nodes": nodes,
        "tensors": said,
    }, tensors


def _stream(part: str, dtype: torch.dtype) -> str:
    return part if part != "index" else "index16" if dtype == torch.uint16 else "index32"


def _packed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with positions that follow evenly as [first, count, step] under `range`."""
    found = dict(attributes)
    index = found.get("index")
    if index and len(index) > 2 and index[1] > index[0]:
        step = index[1] - index[0]
        if list(index) == list(range(index[0], index[0] + step * len(index), step)):
            del found["index"]
            found["range"] = [index[0], len(index), step]
    return found


def _unpacked(attributes: Any, most: int) -> Any:
    """What `_packed` made of attributes. Errors: BadInput for a range that is none."""
    if not isinstance(attributes, dict) or "range" not in attributes:
        return attributes
    found = dict(attributes)
    span = found.pop("range")
    whole = isinstance(span, list) and len(span) == 3 and all(type(n) is int for n in span)
    if (
        not whole
        or "index" in found
        or not (span[0] >= 0 and 0 < span[1] <= most and 0 < span[2] <= most)
    ):
        raise BadInput(f"a range of positions cannot be {short(span)}")
    first, count, step = span
    return found | {"index": list(range(first, first + count * step, step))}


def from_header(header: Mapping[str, Any], tensors: Mapping[str, Tensor], most: int) -> Graph:
    """The graph that `to_header` wrote, verified before its tensors are made.

    Parameters
    ----------
    header : as `GRAPH` demands
    tensors : of the file
    most : numbers that a value may have

    Returns
    -------
    Graph

    Raises
    ------
    BadInput
        For nodes or sizes that cannot be (see `graph.verify`), and tensors that are not theirs.
    """
    GRAPH.check(header, "its graph")
    nodes = []
    for operation, inputs, output, *attributes in header["nodes"]:
        more = _unpacked(attributes[0], most) if attributes else {}
        nodes.append(node_of(operation, inputs, output, more))
    sizes = {name: tuple(shape) for name, shape in header["inputs"].items()}
    said = header["tensors"]
    empty = {each["name"]: torch.empty(each["shape"], device="meta") for each in said}
    if len(empty) < len(said):
        raise BadInput("two of its tensors have the same name")
    if (numbers := sum(tensor.numel() for tensor in empty.values())) > most:
        raise BadInput(f"its tensors would have {numbers} numbers, and {most} can be")
    graph = Graph(sizes, tuple(nodes), empty, tuple(header["outputs"]))
    shapes(graph, most)
    made, at = {}, dict.fromkeys(TYPES, 0)
    for each in said:
        parts, name = {}, each["name"]
        numel = empty[name].numel()
        counts = {"values": each["values"], "bits": -(-numel // 8), "index": each["values"]}
        for part in STORAGES[each["storage"]].parts:
            stream = _stream(part, index_type(numel))
            parts[part] = _piece(tensors, stream, at[stream], counts[part])
            at[stream] += counts[part]
        made[name] = restore(each["storage"], parts, tuple(each["shape"]))
    for name, count in at.items():
        if name != "ranks" and name in tensors and len(tensors[name]) != count:
            raise BadInput(f"its graph takes {count} of {len(tensors[name])} {name}")
    return graph.with_tensors(made)


def _piece(tensors: Mapping[str, Tensor], name: str, at: int, count: int) -> Tensor:
    """Errors: BadInput for a tensor of the file that is missing, of another type, or too short."""
    if not count:
        return torch.zeros(0, dtype=TYPES[name])
    whole = tensors.get(name)
    if whole is None or whole.dtype != TYPES[name] or whole.dim() != 1 or len(whole) < at + count:
        raise BadInput(
            f"{name} must be {TYPES[name]}, one long row, with {at + count} of them at least"
        )
    return whole[at : at + count]


def kept_ranks(graph: Graph, ranks: Mapping[str, Tensor]) -> Tensor:
    """The ranks of the weights that are not 0, one behind the other, tensor by tensor.

    Parameters
    ----------
    graph : with the weights
    ranks : name -> rank of each weight
    """
    kept = [ranks[n][t != 0].int() for n, t in graph.tensors.items() if n in ranks]
    return torch.cat([torch.zeros(0, dtype=torch.int32), *kept])


def ranks_of(graph: Graph, names: list[str], ranks: Tensor, never: int) -> dict[str, Tensor]:
    """What `kept_ranks` put down.

    Parameters
    ----------
    graph : with the weights
    names : of the tensors that have ranks
    ranks : one behind the other
    never : the rank of a weight that is 0

    Raises
    ------
    BadInput
        For unknown names, or another number of ranks than of weights.
    """
    found, at = {}, 0
    if odd := set(names) - set(graph.tensors):
        raise BadInput(
            f"there are ranks of {short(sorted(odd)[0])}, which is no tensor of its graph"
        )
    for name in (n for n in graph.tensors if n in names):
        there = graph.tensors[name] != 0
        count = int(there.sum())
        found[name] = torch.full(there.shape, never)
        if ranks.dim() != 1 or ranks.dtype != torch.int32 or len(ranks) < at + count:
            raise BadInput("there must be a rank for each weight that is not 0")
        found[name][there] = ranks[at : at + count].long()
        at += count
    if at != len(ranks):
        raise BadInput(f"there are {len(ranks)} ranks, and {at} weights that are not 0")
    return found
