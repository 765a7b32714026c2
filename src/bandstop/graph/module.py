"""A graph as an `nn.Module`: its tensors are parameters, and it can be trained on."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bandstop.graph.graph import Graph
from bandstop.graph.run import run


class GraphNet(nn.Module):
    """What a graph computes.

    Parameters
    ----------
    graph : of which network; its floating-point tensors become parameters
    trainable : names of those that a training may change; default: all
    """

    def __init__(self, graph: Graph, trainable: frozenset[str] | None = None) -> None:
        super().__init__()
        self.graph = graph.with_tensors({})
        self.names: dict[str, str] = {}
        for name, tensor in graph.tensors.items():
            attribute = name.replace(".", "_")
            while hasattr(self, attribute):
                attribute += "_"
            self.names[name] = attribute
            if tensor.is_floating_point() and (trainable is None or name in trainable):
                setattr(self, attribute, nn.Parameter(tensor.clone()))
            else:
                self.register_buffer(attribute, tensor.clone())

    @property
    def tensors(self) -> dict[str, Tensor]:
        """Name in the graph -> tensor as it is now."""
        return {name: getattr(self, attribute) for name, attribute in self.names.items()}

    @property
    def graph_now(self) -> Graph:
        """The graph with its tensors as they are now."""
        return self.graph.with_tensors({name: t.detach() for name, t in self.tensors.items()})

    def forward(self, *inputs: Tensor) -> Tensor | tuple[Tensor, ...]:
        """The outputs for a batch; a tuple where there are several."""
        found = run(self.graph, inputs, self.tensors)
        return found[0] if len(found) == 1 else found

    def extra_repr(self) -> str:
        weights = sum(t.numel() for t in self.tensors.values())
        left = sum(int(torch.count_nonzero(t)) for t in self.tensors.values())
        return f"{len(self.graph.nodes)} nodes, {weights} numbers, {left} of them not 0"
