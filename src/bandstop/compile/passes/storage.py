"""How each weight tensor lies in the file: the cheapest by the cost model, positions as narrow as fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bandstop.compile import cost
from bandstop.compile.ir import Constant, Graph, Node, Storage
from bandstop.compile.layout import Channels, index_bits
from bandstop.compile.verify import places, shapes

DENSE_BLOCK = 8
"""Channels that a dense product computes together: 16 accumulators of 16 lanes."""
SPARSE_BLOCK = 4


def channels_of(graph: Graph, node: Node) -> Channels:
    """The channels that a filter or filter_relu node computes."""
    summed = node.attributes.get("fusion") == "sum"
    shared = len(shapes(graph)[node.input]) == 2
    return Channels.of(graph.constant(node, "filters").data, summed, shared)


Candidates = dict[Storage, float]
"""Each storage that would do, and its cycles."""


def candidates(graph: Graph, node: Node, role: str) -> Candidates:
    """What a weight tensor may be stored as; empty for constants that are no weights."""
    if role not in ("attention", "filters", "dense"):
        return {}
    data, given = graph.constant(node, role).data, shapes(graph)[node.input]
    bits = index_bits(max(0, places(graph, node, role) - 1))
    if role == "attention":
        return {
            Storage(): cost.mix_dense(data, given[-1]),
            Storage("lanes", bits): cost.mix_lanes(data, given[-1]),
        }
    if role == "filters":
        channels, nodes = channels_of(graph, node), given[-2]
        return {
            Storage(block=DENSE_BLOCK): cost.channel_dense(channels, nodes),
            Storage("blocks", bits, SPARSE_BLOCK): cost.channel_blocks(
                channels, nodes, SPARSE_BLOCK
            ),
            Storage("rows", bits): cost.channel_blocks(channels, nodes, 1),
        }
    rows = {Storage("rows", bits): cost.dense_rows(data)}
    if graph.has("paths"):
        return rows
    lanes = Storage("lanes", index_bits(data.shape[1] - 1))
    return {Storage(): cost.dense_dense(data), lanes: cost.dense_lanes(data), **rows}


@dataclass(frozen=True)
class ChooseStorage:
    """forced: role -> kind of storage, where the choice is not to be the model's (tests, benchmarks)."""

    forced: tuple[tuple[str, str], ...] = ()
    name: str = "choose the storage of each tensor"
    needs: tuple[str, ...] = ()

    def apply(self, graph: Graph) -> Graph:
        made: list[Constant] = []
        for node in graph.nodes:
            for role, name in node.constants.items():
                found = candidates(graph, node, role)
                kind = dict(self.forced).get(role)
                found = {s: c for s, c in found.items() if s.kind == kind} or found
                if found:
                    best = min(found, key=found.__getitem__)
                    constant = graph.constants[name]
                    best = replace(best, bits=constant.bits)
                    made.append(replace(constant, storage=best))
        return graph.with_constants(*made)
