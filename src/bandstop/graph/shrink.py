"""Compaction of any graph: the same function in shorter axes.

A position on an axis goes if nothing that stands on it matters (reach.py), in every value that has the
axis: through residuals, normalisations and views it is one axis. What stands there is a constant, or
read by nobody. Constants that a sum of products took from there move into a constant of their own behind
it, so that nothing changes but rounding; at a border that is padded with zeros that constant differs
from place to place, and does so here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from bandstop.graph.axes import Axes, Dims, Positions
from bandstop.graph.graph import Graph, Names, Node
from bandstop.graph.operations import OPERATIONS
from bandstop.graph.reach import needed
from bandstop.graph.run import values

SUMS = ("einsum", "convolve", "sum")
"""Operations that add up over positions which may be gone."""


def placed(graph: Graph, shapes: Mapping[str, tuple[int, ...]]) -> tuple[dict[str, Dims], Axes]:
    """Every value's dimensions as axes, with all ties between them.

    Parameters
    ----------
    graph : of which network
    shapes : name of every value -> its shape for one sample

    Returns
    -------
    dict of str to Dims, and Axes
        Axes of outputs are held: what is handed out keeps its shape.
    """
    axes = Axes()
    dims = {name: axes.fresh(shape) for name, shape in shapes.items()}
    for node in graph.nodes:
        inputs = [dims[n] for n in node.inputs]
        OPERATIONS[node.operation].tie(inputs, dims[node.output], node.attributes, axes)
    for name in graph.outputs:
        axes.hold(*dims[name])
    return dims, axes


@torch.no_grad()
def shrink(graph: Graph) -> Graph:
    """The graph that computes the same in the shortest axes.

    Parameters
    ----------
    graph : with its weights masked: zeros are what does not count

    Returns
    -------
    Graph
        With the same inputs and outputs; positions of an input that nobody reads are passed over by
        nodes of its own behind it.
    """
    graph = _with_doors(graph)
    there = _somewhere(graph)
    shapes = {name: tuple(v.shape) for name, v in there.items()}
    matters = needed(graph, {})
    dims, axes = placed(graph, shapes)
    positions = Positions(axes, dims.values())
    for name, elements in matters.items():
        if name not in graph.inputs:
            positions.mark(dims[name], elements)
    for name in graph.inputs:
        axes.hold(*dims[name])
    positions.settle()
    masks = {name: [positions.mask(dim) for dim in dims[name]] for name in dims}

    nodes: list[Node] = []
    fresh = Names(graph).fresh
    tensors = {name: _cut(t, masks[name]) for name, t in graph.tensors.items()}
    for node in graph.nodes:
        if node.operation == "door":
            nodes += _passing(node, masks[node.output], fresh)
            continue
        operation = OPERATIONS[node.operation]
        attributes = operation.small(
            [dims[n] for n in node.inputs], dims[node.output], node.attributes, positions
        )
        constant = _lost(node, there, masks) if node.operation in SUMS else None
        if constant is None:
            nodes.append(Node(node.operation, node.inputs, node.output, attributes, node.place))
        else:
            bare, name = fresh(f"{node.output}.bare"), fresh(f"{node.output}.constant")
            nodes.append(Node(node.operation, node.inputs, bare, attributes, node.place))
            nodes.append(Node("add", (bare, name), node.output, {}, node.place))
            tensors[name] = constant
    return Graph(graph.inputs, tuple(nodes), tensors, graph.outputs).pruned()


def _somewhere(graph: Graph) -> dict[str, Tensor]:
    """Every value for some input: 0, or noise where a value of 0 is not finite."""
    like = next(iter(graph.tensors.values()), torch.zeros(()))
    random = torch.Generator().manual_seed(0)
    for size in (0.0, 1.0):
        noise = [size * torch.randn(s, generator=random).to(like) for s in graph.inputs.values()]
        there = values(graph, noise)
        if all(v.isfinite().all() for v in there.values()):
            break
    return there


def _with_doors(graph: Graph) -> Graph:
    """With a node behind each input, so that its axes can be cut and the input's cannot.

    Doors of an earlier time are gone: each is what it stands behind.
    """
    fresh = Names(graph).fresh
    names = {name: fresh(f"{name}.read") for name in graph.inputs}
    doors = [Node("door", (name,), new) for name, new in names.items()]
    nodes = []
    for n in graph.nodes:
        inputs = tuple(names.get(i, i) for i in n.inputs)
        if n.operation == "door":
            names[n.output] = inputs[0]
        else:
            nodes.append(Node(n.operation, inputs, n.output, n.attributes, n.place))
    outputs = tuple(names.get(n, n) for n in graph.outputs)
    return Graph(graph.inputs, (*doors, *nodes), graph.tensors, outputs)


def _passing(door: Node, masks: list[Tensor], fresh: Callable[[str], str]) -> list[Node]:
    """Nodes that take what is read of an input."""
    cut = [d for d, mask in enumerate(masks) if not mask.all()]
    if not cut:
        return [door]
    nodes, source = [], door.inputs[0]
    for place, d in enumerate(cut):
        output = door.output if place == len(cut) - 1 else fresh(f"{door.output}:{d}")
        index = masks[d].nonzero().flatten().tolist()
        nodes.append(Node("take", (source,), output, {"dim": d, "index": index}))
        source = output
    return nodes


def _cut(tensor: Tensor, masks: list[Tensor]) -> Tensor:
    for d, mask in enumerate(masks):
        if not mask.all():
            tensor = tensor.index_select(d, mask.nonzero().flatten().to(tensor.device))
    return tensor.clone()


def _within(shape: torch.Size, masks: list[Tensor], like: Tensor) -> Tensor:
    """1 where every position of an element stays, else 0."""
    inside = torch.ones(shape).to(like)
    for d, mask in enumerate(masks):
        view = [1] * len(shape)
        view[d] = -1
        inside = inside * mask.to(like).view(view)
    return inside


def _lost(
    node: Node, there: Mapping[str, Tensor], masks: Mapping[str, list[Tensor]]
) -> Tensor | None:
    """What a sum of products took from positions that are gone: the same for every input, or None."""
    whole = [there[n] for n in node.inputs]
    operation = OPERATIONS[node.operation]
    kept = [v * _within(v.shape, masks[n], v) for n, v in zip(node.inputs, whole, strict=True)]
    if all(torch.equal(k, v) for k, v in zip(kept, whole, strict=True)):
        return None
    # elements that stay may vary: they are left out of the difference by what is gone
    gone = [v - k for v, k in zip(whole, kept, strict=True)]
    if len(whole) == 1:
        lost = operation.run(gone, node.attributes, 1)
    else:
        (one, other), (one_gone, other_gone) = whole, gone
        lost = operation.run([one_gone, other], node.attributes, 1)
        lost = lost + operation.run([one - one_gone, other_gone], node.attributes, 1)
    lost = _cut(lost, masks[node.output])
    if not lost.any():
        return None
    for d in range(lost.ndim):  # as small as it can be told
        first = lost.narrow(d, 0, 1)
        if lost.shape[d] > 1 and torch.equal(lost, first.expand_as(lost)):
            lost = first.clone()
    return lost
