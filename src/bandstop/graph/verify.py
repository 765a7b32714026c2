"""A graph from a stranger: nothing is run or allocated before all of it is known to be possible."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from bandstop.errors import BadInput, nearest, short
from bandstop.graph.graph import Graph, Node, Shape
from bandstop.graph.operations import OPERATIONS

NODES, MOST = 20_000, 2**28
"""Nodes of a graph, and elements of a value of one sample."""


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _whole(value: Any) -> bool:
    return type(value) is int and abs(value) <= MOST


def _list(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(map(_whole, value))


def _choice(*words: str) -> Callable[[Any], bool]:
    return lambda value: value in words


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _maybe(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or holds(value)


WINDOW = {"kernel": _list, "stride": _list, "padding": _list}
ATTRIBUTES: dict[str, dict[str, Callable[[Any], bool]]] = {
    "einsum": {"equation": lambda v: isinstance(v, str) and len(v) <= 100},
    "convolve": {"stride": _list, "padding": _list, "dilation": _list, "groups": _whole},
    "sum": {"dims": _list},
    "max": {"dims": _list},
    "softmax": {"dims": _list},
    "standardise": {"dims": _list, "eps": _number},
    "max-pool": {**WINDOW, "dilation": _list, "ceil": _flag, "out": _maybe(_list)},
    "mean-pool": {
        **WINDOW,
        "dilation": _list,
        "ceil": _flag,
        "padded": _flag,
        "out": _maybe(_list),
    },
    "view": {"shape": _list, "batch": _maybe(_whole)},
    "expand": {"shape": _list, "batch": _maybe(_whole)},
    "permute": {"order": _list},
    "concatenate": {"dim": _whole},
    "take": {"dim": _whole, "index": _list},
    "pad": {"before": _list, "after": _list},
    "windows": {**WINDOW, "dilation": _list},
    "gelu": {"approximate": _choice("none", "tanh")},
    "leaky-relu": {"negative_slope": _number},
    "elu": {"alpha": _number},
    "hardtanh": {"min_val": _number, "max_val": _number},
    "power": {"exponent": _number},
    "clamp": {"min": _maybe(_number), "max": _maybe(_number)},
    "scale": {"scale": _number, "shift": _number},
}
"""Operation -> what its attributes must be; those not named have none."""


def node_of(operation: Any, inputs: Any, output: Any, attributes: Any) -> Node:
    """A node of what a file says.

    Parameters
    ----------
    operation, inputs, output, attributes : anything

    Returns
    -------
    Node

    Raises
    ------
    BadInput
        For an operation that graphs do not have, or attributes that it does not take; names them.
    """
    names: list[Any] = inputs if isinstance(inputs, list) else [None]
    if not all(isinstance(name, str) for name in (operation, output, *names)):
        raise BadInput("a node must have an operation, names of inputs and a name")
    if operation not in OPERATIONS:
        raise BadInput(
            f"graphs have no operation {short(operation)}{nearest(operation, OPERATIONS)}"
        )
    if not isinstance(attributes, dict):
        raise BadInput(f"the attributes of {operation} must be named")
    known = ATTRIBUTES.get(operation, {})
    for name, value in attributes.items():
        if name not in known or not known[name](value):
            raise BadInput(f"{operation} has no {short(name)} of {short(value)}")
    fixed = {k: tuple(v) if isinstance(v, list) else v for k, v in attributes.items()}
    return Node(operation, tuple(names), output, fixed)


def shapes(graph: Graph, most: int = MOST) -> dict[str, Shape]:
    """Every value's shape for one sample, without computing any.

    Parameters
    ----------
    graph : of which network
    most : elements that a value may have

    Returns
    -------
    dict of str to tuple of int

    Raises
    ------
    BadInput
        For nodes that do not fit what they read, and values that are too large; names the node.
    """
    if len(graph.nodes) > NODES:
        raise BadInput(f"a graph has at most {NODES} nodes, not {len(graph.nodes)}")
    there: Mapping[str, torch.Tensor] = {
        **{name: torch.empty(shape, device="meta") for name, shape in graph.inputs.items()},
        **{name: torch.empty_like(t, device="meta") for name, t in graph.tensors.items()},
    }
    found = dict(there)
    for node in graph.nodes:
        try:
            made = OPERATIONS[node.operation].run(
                [found[name] for name in node.inputs], node.attributes, 1
            )
        except Exception as error:  # torch raises whatever comes
            why = str(error).partition("\n")[0]
            raise BadInput(
                f"{node.operation} cannot make `{node.output}`: {short(why, False)}"
            ) from error
        if made.numel() > most:
            raise BadInput(f"`{node.output}` would have {made.numel()} numbers, and {most} can be")
        found[node.output] = made
    return {name: tuple(value.shape) for name, value in found.items()}
