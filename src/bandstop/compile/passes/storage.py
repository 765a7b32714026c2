"""How each weight tensor lies in the file: the cheapest by the cost model, positions as narrow as fit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bandstop.compile import cost
from bandstop.compile.ir import Constant, Graph, Node, Storage
from bandstop.compile.layout import Channels, index_bits, padded
from bandstop.compile.verify import shapes

DENSE_BLOCK = 8
"""Channels that a dense product computes together: 16 accumulators of 16 lanes."""
SPARSE_BLOCK = 4


def channels_of(graph: Graph, node: Node) -> Channels:
    """The channels that a filter or filter_relu node computes."""
    summed = node.operation == "filter_relu" and node.attributes["fusion"] == "sum"
    shared = len(shapes(graph)[node.input]) == 2
    return Channels.of(graph.constant(node, "filters").data, summed, shared)


Candidates = dict[Storage, float]
"""Each storage that would do, and its cycles."""


def of_attention(attention: np.ndarray, width: int) -> Candidates:
    """width: rows that each weight works on."""
    bits = index_bits(attention.shape[2] - 1)
    return {
        Storage(): cost.mix_dense(attention, width),
        Storage("lanes", bits): cost.mix_lanes(attention, width),
    }


def of_channels(channels: Channels, nodes: int) -> Candidates:
    bits = index_bits(int(channels.first.max()) + channels.rows - 1)
    return {
        Storage(block=DENSE_BLOCK): cost.channel_dense(channels, nodes),
        Storage("blocks", bits, SPARSE_BLOCK): cost.channel_blocks(channels, nodes, SPARSE_BLOCK),
        Storage("rows", bits): cost.channel_blocks(channels, nodes, 1),
    }


def of_dense(dense: np.ndarray, places: int, after_paths: bool) -> Candidates:
    """places: where a value of h may lie. After the products multiplied out it has no rows."""
    rows = {Storage("rows", index_bits(places - 1)): cost.dense_rows(dense)}
    return rows if after_paths else {Storage(): cost.dense_dense(dense), **rows}


def candidates(graph: Graph, node: Node, role: str) -> Candidates:
    """What a weight tensor may be stored as; empty for constants that are no weights."""
    data, given = graph.constant(node, role).data, shapes(graph)[node.input]
    if role == "attention":
        return of_attention(data, given[-1])
    if role == "filters":
        return of_channels(channels_of(graph, node), given[-2])
    if role == "dense":
        made = graph.node("paths")
        if made is not None:
            return of_dense(data, padded(len(graph.constant(made, "pairs").data)), True)
        return of_dense(data, data.shape[0] * padded(data.shape[1]), False)
    return {}


@dataclass(frozen=True)
class ChooseStorage:
    """forced: role -> kind of storage, where the choice is not to be the model's (tests, benchmarks)."""

    forced: tuple[tuple[str, str], ...] = ()
    name: str = "choose the storage of each tensor"

    def apply(self, graph: Graph) -> Graph:
        made: list[Constant] = []
        for node in graph.nodes:
            for role, name in node.constants.items():
                found = candidates(graph, node, role)
                kind = dict(self.forced).get(role)
                found = {s: c for s, c in found.items() if s.kind == kind} or found
                if found:
                    best = min(found, key=found.__getitem__)
                    made.append(replace(graph.constants[name], storage=best))
        return graph.with_constants(*made)
