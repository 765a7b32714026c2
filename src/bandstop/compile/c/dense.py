"""logits = D h + bias."""

from __future__ import annotations

import numpy as np

from bandstop.compile.c.prelude import GATHER, wide
from bandstop.compile.c.text import TYPES, Part, filled, weights_of
from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import (
    WIDE,
    Array,
    Paths,
    class_lanes,
    dense_arrays,
    padded,
    sparse_dense_of_pairs,
)
from bandstop.compile.verify import shapes

DENSE = r"""
/* ---- $name: $channels channels at $outputs outputs -> $classes classes ---- */
INLINE void dense_classes(const float *h, const int first, float *logits, const int count)
{
    const $weight_type *weight = dense_weight + first * $outputs;
    vec sum[8];
    UNROLL for (int c = 0; c < count; c++) sum[c] = splat(0.0f);
    for (int f = 0; f < $channels; f++, h += $stride, weight += $classes * $outputs)
        UNROLL for (int v = 0; v < ($outputs + LANES - 1) / LANES; v++) {
            const vec x = load(h + v * LANES);
            UNROLL for (int c = 0; c < count; c++)
                sum[c] = add_product(sum[c], x, $load(weight + c * $outputs + v * LANES));
        }
    for (int c = 0; c < count; c++)
        logits[first + c] = dense_constant[first + c] + $times_of_first total(sum[c]);
}

static void dense_bias(const float *restrict h, float *restrict logits)
{
    int c = 0;
    for (; c + 8 <= $classes; c += 8)
        dense_classes(h, c, logits, 8);
#if $classes % 8
    dense_classes(h, c, logits, $classes % 8);
#endif
}
"""

ROWS = r"""
static void dense_bias(const float *restrict h, float *restrict logits)
{
    const $type *at = dense_at;
    const $weight_type *weight = dense_weight;
    for (int c = 0; c < $classes; c++) {
        const int n = (int)dense_count[c];
        logits[c] = dense_constant[c] + $times picked(h, at, weight, n);
        at += n * 16;
        weight += n * 16;
    }
}
"""


LANES = r"""
/* ---- $name: $channels channels at $outputs outputs -> $classes classes. A lane belongs to a class and
   takes, slot by slot, the outputs that it wants of a channel. ---- */
static void dense_bias(const float *restrict h, float *restrict logits)
{
    const $slots_type *slots = dense_slots;
    const $node_type *node = dense_node;
    const $weight_type *weight = dense_weight;
    float lanes[$groups * 16] = {0.0f};
#if LANES == 16 && VECTORS
    vec sum[$groups][2];
    UNROLL for (int g = 0; g < $groups; g++) sum[g][0] = sum[g][1] = splat(0.0f);
    for (int f = 0; f < $channels; f++, h += $stride) {$rows
        UNROLL for (int g = 0; g < $groups; g++) {
            const vec odd = sum[g][0]; /* two chains take turns */
            sum[g][0] = sum[g][1];
            sum[g][1] = odd;
            for (int n = (int)*slots++; n > 0; n--, node += 16, weight += 16) {
                const __m512i i = $wide;
                sum[g][1] = add_product(sum[g][1], $load(weight), (vec)$look_up);
            }
        }
    }
    UNROLL for (int g = 0; g < $groups; g++) store(lanes + g * 16, add(sum[g][0], sum[g][1]));
#else
    for (int f = 0; f < $channels; f++, h += $stride)
        for (int g = 0; g < $groups; g++)
            for (int n = (int)*slots++; n > 0; n--, node += 16, weight += 16)
                for (int i = 0; i < 16; i++) lanes[g * 16 + i] += (float)weight[i] * h[node[i]];
#endif
$logits}
"""

LOGITS = r"""    for (int c = 0; c < $classes; c++) {
        float s = 0.0f;
        for (int i = 0; i < $lanes; i++) s += lanes[c / $each * 16 + c % $each * $lanes + i];
        logits[c] = dense_constant[c] + $times s;
    }
"""

ROWS_IN_REGISTERS = r"""
        const __m512 lo = _mm512_loadu_ps(h), hi = _mm512_loadu_ps(h + $upper);"""


def scaled(graph: Graph, node: Node, arrays: list[Array]) -> str:
    """What a class's sum is multiplied with in C, if anything; the scales join the arrays."""
    scale = graph.constant(node, "scale").data
    if (scale == 1).all():
        return ""
    arrays.append(Array("dense_scale", scale.astype(np.float32)))
    return "dense_scale[c] *"


def dense(graph: Graph, node: Node) -> Part:
    """dense_bias."""
    constant = graph.constant(node, "dense")
    channels, outputs, classes = constant.data.shape
    storage = constant.storage
    assert storage is not None
    made = graph.node("paths")
    if made is None:
        found = dense_arrays(constant.data, storage)
    else:
        found = sparse_dense_of_pairs(
            constant.data, paths_of(graph, made).positions((channels, outputs))
        )
    arrays = [Array(f"dense_{a.name}", a.data) for a in found]
    bias = graph.constant(node, "bias").data.astype(np.float32)
    arrays.append(Array("dense_constant", bias))
    times = scaled(graph, node, arrays)
    kinds = {a.name: TYPES[str(a.data.dtype)] for a in arrays}
    stride = padded(outputs)
    words: dict[str, object] = {
        "name": node.operation,
        "channels": channels,
        "outputs": outputs,
        "classes": classes,
        "stride": stride,
        "times": times,
        **weights_of(kinds["dense_weight"]),
    }
    if storage.kind == "dense":
        first = times.replace("[c]", "[first + c]")
        code = filled(DENSE, **words, times_of_first=first)
        if stride != outputs:
            lanes_used = (np.arange(stride) < outputs).astype(np.float32)
            arrays.append(Array("lane_is_output", lanes_used))
    elif storage.kind == "lanes":
        groups, each, lanes = class_lanes(classes)
        few = stride <= 2 * WIDE
        code = filled(
            LANES,
            **words,
            groups=groups,
            logits=filled(LOGITS, classes=classes, each=each, lanes=lanes, times=times),
            slots_type=kinds["dense_slots"],
            node_type=kinds["dense_node"],
            rows=filled(ROWS_IN_REGISTERS, upper=stride - WIDE) if few else "",
            wide=wide(kinds["dense_node"], "node"),
            look_up="_mm512_permutex2var_ps(lo, i, hi)" if few else "gathered(i, h)",
        )
    else:
        kind = kinds["dense_at"]
        code = filled(GATHER, **words, type=kind, wide="WIDE_AT")
        code = code.replace("WIDE_AT(at)", wide(kind, "at")) + filled(ROWS, **words, type=kind)
    macs = int((constant.data != 0).sum())
    return Part("dense", tuple(arrays), code, "dense_bias(${x}, logits);", macs)


def paths_of(graph: Graph, node: Node) -> Paths:
    values = [graph.constant(node, role).data for role in ("weights", "sources", "starts", "pairs")]
    return Paths(*values)


PATHS = r"""
/* ---- paths: both products multiplied out, $pairs pairs of channel and output ---- */
static void paths(const float *restrict x, float *restrict h)
{
    const $type *source = paths_source;
    const float *weight = paths_weight;
    for (int g = 0; g < $groups; g++, h += 16) {
        int n = (int)paths_slots[g];
#if LANES == 16 && VECTORS
        vec sum = load(paths_bias + g * 16);
        for (; n > 0; n--, source += 16, weight += 16)
            sum = add_product(sum, gathered($wide, x), load(weight));
        store(h, relu(sum));
#else
        float sum[16];
        for (int i = 0; i < 16; i++) sum[i] = paths_bias[g * 16 + i];
        for (; n > 0; n--, source += 16, weight += 16)
            for (int i = 0; i < 16; i++) sum[i] += weight[i] * x[source[i]];
        for (int i = 0; i < 16; i++) h[i] = sum[i] < 0.0f ? 0.0f : sum[i];
#endif
    }
}
"""


def paths(graph: Graph, node: Node) -> Part:
    """Reads the signal itself: a source is a place in it."""
    table = paths_of(graph, node)
    read = graph.the("read")
    joints, features = (graph.constant(read, r).data for r in ("joints", "features"))
    width = shapes(graph)[read.input][1]
    address = (joints[:, None] * width + features[None, :]).ravel()
    arrays = [
        Array(f"paths_{a.name}", a.data)
        for a in table.arrays(address, graph.constant(node, "bias").data)
    ]
    kind = TYPES[str(next(a for a in arrays if a.name == "paths_source").data.dtype)]
    code = filled(
        PATHS,
        pairs=len(table.pairs),
        groups=table.groups,
        type=kind,
        wide=wide(kind, "source"),
    )
    return Part("products", tuple(arrays), code, "paths(signal, ${y});", len(table.weights))
