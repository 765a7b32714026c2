"""Weights of 8 bits in any graph: whole numbers from -127 to 127, and one scale a row of a product.

A row is what one output of a sum of products adds up: a filter of a convolution, a class of a dense layer,
a node of an adjacency. Its scale is the one, of some up to max |w| / 127, that loses least:
sum of E[x^2] (w - scale q)^2, x what a weight is multiplied with (our choice, as for the attention GCN).
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bandstop.compile.passes.quantise import best_scale, rounded
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
    found = values(graph, [samples])
    tensors, nodes, fresh = dict(graph.tensors), [], Names(graph).fresh
    for node in graph.nodes:
        if weight := weight_of(graph, node):
            name = fresh(f"{node.output}.int8")
            tensors[name] = rounded_rows(node, weight, found)
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


def rounded_rows(node: Node, weight: str, found: dict[str, Tensor]) -> Tensor:
    """The weights of a sum of products, each row rounded with the scale that loses least.

    Parameters
    ----------
    node : a convolution or an einsum
    weight : the name of its weights
    found : every value on samples, and every tensor

    Returns
    -------
    Tensor
        Of the weights' shape: a scale times whole numbers, the largest of each row 127.
    """
    whole, inner = found[weight], _within_row(node, weight, found[weight].ndim)
    outer = [d for d in range(whole.ndim) if d not in inner]
    order = [*outer, *inner]
    shape = [whole.shape[d] for d in order]
    rows, squares = (
        t.permute(order).reshape(math.prod(shape[: len(outer)]), -1).numpy()
        for t in (whole, _squares(node, weight, found))
    )
    scales = [best_scale(w, x) for w, x in zip(rows, squares, strict=True)]
    made = [scale * rounded(w, scale) for w, scale in zip(rows, scales, strict=True)]
    back = [order.index(d) for d in range(whole.ndim)]
    return torch.from_numpy(np.array(made)).view(shape).permute(back)


def _squares(node: Node, weight: str, found: dict[str, Tensor]) -> Tensor:
    """Sum of the squares of what each weight is multiplied with: a product is linear in its weights."""
    (batch,) = {found[n].shape[0] for n in node.inputs if n != weight}
    with torch.enable_grad():
        w = found[weight].detach().requires_grad_()
        inputs = [w if n == weight else found[n].square() for n in node.inputs]
        total = OPERATIONS[node.operation].run(inputs, node.attributes, batch).sum()
        return torch.autograd.grad(total, w)[0]


def _within_row(node: Node, weight: str, dims: int) -> list[int]:
    """The dimensions of a weight over which one output adds up."""
    if node.operation == "convolve":
        return list(range(1, dims))
    names, out = letters(node.attributes["equation"])
    word = names[node.inputs.index(weight)]
    return [d for d, letter in enumerate(word) if letter not in out]
