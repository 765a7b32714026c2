"""The intermediate representation: a network as values, constants and nodes. Frozen, and checked.

A graph is a list of nodes in the order they are computed. Each node applies an operation (rules.py: a
literal table) to one value and some constants, and makes one value. Passes turn a graph into a graph
that computes the same; `verify` (verify.py) runs after each of them, `run` (interpret.py) says in NumPy
what a graph means.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from bandstop.errors import Failure

STORAGES = ("dense", "blocks", "rows", "lanes")


@dataclass(frozen=True)
class Storage:
    """How a constant lies in the file; passes/storage.py chooses.

    kind        dense (every entry), blocks (groups of `block` neighbours that are not all zero), rows
                (single entries, row by row) or lanes (single entries, 16 rows side by side)
    index_bits  width of a stored position: 0 (none), 8 or 16
    block       entries that share one position; 1 for single entries
    bits        of a weight: 32 (float) or 8 (a whole number times a scale of its filter)
    """

    kind: str = "dense"
    index_bits: int = 0
    block: int = 1
    bits: int = 32

    def __post_init__(self) -> None:
        if self.kind not in STORAGES:
            raise Failure(f"storage must be one of {', '.join(STORAGES)}, not {self.kind!r}")
        if self.index_bits not in (0, 8, 16, 32) or (self.kind == "dense") != (
            self.index_bits == 0
        ):
            raise Failure(f"storage {self.kind} cannot have positions of {self.index_bits} bits")
        if self.block < 1 or self.bits not in (8, 32):
            raise Failure(f"storage: {self.block} entries a block of {self.bits} bits do not exist")


@dataclass(frozen=True, eq=False)
class Constant:
    """A tensor that is known when the file is made.

    data     float64 (rounded to float32 where it is written down) or whole numbers; read-only
    storage  None until it was chosen
    bits     8: weights that are whole numbers from -127 to 127, and are written as such
    """

    name: str
    data: np.ndarray
    storage: Storage | None = None
    bits: int = 32

    def __post_init__(self) -> None:
        kind = np.float64 if np.issubdtype(np.asarray(self.data).dtype, np.floating) else np.int64
        data = np.array(self.data, dtype=kind, order="C")
        data.setflags(write=False)
        object.__setattr__(self, "data", data)


@dataclass(frozen=True)
class Node:
    """output = operation(input; constants, attributes).

    constants   what the operation calls a constant -> the constant's name
    attributes  what the operation must know besides; see its rule
    """

    operation: str
    input: str
    output: str
    constants: Mapping[str, str] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Buffer:
    """Where a value lies in the scratch memory, in floats. `alive` is the first and the last node
    (indices) that touch it."""

    value: str
    offset: int
    floats: int
    alive: tuple[int, int]


@dataclass(frozen=True, eq=False)
class Graph:
    """Nodes in order, the constants they use, and the names by which the world knows some values.

    inputs   name -> shape of what may be handed in; 0 stands for any number of frames
    outputs  names of the values that are handed out
    classes  names, in the order of the logits
    reach    the largest |signal| that is taken (nn/reach.py): up to it nothing may overflow
    farthest the largest |coordinate| of a recording that is taken (Normalisation.farthest)
    buffers  empty until passes/buffers.py placed them
    """

    inputs: Mapping[str, tuple[int, ...]]
    nodes: tuple[Node, ...]
    constants: Mapping[str, Constant]
    outputs: tuple[str, ...]
    classes: tuple[str, ...]
    reach: float
    farthest: float
    buffers: tuple[Buffer, ...] = ()

    def node(self, operation: str) -> Node | None:
        """The only node of an operation, or None."""
        found = [n for n in self.nodes if n.operation == operation]
        if len(found) > 1:
            raise Failure(f"graph: {len(found)} nodes of {operation}, where one was expected")
        return found[0] if found else None

    def has(self, operation: str) -> bool:
        return any(n.operation == operation for n in self.nodes)

    def the(self, operation: str) -> Node:
        """The only node of an operation. Errors: Failure where there is none."""
        found = self.node(operation)
        if found is None:
            raise Failure(f"graph: no node of {operation}")
        return found

    def constant(self, node: Node, role: str) -> Constant:
        """What a node calls `role`."""
        return self.constants[node.constants[role]]

    def data(self, operation: str, role: str) -> np.ndarray:
        """The data of a constant of the only node of an operation."""
        return self.constant(self.the(operation), role).data

    def replaced(self, old: tuple[Node, ...], new: tuple[Node, ...], *constants: Constant) -> Graph:
        """With neighbouring nodes exchanged for others, and constants added or exchanged. Constants
        that nobody uses any more are dropped."""
        at = self.nodes.index(old[0])
        if self.nodes[at : at + len(old)] != old:
            raise Failure("graph: only neighbouring nodes can be replaced together")
        nodes = (*self.nodes[:at], *new, *self.nodes[at + len(old) :])
        used = {name for n in nodes for name in n.constants.values()}
        every = {**self.constants, **{c.name: c for c in constants}}
        return replace(self, nodes=nodes, constants={k: c for k, c in every.items() if k in used})

    def with_constants(self, *constants: Constant) -> Graph:
        """With constants exchanged for others of the same names."""
        return replace(self, constants={**self.constants, **{c.name: c for c in constants}})
