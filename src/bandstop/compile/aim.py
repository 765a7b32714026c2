"""What the C is to be least of: time by the cost model, or flash or scratch memory by counting them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

from bandstop.compile.c.emit import footprint
from bandstop.compile.ir import Graph
from bandstop.compile.passes import (
    ChooseOrder,
    ChooseStorage,
    Fuse,
    Pass,
    PlanBuffers,
    run_passes,
)
from bandstop.compile.passes.order import costs_of
from bandstop.compile.passes.storage import candidates
from bandstop.compile.passes.stream import StreamChannels

AIMS = ("speed", "size", "ram")
COUNTED: dict[str, Callable[[tuple[int, int]], tuple[int, int]]] = {
    "size": lambda found: found,
    "ram": lambda found: (found[1], found[0]),
}
"""How (flash, scratch) are ranked; what is equal in the first is decided by the second."""


def least(
    graph: Graph, aim: str, order: str = "", storage: tuple[tuple[str, str], ...] = ()
) -> Graph:
    """The smallest of every order and storage: each is arranged to its end and counted; one is verified.

    graph           with dead groups dropped, channels arranged, and weights rounded if they are to be
    order, storage  what is not to be chosen
    """
    made: list[tuple[Graph, tuple[Pass, ...]]] = []
    for each in [order] if order else costs_of(graph):
        ordered = run_passes(graph, (ChooseOrder(each), Fuse()))
        roles = {
            role: sorted({s.kind for s in candidates(ordered, node, role)})
            for node in ordered.nodes
            for role in node.constants
        }
        free = {r: kinds for r, kinds in roles.items() if kinds and r not in dict(storage)}
        for kinds in product(*free.values()):
            chosen = ChooseStorage((*storage, *zip(free, kinds, strict=True)))
            made.append((ordered, (chosen, StreamChannels(), PlanBuffers())))
    return run_passes(*min(made, key=lambda each: COUNTED[aim](footprint(_arranged(*each)))))


def _arranged(graph: Graph, passes: tuple[Pass, ...]) -> Graph:
    for each in passes:
        graph = each.apply(graph)
    return graph
