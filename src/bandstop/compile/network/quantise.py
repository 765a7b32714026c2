"""Weights of 8 bits in any graph: whole numbers from -127 to 127, and one scale a row of a product.

A row is what one output of a sum of products adds up: a filter of a convolution, a class of a dense layer,
a node of an adjacency. Its scale is the one, of some up to max |w| / 127, that loses least:
sum of E[x^2] (w - scale q)^2, x what a weight is multiplied with (our choice, as for the attention GCN).
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from bandstop.compile.passes.quantise import LARGEST, SHRUNK
from bandstop.graph import Graph, Node, values
from bandstop.graph.graph import Names
from bandstop.graph.operations import OPERATIONS
from bandstop.graph.operations.contract import letters


@torch.no_grad()
def quantised(graph: Graph, samples: Tensor) -> Graph:
    """The graph with the weights of its sums of products rounded.

    Parameters
    ----------
    graph : simplified, of one input
    samples : what the input is like, with the batch first

    Returns
    -------
    Graph
        Every row of weights is whole numbers times its largest magnitude / 127.
    """
    weights = {n.output: name for n in graph.nodes if (name := weight_of(graph, n))}
    squares = {output: torch.zeros_like(graph.tensors[name]) for output, name in weights.items()}
    for sample in samples.split(1):
        found = values(graph, [sample])
        for node in graph.nodes:
            if node.output in weights:
                squares[node.output] += _squares(node, weights[node.output], found)
    tensors, nodes, fresh = dict(graph.tensors), [], Names(graph).fresh
    for node in graph.nodes:
        if weight := weights.get(node.output):
            name = fresh(f"{node.output}.int8")
            rows = _within_row(node, weight)
            tensors[name] = rounded(graph.tensors[weight], squares[node.output], rows)
            inputs = tuple(name if n == weight else n for n in node.inputs)
            nodes.append(replace(node, inputs=inputs))
        else:
            nodes.append(node)
    return replace(graph, nodes=tuple(nodes), tensors=tensors).pruned()


def weight_of(graph: Graph, node: Node) -> str | None:
    """The constant factor of a sum of products with a value, if a node is one."""
    known = [n for n in node.inputs if n in graph.tensors]
    linear = node.operation in ("einsum", "convolve") and len(node.inputs) == 2
    return known[0] if linear and len(known) == 1 else None


def _squares(node: Node, weight: str, found: dict[str, Tensor]) -> Tensor:
    """Sum of the squares of what each weight is multiplied with: a product is linear in its weights."""
    with torch.enable_grad():
        w = found[weight].detach().requires_grad_()
        inputs = [w if n == weight else found[n].square() for n in node.inputs]
        total = OPERATIONS[node.operation].run(inputs, node.attributes, 1).sum()
        return torch.autograd.grad(total, w)[0]


def _within_row(node: Node, weight: str) -> tuple[int, ...]:
    """The dimensions of a weight over which one output adds up."""
    if node.operation == "convolve":
        return (1, 2, 3, 4)
    names, out = letters(node.attributes["equation"])
    word = names[node.inputs.index(weight)]
    return tuple(d for d, letter in enumerate(word) if letter not in out)


def rounded(weight: Tensor, importance: Tensor, within: tuple[int, ...]) -> Tensor:
    """Each row with the scale that loses least.

    Parameters
    ----------
    weight : of any shape
    importance : mean square of what each of its elements is multiplied with, up to a factor
    within : dimensions of a row

    Returns
    -------
    Tensor
        Of the weight's shape: scale times whole numbers, the largest of each row 127.
    """
    within = tuple(d for d in within if d < weight.ndim)

    def over(f, x: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        return f(x, within, keepdim=True) if within else x

    most = over(torch.amax, weight.abs()).clamp(min=1e-30)
    best, least = weight, torch.full_like(most, torch.inf)
    for shrunk in SHRUNK.tolist():
        scale = most * shrunk / LARGEST
        made = (weight / scale).round().clamp(-LARGEST, LARGEST) * scale
        loss = over(torch.sum, importance * (weight - made).square())
        best, least = torch.where(loss < least, made, best), torch.minimum(loss, least)
    return best
