"""Passes over the graph: one a file, each a frozen value with a name and one `apply`."""

from __future__ import annotations

from typing import Protocol

from bandstop.compile.ir import Graph
from bandstop.compile.passes.arrange import ArrangeChannels
from bandstop.compile.passes.buffers import PlanBuffers
from bandstop.compile.passes.dead import DropDeadGroups
from bandstop.compile.passes.fold import FoldNormalisation
from bandstop.compile.passes.fuse import Fuse
from bandstop.compile.passes.order import ORDERS, ChooseOrder
from bandstop.compile.passes.quantise import Quantise
from bandstop.compile.passes.storage import ChooseStorage
from bandstop.compile.passes.stream import StreamChannels
from bandstop.compile.verify import verify

__all__ = [
    "EXACT", "ORDERS", "PASSES", "ChooseOrder", "ChooseStorage", "DropDeadGroups",
    "FoldNormalisation", "Fuse", "Pass", "PlanBuffers", "Quantise", "run_passes",
]  # fmt: skip


class Pass(Protocol):
    """A graph in, a graph that computes the same out.

    Parameters
    ----------
    name : for messages
    needs : operations without which it has nothing to do
    """

    @property
    def name(self) -> str: ...
    @property
    def needs(self) -> tuple[str, ...]: ...

    def apply(self, graph: Graph) -> Graph: ...


EXACT: tuple[Pass, ...] = (FoldNormalisation(), DropDeadGroups())
"""What every target wants: less to compute, and nothing chosen for a machine yet."""

PASSES: tuple[Pass, ...] = (
    *EXACT,
    ArrangeChannels(),
    ChooseOrder(),
    Fuse(),
    ChooseStorage(),
    StreamChannels(),
    PlanBuffers(),
)
"""The C target's."""


def run_passes(graph: Graph, passes: tuple[Pass, ...] = PASSES) -> Graph:
    """One after the other, each verified. Errors: Failure, naming the pass that broke a rule."""
    verify(graph, "lowering")
    for each in passes:
        if all(graph.has(operation) for operation in each.needs):
            graph = verify(each.apply(graph), each.name)
    return graph
