"""Where values lie in the caller's scratch memory: values that are never alive together share it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bandstop.compile.ir import Buffer, Graph
from bandstop.compile.layout import WIDE, padded
from bandstop.compile.verify import shapes


def floats(graph: Graph, value: str) -> int:
    """Scratch floats of a value: rows of nodes, padded; 0 for what the caller holds."""
    found = shapes(graph)
    if value in graph.inputs or value in graph.outputs or value in ("means", "placed"):
        return padded(found[value][0] * found[value][1]) if value == "signal" else 0
    maker = next(n for n in graph.nodes if n.output == value)
    shape = found[value]
    if maker.operation == "paths":
        return padded(len(graph.constant(maker, "pairs").data))
    if maker.operation == "read":
        return 0 if graph.has("paths") else shape[1] * padded(shape[0])
    if len(shape) == 3:
        return shape[0] * shape[2] * padded(shape[1])
    return shape[0] * padded(shape[1])


@dataclass(frozen=True)
class PlanBuffers:
    """Each value in turn goes to the lowest place that is free while it is alive."""

    name: str = "plan the buffers"

    def apply(self, graph: Graph) -> Graph:
        placed: list[Buffer] = []
        values = ["signal", *(n.output for n in graph.nodes if n.output not in graph.inputs)]
        for value in values:
            size = floats(graph, value)
            if not size:
                continue
            made = next(i for i, n in enumerate(graph.nodes) if n.output == value)
            last = max(i for i, n in enumerate(graph.nodes) if n.input == value or i == made)
            if value == "u" and graph.has("paths"):
                continue
            if value == "signal" and graph.has("paths"):
                last += 1  # the products read the signal itself
            offset = 0
            for other in sorted(placed, key=lambda b: b.offset):
                apart = last < other.alive[0] or other.alive[1] < made
                if (
                    not apart
                    and offset < other.offset + other.floats
                    and other.offset < offset + size
                ):
                    offset = padded(other.offset + other.floats, WIDE)
            placed.append(Buffer(value, offset, size, (made, last)))
        return replace(graph, buffers=tuple(placed))
