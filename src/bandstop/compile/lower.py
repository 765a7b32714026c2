"""From a compact network and its description to a graph: every step by itself, nothing merged yet."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from bandstop import graph as network
from bandstop.compile.ir import Constant, Graph, Node
from bandstop.compile.layout import padded
from bandstop.compile.network.lower import lower as steps_of
from bandstop.compile.ranked import Ranked
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.graph import GraphNet
from bandstop.graph.limits import largest_input
from bandstop.graph.simplify import simplify_ranked
from bandstop.nn import CompactGCN, reach

Net = CompactGCN | GraphNet
"""What is compiled: reads normalised signals (batch, node, feature), gives logits."""


def signal_shape(net: Net) -> tuple[int, int]:
    """Nodes and features of the signal that a network reads."""
    if isinstance(net, CompactGCN):
        return net.nodes, net.all_features
    (shape,) = net.graph.inputs.values()
    return shape[1], shape[2]


@torch.no_grad()
def lower(
    net: Net,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    ranked: Ranked | None = None,
) -> Graph:
    """A network and its description as a graph, nothing merged yet; with the ranks of its weights, where
    they are many rates and the network is a graph.

    frames -> chunks -> place -> normalise = signal -> read -> the network = logits -> softmax =
    probabilities; logits -> label.
    """
    if isinstance(net, CompactGCN):
        inner, constants, limit = _attention(net)
    else:
        inner, constants, limit = _network(net, len(classes), ranked)
    skeleton = description.skeleton
    constants = [
        Constant("mean", _array(normalisation.mean)),
        Constant("std", _array(normalisation.std)),
        *constants,
    ]
    own = {role: role for role in ("mean", "std", "joints", "features")}
    place = {
        "view": description.view,
        "bodies": skeleton.bodies,
        "joints": len(skeleton.joints),
        "up": skeleton.up,
        "side": skeleton.side,
    }
    chunks = {
        "chunks": description.chunks,
        "trim": description.trim,
        "bodies": skeleton.bodies,
        "speeds": description.speeds,
    }
    nodes = (
        Node("chunks", "frames", "means", {}, chunks),
        Node("place", "means", "placed", {}, place),
        Node("normalise", "placed", "signal", {r: own[r] for r in ("mean", "std")}),
        Node("read", "signal", "u", {r: own[r] for r in ("joints", "features")}),
        *inner,
        Node("softmax", "logits", "probabilities"),
        Node("label", "logits", "label"),
    )
    return Graph(
        inputs={"frames": (0, skeleton.nodes, 3), "signal": signal_shape(net)},
        nodes=nodes,
        constants={c.name: c for c in constants},
        outputs=("logits", "probabilities", "label"),
        classes=tuple(classes),
        reach=limit,
        farthest=normalisation.farthest(limit),
    )


def _attention(net: CompactGCN) -> tuple[tuple[Node, ...], list[Constant], float]:
    """mix -> filter -> join -> bias -> relu -> dense -> bias."""
    weights = {name: _array(w) for name, w in net.net.weights().items()}
    constants = [
        Constant("joints", _array(net.joints)),
        Constant("features", _array(net.features)),
        *(Constant(name, weights[name]) for name in ("attention", "filters", "dense")),
        Constant("filter_bias", _array(net.net.filter_bias)),
        Constant("class_bias", _array(net.net.class_bias)),
    ]
    nodes = (
        Node("mix", "u", "mixed", {"attention": "attention"}),
        Node("filter", "mixed", "filtered", {"filters": "filters"}),
        Node("join", "filtered", "joined", {}, {"fusion": net.shape.fusion}),
        Node("bias", "joined", "biased", {"bias": "filter_bias"}),
        Node("relu", "biased", "h"),
        Node("dense", "h", "wide", {"dense": "dense"}),
        Node("bias", "wide", "logits", {"bias": "class_bias"}),
    )
    return nodes, constants, reach(net.net)


def _network(
    net: GraphNet, classes: int, ranked: Ranked | None
) -> tuple[tuple[Node, ...], list[Constant], float]:
    """One node, of a graph whose input is what is read."""
    whole = net.graph_now
    joints, features, graph = taken(whole)
    own = {n: torch.from_numpy(r) for n, r in ranked.ranks.items()} if ranked else {}
    simple, ranks = simplify_ranked(graph, own)
    if ranked:
        ranked = replace(ranked, ranks={n: r.numpy() for n, r in ranks.items()})
    program = steps_of(simple, steps_between(simple, len(joints)), ranked)
    exact = graph.double()
    node = Node(
        "network", "u", "logits", {}, {"graph": exact, "program": program, "classes": classes}
    )
    constants = [Constant("joints", np.array(joints)), Constant("features", np.array(features))]
    return (node,), constants, largest_input(whole)


def steps_between(graph: network.Graph, joints: int) -> dict[str, tuple[int, ...]]:
    """How what is read lies in memory: input -> its strides."""
    (name,) = graph.inputs
    return {name: (0, 1, padded(joints))}


def taken(graph: network.Graph) -> tuple[list[int], list[int], network.Graph]:
    """Which nodes and features of its signal a graph reads, and the graph of those alone.

    Parameters
    ----------
    graph : of one input (1, node, feature)

    Returns
    -------
    list of int, list of int, Graph
        What its first nodes take of the input is what is read.
    """
    ((name, shape),) = graph.inputs.items()
    index = [list(range(n)) for n in shape]
    nodes = list(graph.nodes)
    while True:
        readers = [n for n in nodes if name in n.inputs]
        if (
            len(readers) != 1
            or name in graph.outputs
            or readers[0].operation not in ("door", "take")
        ):
            break
        (reader,) = readers
        if reader.operation == "take":
            d = reader.attributes["dim"]
            index[d] = [index[d][i] for i in reader.attributes["index"]]
        nodes.remove(reader)
        name = reader.output
    inputs = {name: tuple(len(each) for each in index)}
    return index[1], index[2], replace(graph, inputs=inputs, nodes=tuple(nodes))


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
