"""The nodes and features that are read, feature by feature: one node a lane."""

from __future__ import annotations

import numpy as np

from bandstop.compile.c.text import Part, filled
from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import Array, index_bits, padded, unsigned
from bandstop.compile.verify import shapes

READ = r"""
/* ---- read: $nodes of $all_nodes nodes, $features of $width features ---- */
static void read_signal(const float *restrict x, float *restrict y)
{
    for (int f = 0; f < $features; f++) {
        const float *from = x + $feature;
        for (int j = 0; j < $nodes; j++) y[f * $stride + j] = from[$joint * $width];
    }$pad
}
"""
PAD = r"""
    for (int f = 0; f < $features; f++)
        for (int j = $nodes; j < $stride; j++) y[f * $stride + j] = 0.0f;"""


def read(graph: Graph, node: Node) -> Part:
    joints, features = (graph.constant(node, r).data for r in ("joints", "features"))
    all_nodes, width = shapes(graph)[node.input]
    stride = padded(len(joints))
    arrays = []
    joint, feature = "j", "f"
    if not np.array_equal(joints, np.arange(len(joints))):
        arrays.append(Array("read_joints", unsigned(joints, index_bits(all_nodes - 1))))
        joint = "(int)read_joints[j]"
    if not np.array_equal(features, np.arange(len(features))):
        arrays.append(Array("read_features", unsigned(features, index_bits(width - 1))))
        feature = "read_features[f]"
    code = filled(
        READ,
        nodes=len(joints),
        all_nodes=all_nodes,
        features=len(features),
        width=width,
        stride=stride,
        joint=joint,
        feature=feature,
        pad="" if stride == len(joints) else filled(PAD, features=len(features), nodes=len(joints),
                                                    stride=stride),
    )  # fmt: skip
    return Part("read", tuple(arrays), code, "read_signal(signal, ${y});")
