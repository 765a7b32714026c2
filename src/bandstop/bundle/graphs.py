"""A graph as the part of a bundle that says what is computed: nodes in the header, tensors beside it."""

from __future__ import annotations

import re
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
SIZES = Many(Whole(1, 2**28), 1, 8)
GRAPH = Fields(
    {
        "inputs": Named(SIZES, 16),
        "outputs": Many(Text(200), 1, 16),
        "nodes": Many(Many(Any_(), 4, 4), most=20_000),
        "tensors": Named(
            Fields({"storage": OneOf(tuple(STORAGES)), "shape": Many(Whole(0, 2**28), 0, 8)}), NAMES
        ),
    }
)
"""What a header says of a graph: a node is [operation, inputs, output, attributes]."""


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
    """
    tensors, said = {}, {}
    for name, tensor in graph.tensors.items():
        kind, parts = store(tensor)
        said[name] = {"storage": kind, "shape": list(tensor.shape)}
        tensors |= {f"{name}.{part}": value for part, value in parts.items()}
    nodes = [[n.operation, list(n.inputs), n.output, dict(n.attributes)] for n in graph.nodes]
    inputs = {name: list(shape) for name, shape in graph.inputs.items()}
    return {
        "inputs": inputs,
        "outputs": list(graph.outputs),
        "nodes": nodes,
        "tensors": said,
    }, tensors


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
        For nodes or sizes that cannot be; see `graph.verify`.
    """
    GRAPH.check(header, "its graph")
    nodes = tuple(node_of(*each) for each in header["nodes"])
    inputs = {name: tuple(shape) for name, shape in header["inputs"].items()}
    empty = {}
    for name, each in header["tensors"].items():
        if not re.fullmatch(r"[A-Za-z0-9_]{1,100}", name):
            raise BadInput(f"a tensor is called {short(name)}")
        empty[name] = torch.empty(each["shape"], device="meta")
        if empty[name].numel() > most:
            raise BadInput(
                f"tensor {name} would have {empty[name].numel()} numbers, and {most} can be"
            )
    graph = Graph(inputs, nodes, empty, tuple(header["outputs"]))
    shapes(graph, most)
    return graph.with_tensors(
        {
            name: restore(each["storage"], parts_of(tensors, name), tuple(each["shape"]))
            for name, each in header["tensors"].items()
        }
    )


def parts_of(tensors: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The parts of one tensor's storage among a file's tensors."""
    start = f"{name}."
    return {
        k.removeprefix(start): v
        for k, v in tensors.items()
        if k.startswith(start) and k != f"{name}.ranks"
    }


def kept_ranks(graph: Graph, ranks: Mapping[str, Tensor], weights: int) -> dict[str, Tensor]:
    """The ranks of the weights that are not 0, by tensor, as a file has them."""
    return {
        f"{name}.ranks": rank[graph.tensors[name] != 0].to(index_type(weights))
        for name, rank in ranks.items()
    }
