"""Graph to graph, before any C: what can be known is worked out, normalisation goes into weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from bandstop.graph.graph import Graph, Names, Node
from bandstop.graph.operations import OPERATIONS
from bandstop.graph.operations.contract import letters
from bandstop.graph.operations.maps import Function
from bandstop.graph.operations.move import Move

Ranks = dict[str, Tensor]
"""Tensor -> rank of each of its elements: a rate leaves those of a rank below a number, the rest is 0."""


@torch.no_grad()
def simplify(graph: Graph) -> Graph:
    """The graph without what can be computed beforehand.

    Parameters
    ----------
    graph : any

    Returns
    -------
    Graph
        No node has constants alone for inputs, and a product or a sum with a constant behind a linear
        operation is part of its weights where that is possible.
    """
    return simplify_ranked(graph, {})[0]


@torch.no_grad()
def simplify_ranked(graph: Graph, ranks: Mapping[str, Tensor]) -> tuple[Graph, Ranks]:
    """`simplify`, of a graph that stands for many rates.

    Parameters
    ----------
    graph : with every weight that any rate keeps
    ranks : tensor -> rank of each of its elements

    Returns
    -------
    Graph, and dict of str to Tensor
        The second for its own tensors. What adds up elements of several ranks is no tensor with ranks:
        that is left to be computed.
    """
    graph, ranks = _known(graph, ranks)
    graph = _scaled(graph, ranks).pruned()
    return graph, {name: rank for name, rank in ranks.items() if name in graph.tensors}


def _known(graph: Graph, ranks: Mapping[str, Tensor]) -> tuple[Graph, Ranks]:
    tensors, found, nodes = dict(graph.tensors), dict(ranks), []
    for node in graph.nodes:
        if not all(name in tensors for name in node.inputs):
            nodes.append(node)
            continue
        inputs = [tensors[name] for name in node.inputs]
        if any(name in found for name in node.inputs):
            carried = _carried(node, inputs, found)
            if carried is None:
                nodes.append(node)
                continue
            found[node.output] = carried
        tensors[node.output] = OPERATIONS[node.operation].run(inputs, node.attributes, 1)
    return replace(graph, nodes=tuple(nodes), tensors=tensors), found


def _carried(node: Node, inputs: list[Tensor], ranks: Ranks) -> Tensor | None:
    """The ranks of what a node makes, where each of its elements is 0 as soon as one of theirs is."""
    operation = OPERATIONS[node.operation]
    theirs = [
        ranks[name].double() if name in ranks else torch.zeros_like(t, dtype=torch.double)
        for name, t in zip(node.inputs, inputs, strict=True)
    ]
    if isinstance(operation, Move):
        return operation.run(theirs, node.attributes, 1).long()
    if node.operation == "multiply":
        return torch.maximum(*theirs).long()
    single = isinstance(operation, Function)
    if single and operation.run([torch.zeros(())], node.attributes, 1) == 0:
        return theirs[0].long()
    return None


def _scaled(graph: Graph, ranks: Ranks) -> Graph:
    """Weights that are scaled keep their ranks, which are added to `ranks` under their new names."""
    tensors, uses, names = dict(graph.tensors), _uses(graph), Names(graph)
    nodes: list[Node] = []
    at: dict[str, int] = {}
    for node in graph.nodes:
        made = _folded(node, nodes, at, tensors, uses, ranks, names)
        if made is None:
            at[node.output] = len(nodes)
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes), tensors=tensors)


def _uses(graph: Graph) -> dict[str, int]:
    found = dict.fromkeys(graph.outputs, 1)
    for node in graph.nodes:
        for name in node.inputs:
            found[name] = found.get(name, 0) + 1
    return found


def _folded(
    node: Node,
    nodes: list[Node],
    at: dict[str, int],
    tensors: dict[str, Tensor],
    uses: dict[str, int],
    ranks: Ranks,
    names: Names,
) -> bool | None:
    """Make a product with a constant part of the linear operation before it; None where it is not."""
    data = [name for name in node.inputs if name not in tensors]
    if node.operation not in ("multiply", "scale", "add") or len(data) != 1:
        return None
    (source,) = data
    if source not in at or uses[source] != 1 or any(name in ranks for name in node.inputs):
        return None
    before = nodes[at[source]]
    shift = None
    known = before.operation == "add" and before.inputs[1] in tensors
    if known and before.inputs[1] not in ranks and before.inputs[0] in at:
        shift, linear = before, nodes[at[before.inputs[0]]]
        if uses[before.inputs[0]] != 1:
            return None
    else:
        linear = before
    if linear.operation not in ("convolve", "einsum") or linear.inputs[-1] not in tensors:
        return None
    if len(linear.inputs) != 2 or linear.inputs[0] in tensors:
        return None
    if node.operation == "scale":
        scale, added = (
            torch.tensor(node.attributes["scale"]),
            torch.tensor(node.attributes["shift"]),
        )
    else:
        constant = tensors[next(name for name in node.inputs if name in tensors)]
        one, none = torch.ones(()), torch.zeros(())
        scale, added = (constant, none) if node.operation == "multiply" else (one, constant)
    weight = _times(linear, tensors[linear.inputs[1]], scale)
    bias = added if shift is None else tensors[shift.inputs[1]] * scale + added
    parts = [added] if shift is None else [added, tensors[shift.inputs[1]]]
    if weight is None or bias.numel() > max(part.numel() for part in parts):
        return None  # two short constants would become a long one
    name, bare, offset = (
        names.fresh(f"{node.output}.{part}") for part in ("weight", "bare", "bias")
    )
    tensors[name] = weight
    if linear.inputs[1] in ranks:
        ranks[name] = ranks[linear.inputs[1]]
    place = at[linear.output]
    nodes[place] = replace(linear, inputs=(linear.inputs[0], name), output=bare)
    at[bare] = place
    tensors[offset] = bias
    sum_ = Node("add", (bare, offset), node.output, {}, node.place)
    uses[bare] = 1
    if shift is not None:
        nodes[at[source]] = sum_
        at[node.output] = at[source]
    else:
        at[node.output] = len(nodes)
        nodes.append(sum_)
    return True


def _times(linear: Node, weight: Tensor, scale: Tensor) -> Tensor | None:
    """The weights of a linear operation whose output is scaled; None where no weights do that."""
    scale = scale.to(weight)
    if scale.numel() == 1:
        return weight * scale.reshape(())
    if linear.operation == "convolve":
        whole = (1,) * (weight.ndim - scale.ndim) + tuple(scale.shape)
        if any(n > 1 for d, n in enumerate(whole) if d != 1):
            return None
        return weight * scale.reshape(-1, *(1,) * (weight.ndim - 1))
    (_, own), out = letters(linear.attributes["equation"])
    whole = (1,) * (len(out) - scale.ndim) + tuple(scale.shape)
    varying = [letter for letter, n in zip(out, whole, strict=True) if n > 1]
    if any(letter not in own for letter in varying):
        return None
    named = scale.reshape([n for n in whole if n > 1])
    order = [letter for letter in own if letter in varying]
    named = named.permute([varying.index(letter) for letter in order])
    return weight * named.reshape(
        [weight.shape[d] if letter in varying else 1 for d, letter in enumerate(own)]
    )
