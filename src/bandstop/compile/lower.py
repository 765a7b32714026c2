"""From a compact network and its description to a graph: every step by itself, nothing merged yet."""

from __future__ import annotations

import numpy as np
import torch

from bandstop.compile.ir import Constant, Graph, Node
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.nn import CompactGCN, reach


@torch.no_grad()
def lower(
    net: CompactGCN,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
) -> Graph:
    """frames -> chunks -> place -> normalise = signal -> read -> mix -> filter -> join -> bias -> relu
    -> dense -> bias = logits -> softmax = probabilities; logits -> label."""
    skeleton = description.skeleton
    weights = {name: _array(w) for name, w in net.net.weights().items()}
    constants = [
        Constant("mean", _array(normalisation.mean)),
        Constant("std", _array(normalisation.std)),
        Constant("joints", _array(net.joints)),
        Constant("features", _array(net.features)),
        *(Constant(name, weights[name]) for name in ("attention", "filters", "dense")),
        Constant("filter_bias", _array(net.net.filter_bias)),
        Constant("class_bias", _array(net.net.class_bias)),
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
    limit = reach(net.net)
    nodes = (
        Node("chunks", "frames", "means", {}, chunks),
        Node("place", "means", "placed", {}, place),
        Node("normalise", "placed", "signal", {r: own[r] for r in ("mean", "std")}),
        Node("read", "signal", "u", {r: own[r] for r in ("joints", "features")}),
        Node("mix", "u", "mixed", {"attention": "attention"}),
        Node("filter", "mixed", "filtered", {"filters": "filters"}),
        Node("join", "filtered", "joined", {}, {"fusion": net.shape.fusion}),
        Node("bias", "joined", "biased", {"bias": "filter_bias"}),
        Node("relu", "biased", "h"),
        Node("dense", "h", "wide", {"dense": "dense"}),
        Node("bias", "wide", "logits", {"bias": "class_bias"}),
        Node("softmax", "logits", "probabilities"),
        Node("label", "logits", "label"),
    )
    return Graph(
        inputs={"frames": (0, skeleton.nodes, 3), "signal": (net.nodes, net.all_features)},
        nodes=nodes,
        constants={c.name: c for c in constants},
        outputs=("logits", "probabilities", "label"),
        classes=tuple(classes),
        reach=limit,
        farthest=normalisation.farthest(limit),
    )


def _array(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()
