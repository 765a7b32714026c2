"""Where values lie in the caller's scratch memory: values that are never alive together share it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bandstop.compile.ir import Buffer, Graph
from bandstop.compile.layout import WIDE, padded
from bandstop.compile.verify import shapes


def faces(graph: Graph) -> bool:
    """Whether a recording is turned by where its two bodies stand."""
    about = graph.the("place").attributes
    return bool(about["view"] == "facing" and about["bodies"] > 1)


def moves(graph: Graph) -> bool:
    """Whether any speed is read."""
    features = graph.data("affine", "features")
    return bool((features >= 3 * graph.the("chunks").attributes["chunks"]).any())


def front_doubles(graph: Graph) -> int:
    """Sums that are kept while frames come in: see front_state in c/front.py."""
    chunks, about = graph.the("chunks").attributes, graph.the("place").attributes
    read = len(graph.data("affine", "joints"))
    every = 3 * about["bodies"] * about["joints"]
    each = 3 + 2 * moves(graph)
    own = chunks["chunks"] * (each * read + 3 + about["bodies"])
    return int(own + every * (1 + faces(graph)) + 4)


def floats(graph: Graph, value: str) -> int:
    """Scratch floats of a value: rows of nodes, padded; 0 for what the caller holds."""
    found = shapes(graph)
    if value == "means":
        return padded(2 * front_doubles(graph))
    if value == "signal":
        return padded(found[value][0] * found[value][1])
    maker = next(n for n in graph.nodes if n.output == value)
    if maker.operation == "network":  # its own memory
        return padded(maker.attributes["program"].floats)
    if value in graph.inputs or value in graph.outputs or value == "placed":
        return 0
    shape = found[value]
    if maker.operation == "paths":
        return padded(len(graph.constant(maker, "pairs").data))
    if maker.operation == "read":
        return 0 if graph.has("paths") else shape[1] * padded(shape[0])
    if len(shape) == 3:
        return shape[0] * shape[2] * padded(shape[1])
    return shape[0] * padded(shape[1])


def alive(graph: Graph, value: str) -> tuple[int, int]:
    """The first and the last node that touch a value."""
    made = next(i for i, n in enumerate(graph.nodes) if n.output == value)
    last = max(i for i, n in enumerate(graph.nodes) if n.input == value or i == made)
    if value == "means":
        last += 1  # place and affine are one function
    if value == "signal" and graph.has("paths"):
        last += 1  # the products multiplied out read the signal itself
    return made, last


@dataclass(frozen=True)
class PlanBuffers:
    """The largest value first, each at the lowest place that is free while it is alive."""

    name: str = "plan the buffers"
    needs: tuple[str, ...] = ()

    def apply(self, graph: Graph) -> Graph:
        sizes = {n.output: floats(graph, n.output) for n in graph.nodes}
        placed: list[Buffer] = []
        for value, size in sorted(sizes.items(), key=lambda item: -item[1]):
            if not size:
                continue
            first, last = alive(graph, value)
            offset = 0
            for other in sorted(placed, key=lambda b: b.offset):
                apart = last < other.alive[0] or other.alive[1] < first
                free = other.offset + other.floats <= offset or offset + size <= other.offset
                if not apart and not free:
                    offset = padded(other.offset + other.floats, WIDE)
            placed.append(Buffer(value, offset, size, (first, last)))
        return replace(graph, buffers=tuple(placed))
