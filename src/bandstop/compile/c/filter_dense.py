"""Filters, relu and dense layer in one go: a channel's row of outputs never leaves the registers."""

from __future__ import annotations

import numpy as np

from bandstop.compile.c.channels import channel
from bandstop.compile.c.dense import LOGITS, scaled
from bandstop.compile.c.prelude import wide
from bandstop.compile.c.text import TYPES, Part, filled, weights_of
from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import WIDE, Array, class_lanes, dense_arrays, filter_arrays, padded
from bandstop.compile.passes.storage import channels_of
from bandstop.compile.verify import shapes

FUSED = r"""
/* A lane belongs to a class and takes, slot by slot, the outputs that it wants of the channel. */
static void filter_dense(const float *restrict x, float *restrict logits)
{
    filter_place at = {filter_row, filter_weight};
    const $slots_type *slots = dense_slots;
    const $node_type *node = dense_node;
    const $weight_type *weight = dense_weight;
#if LANES == 16 && VECTORS
    vec sum[$groups][2];
    UNROLL for (int g = 0; g < $groups; g++) sum[g][0] = sum[g][1] = splat(0.0f);
#else
    float lanes[$groups * 16] = {0.0f};
#endif
    for (int f = 0; f < $channels; f++) {
        vec h[8];
        UNROLL for (int v = 0; v < ROW_VECS; v++) h[v] = splat(filter_bias[f]);
        filter_channel(x, &at, (int)filter_count[f], h, ROW_VECS);
        UNROLL for (int v = 0; v < ROW_VECS; v++) h[v] = relu(h[v]);
#if LANES == 16 && VECTORS
        UNROLL for (int g = 0; g < $groups; g++)
            for (int n = (int)*slots++; n > 0; n--, node += 16, weight += 16) {
                const __m512i i = $wide;
                const vec s = add_product(
                    sum[g][0], $load(weight),
                    (vec)_mm512_permutex2var_ps((__m512)h[0], i, (__m512)h[ROW_VECS - 1]));
                sum[g][0] = sum[g][1]; /* two chains take turns */
                sum[g][1] = s;
            }
#else
        float row[$stride];
        UNROLL for (int v = 0; v < ROW_VECS; v++) store(row + v * LANES, h[v]);
        for (int g = 0; g < $groups; g++)
            for (int n = (int)*slots++; n > 0; n--, node += 16, weight += 16)
                for (int i = 0; i < 16; i++) lanes[g * 16 + i] += (float)weight[i] * row[node[i]];
#endif
    }
#if LANES == 16 && VECTORS
    float lanes[$groups * 16];
    UNROLL for (int g = 0; g < $groups; g++) store(lanes + g * 16, add(sum[g][0], sum[g][1]));
#endif
$logits}
"""


def filter_dense(graph: Graph, node: Node) -> Part:
    filters, dense = (graph.constant(node, role) for role in ("filters", "dense"))
    assert filters.storage is not None
    assert dense.storage is not None
    table = channels_of(graph, node)
    outputs, classes = dense.data.shape[1:]
    groups, each, lanes = class_lanes(classes)
    stride = padded(outputs)
    assert stride <= 2 * WIDE
    made = [Array(f"filter_{a.name}", a.data) for a in filter_arrays(table, filters.storage)]
    made += [Array(f"dense_{a.name}", a.data) for a in dense_arrays(dense.data, dense.storage)]
    made += [
        Array(name, graph.constant(node, role).data.astype(np.float32))
        for name, role in (("filter_bias", "bias"), ("dense_constant", "class_bias"))
    ]
    times = scaled(graph, node, made)
    kinds = {a.name: TYPES[str(a.data.dtype)] for a in made}
    count = len(table.first)
    code = channel(node.operation, count, stride, kinds, filters.storage)
    code += filled(
        FUSED,
        channels=count,
        groups=groups,
        logits=filled(LOGITS, classes=classes, each=each, lanes=lanes, times=times),
        stride=stride,
        **weights_of(kinds["dense_weight"]),
        slots_type=kinds["dense_slots"],
        node_type=kinds["dense_node"],
        wide=wide(kinds["dense_node"], "node"),
    )
    nodes = shapes(graph)[node.input][-2]
    macs = int((table.weights != 0).sum()) * nodes + int((dense.data != 0).sum())
    return Part("filters, dense", tuple(made), code, "filter_dense(${x}, logits);", macs)
