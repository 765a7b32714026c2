"""A graph in the making, node by node of an ONNX model: names, shapes of one sample, what is known."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bandstop.graph.graph import Graph, Node, Shape
from bandstop.graph.operations import OPERATIONS
from bandstop.graph.verify import MOST


class Unsupported(Exception):
    """Something that graphs do not have; its words say what."""


class Reader:
    """What has been read so far.

    Parameters
    ----------
    inputs : name -> shape of one sample, with the leading 1 of the batch
    constants : name -> array that is known before anything runs
    """

    def __init__(self, inputs: Mapping[str, Shape], constants: Mapping[str, np.ndarray]) -> None:
        self.inputs = dict(inputs)
        self.known: dict[str, np.ndarray] = dict(constants)
        self.shapes: dict[str, Shape] = dict(inputs)
        self.names = {name: name for name in inputs}
        self.nodes: list[Node] = []
        self.tensors: dict[str, Tensor] = {}
        self.count = 0

    def shape(self, name: str) -> Shape:
        """The shape of a value or a constant."""
        return tuple(self.known[name].shape) if name in self.known else self.shapes[name]

    def constant(self, name: str) -> np.ndarray:
        """An array that must be known. Raises Unsupported where it is computed from the input."""
        if name not in self.known:
            raise Unsupported("an operand that depends on the input where a constant is needed")
        return self.known[name]

    def whole(self, name: str) -> list[int]:
        """Whole numbers that must be known, as one list."""
        return [int(v) for v in np.asarray(self.constant(name)).reshape(-1)]

    def number(self, name: str) -> float:
        """One number that must be known."""
        value = np.asarray(self.constant(name))
        if value.size != 1:
            raise Unsupported("a tensor where one number is needed")
        return float(value.reshape(()))

    def value(self, name: str) -> str:
        """What the graph calls a value; a constant becomes one of its tensors."""
        if name in self.names:
            return self.names[name]
        array = self.known[name]
        if array.dtype == np.float16 or not np.issubdtype(array.dtype, np.floating):
            array = array.astype(np.float32)
        return self.tensor(array, name)

    def tensor(self, array: np.ndarray, name: str = "") -> str:
        """A constant of the graph."""
        self.count += 1
        own = name if name and name not in self.tensors else f"{name or 'constant'}:{self.count}"
        self.tensors[own] = torch.from_numpy(np.array(array))
        if name:
            self.names[name] = own
        self.shapes[own] = tuple(array.shape)
        return own

    def add(
        self, operation: str, inputs: Sequence[str], output: str = "", **attributes: Any
    ) -> str:
        """Append a node whose inputs are names in the graph; the name of what it makes, which is `output`
        in the model unless that is empty."""
        self.count += 1
        made = (
            f"{output or operation}:{self.count}" if output in self.shapes or not output else output
        )
        node = Node(operation, tuple(inputs), made, attributes, output)
        there = [torch.empty(self._of(name), device="meta") for name in inputs]
        found = OPERATIONS[operation].run(there, attributes, 1)
        if found.numel() > MOST:
            raise Unsupported(f"a value of {found.numel()} numbers")
        self.nodes.append(node)
        self.shapes[made] = tuple(found.shape)
        if output:
            self.names[output] = made
            self.shapes[output] = tuple(found.shape)
        return made

    def _of(self, name: str) -> Shape:
        return tuple(self.tensors[name].shape) if name in self.tensors else self.shapes[name]

    def view(self, source: str, shape: Sequence[int], output: str = "") -> str:
        """A reshape; a batch multiplies the first dimension."""
        if math.prod(shape) != math.prod(self._of(source)):
            raise Unsupported(f"a view of {tuple(self._of(source))} as {tuple(shape)}")
        return self.add("view", [source], output, shape=tuple(shape), batch=0 if shape else None)

    def same(self, name: str, output: str) -> None:
        """The output is the input under another name."""
        if name in self.known:
            self.known[output] = self.known[name]
        else:
            self.names[output], self.shapes[output] = self.names[name], self.shapes[name]

    def graph(self, outputs: Sequence[str]) -> Graph:
        """What was read, without what no output needs."""
        names = tuple(self.value(name) for name in outputs)
        return Graph(self.inputs, tuple(self.nodes), self.tensors, names).pruned()
