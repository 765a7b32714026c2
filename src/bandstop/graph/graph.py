"""A network as a graph: nodes in the order they are computed, the tensors that they use, named values.

A graph is what a network *is*, apart from the code that it was written in. Each node applies one
operation (operations/: a literal table) to values; a value is an input of the network, one of its
tensors, or what an earlier node made. Shapes are those of one sample: wherever a batch goes along, its
size at the time of a run takes the place of the 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from bandstop.errors import BadInput, listed

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Node:
    """output = operation(inputs; attributes).

    Parameters
    ----------
    operation : name in `operations.OPERATIONS`
    inputs : names of values
    output : name of the value that it makes
    attributes : what the operation must know besides; see its file
    place : path of the module that it was written in, for messages
    """

    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    place: str = ""


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in order, the tensors they use, and what goes in and out.

    Parameters
    ----------
    inputs : name -> shape of one sample, with a leading 1 where the batch goes along
    nodes : in the order of computation
    tensors : name -> weights and other constants
    outputs : names of values, in the order in which they are handed out

    Raises
    ------
    BadInput
        For a value that is read before it is there, or that two nodes make.
    """

    inputs: Mapping[str, Shape]
    nodes: tuple[Node, ...]
    tensors: Mapping[str, Tensor]
    outputs: tuple[str, ...]

    def __post_init__(self) -> None:
        there = set(self.inputs) | set(self.tensors)
        problems = [f"`{n}` is an input and a tensor" for n in set(self.inputs) & set(self.tensors)]
        for node in self.nodes:
            problems += [
                f"{node.operation} reads `{name}`, which nothing before it makes"
                for name in node.inputs
                if name not in there
            ]
            if node.output in there:
                problems.append(f"`{node.output}` is made twice")
            there.add(node.output)
        problems += [f"output `{n}` is never made" for n in self.outputs if n not in there]
        if problems:
            raise BadInput(f"graph: {listed(problems)}")

    def with_tensors(self, tensors: Mapping[str, Tensor]) -> Graph:
        """With tensors exchanged for others of the same names.

        Parameters
        ----------
        tensors : name -> tensor; others stay as they are

        Returns
        -------
        Graph
        """
        return replace(self, tensors={**self.tensors, **tensors})

    def double(self) -> Graph:
        """With its floating tensors in double precision."""
        return self._in(torch.double)

    def float(self) -> Graph:
        """With its floating tensors in single precision."""
        return self._in(torch.float)

    def _in(self, type_: torch.dtype) -> Graph:
        found = {name: t.to(type_) for name, t in self.tensors.items() if t.is_floating_point()}
        return self.with_tensors(found)

    def pruned(self) -> Graph:
        """Without nodes and tensors that no output needs.

        Returns
        -------
        Graph
        """
        wanted, kept = set(self.outputs), []
        for node in reversed(self.nodes):
            if node.output in wanted:
                kept.append(node)
                wanted |= set(node.inputs)
        tensors = {name: t for name, t in self.tensors.items() if name in wanted}
        return replace(self, nodes=tuple(reversed(kept)), tensors=tensors)


class Names:
    """Names that a graph does not have yet, for what is added to it.

    Parameters
    ----------
    graph : which is changed
    """

    def __init__(self, graph: Graph) -> None:
        self.taken = {*graph.inputs, *graph.tensors, *(node.output for node in graph.nodes)}

    def fresh(self, name: str) -> str:
        """This name, with dots behind it where it is taken; from now on it is."""
        while name in self.taken:
            name += "."
        self.taken.add(name)
        return name
