"""What a graph means: its values, in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from bandstop.errors import BadInput
from bandstop.graph.graph import Graph
from bandstop.graph.operations import OPERATIONS


def values(
    graph: Graph, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor] | None = None
) -> dict[str, Tensor]:
    """Every value of a graph.

    Parameters
    ----------
    graph : what to compute
    inputs : one for each of its inputs, batch first
    tensors : in place of its own

    Returns
    -------
    dict of str to Tensor

    Raises
    ------
    BadInput
        For another number of inputs, or shapes that are not the graph's; names both.
    """
    if len(inputs) != len(graph.inputs):
        raise BadInput(f"the network takes {len(graph.inputs)} inputs, not {len(inputs)}")
    for (name, shape), x in zip(graph.inputs.items(), inputs, strict=True):
        if tuple(x.shape[1:]) != tuple(shape[1:]) or x.ndim != len(shape):
            raise BadInput(
                f"`{name}` must have shape (batch, {', '.join(map(str, shape[1:]))}), not "
                f"{tuple(x.shape)}"
            )
    batch = inputs[0].shape[0]
    found = {**graph.tensors, **(tensors or {}), **dict(zip(graph.inputs, inputs, strict=True))}
    for node in graph.nodes:
        operation = OPERATIONS[node.operation]
        arguments = [found[name] for name in node.inputs]
        found[node.output] = operation.run(arguments, node.attributes, batch)
    return found


def run(
    graph: Graph, inputs: Sequence[Tensor], tensors: Mapping[str, Tensor] | None = None
) -> tuple[Tensor, ...]:
    """The outputs of a graph; parameters and errors as in `values`."""
    found = values(graph, inputs, tensors)
    return tuple(found[name] for name in graph.outputs)
