"""x W for each head: single weights or blocks of channels, vectorised across the nodes."""

from __future__ import annotations

import numpy as np

from bandstop.compile.c.text import TYPES, Part, filled, weights_of
from bandstop.compile.ir import Graph, Node, Storage
from bandstop.compile.layout import Array, Channels, filter_arrays, padded
from bandstop.compile.passes.storage import channels_of
from bandstop.compile.verify import shapes

CHANNEL = r"""
/* ---- $name: $channels channels, single weights; a row is skipped where nothing is left ---- */
#define ROW_VECS ($stride / LANES < 8 ? $stride / LANES : 8)
#define ROW_SETS (ROW_VECS < 8 ? 8 / ROW_VECS > 4 ? 4 : 8 / ROW_VECS : 1)
/* the rows of all sets are read at once: a load less for each */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && $row_bits <= 16
#  define ROWS_OF_SETS uint64_t rows = 0; memcpy(&rows, row, ROW_SETS * sizeof *row);
#  define ROW_OF_SET(q) (rows >> (q * $row_bits) & $row_mask)
#else
#  define ROWS_OF_SETS
#  define ROW_OF_SET(q) row[q]
#endif
typedef struct {
    const $row_type *row;
    const $weight_type *weight;
} filter_place;

/* out += the next n weights, each times its row of x */
INLINE void filter_channel(const float *x, filter_place *at, int n, vec *out, const int vecs)
{
    const $row_type *row = at->row;
    const $weight_type *weight = at->weight;
    vec sum[ROW_SETS][8];
    UNROLL for (int v = 0; v < vecs; v++) sum[0][v] = out[v];
    UNROLL for (int q = 1; q < ROW_SETS; q++)
        UNROLL for (int v = 0; v < vecs; v++) sum[q][v] = splat(0.0f);
    for (; n >= ROW_SETS; n -= ROW_SETS, row += ROW_SETS, weight += ROW_SETS) {
        ROWS_OF_SETS
        UNROLL for (int q = 0; q < ROW_SETS; q++) {
            const vec w = splat((float)weight[q]);
            const float *from = x + (size_t)ROW_OF_SET(q) * $stride;
            BY_POINTER(from);
            UNROLL for (int v = 0; v < vecs; v++)
                sum[q][v] = add_product(sum[q][v], w, load(from + v * LANES));
        }
    }
    for (; n > 0; n--, row++, weight++) {
        const vec w = splat((float)*weight);
        const float *from = x + (size_t)*row * $stride;
        BY_POINTER(from);
        UNROLL for (int v = 0; v < vecs; v++)
            sum[0][v] = add_product(sum[0][v], w, load(from + v * LANES));
    }
    UNROLL for (int q = 1; q < ROW_SETS; q++)
        UNROLL for (int v = 0; v < vecs; v++) sum[0][v] = add(sum[0][v], sum[q][v]);
    UNROLL for (int v = 0; v < vecs; v++) out[v] = sum[0][v];
    at->row = row;
    at->weight = weight;
}
"""

SINGLE = r"""
INLINE void filter_tile(const float *x, float *y, const int vecs, const int lane)
{
    filter_place at = {filter_row, filter_weight};
    (void)lane;
    for (int f = 0; f < $channels; f++, y += $stride) {
        vec sum[8];
        UNROLL for (int v = 0; v < vecs; v++) sum[v] = $begin;
        filter_channel(x, &at, (int)filter_count[f], sum, vecs);
        UNROLL for (int v = 0; v < vecs; v++) store(y + v * LANES, $end);
    }
}
"""

BLOCKS = r"""
/* ---- $name: $channels channels, $block side by side$skipping ---- */
#if LANES == 8 || defined(__SSE2__) && LANES == 4
#  define ROW_VECS 1
#else
#  define ROW_VECS ($stride / LANES < 2 ? $stride / LANES : 2)
#endif
INLINE void filter_block(const float *x, float *y, const float *bias, $row_arg const $weight_type *weight,
                         int n, const int width, const int vecs, const int lane)
{
    vec sum[$block][2];
    (void)bias;
    (void)lane;
    UNROLL for (int f = 0; f < width; f++)
        UNROLL for (int v = 0; v < vecs; v++) sum[f][v] = $begin_block;
    for (; n > 0; n--, weight += width) {
        const float *from = x$row_step;
        vec u[2];
        UNROLL for (int v = 0; v < vecs; v++) u[v] = load(from + v * LANES);
        UNROLL for (int f = 0; f < width; f++) {
            const vec w = splat((float)weight[f]);
            UNROLL for (int v = 0; v < vecs; v++) sum[f][v] = add_product(sum[f][v], w, u[v]);
        }
    }
    UNROLL for (int f = 0; f < width; f++)
        UNROLL for (int v = 0; v < vecs; v++)
            store(y + f * $stride + v * LANES, $end_block);
}

INLINE void filter_tile(const float *x, float *y, const int vecs, const int lane)
{
    const $weight_type *weight = filter_weight;
    const float *bias = $bias;
$pointers
    for (int k = 0; k < $segments; k++$segment_step) {
        for (int b = 0; b < $whole; b++, y += $block * $stride$bias_block) {
            const int n = $count;
            filter_block(x, y, bias, $row_value weight, n, $block, vecs, lane);
            weight += n * $block;$row_next
        }
$rest    }
}
"""

REST = r"""        {
            const int n = $count;
            filter_block(x, y, bias, $row_value weight, n, $width, vecs, lane);
            weight += n * $width;$row_next
            y += $width * $stride;$bias_next
        }
"""

CALL = r"""
static void $name(const float *restrict x, float *restrict y)
{
    int t = 0;
    for (; t + ROW_VECS <= $stride / LANES; t += ROW_VECS)
        filter_tile(x + t * LANES, y + t * LANES, ROW_VECS, t * LANES);
#if $stride / LANES % ROW_VECS
    filter_tile(x + t * LANES, y + t * LANES, $stride / LANES % ROW_VECS, t * LANES);
#endif
}
"""


def channels(graph: Graph, node: Node) -> Part:
    """filter, or filter_relu."""
    constant = graph.constant(node, "filters")
    storage = constant.storage
    assert storage is not None
    table = channels_of(graph, node)
    given = shapes(graph)[node.input]
    nodes, count = given[-2], len(table.first)
    stride, ends = padded(nodes), node.operation == "filter_relu"
    arrays = [Array(f"filter_{a.name}", a.data) for a in filter_arrays(table, storage)]
    if ends:
        bias = graph.constant(node, "bias").data
        arrays.append(Array("filter_bias", bias.astype(np.float32)))
    last = "lane_is_output" if ends and nodes != stride and reads_whole_rows(graph) else ""
    kinds = {a.name: TYPES[str(a.data.dtype)] for a in arrays}
    if storage.block == 1:
        code = channel(node.operation, count, stride, kinds, storage)
        code += filled(
            SINGLE,
            channels=count,
            stride=stride,
            begin="splat(filter_bias[f])" if ends else "splat(0.0f)",
            end=_end("sum[v]", ends, last),
        )
    else:
        code = _blocks(node, table, storage, stride, ends, last, kinds)
    code += filled(CALL, name=node.operation, stride=stride)
    macs = int((table.weights != 0).sum()) * nodes
    return Part("filters", tuple(arrays), code, f"{node.operation}(${{x}}, ${{y}});", macs)


def reads_whole_rows(graph: Graph) -> bool:
    """Whether the dense layer reads the lanes beyond the last output too: they must be zero then."""
    storage = graph.constant(graph.the("dense_bias"), "dense").storage
    return storage is not None and storage.kind == "dense"


def channel(name: str, count: int, stride: int, kinds: dict[str, str], storage: Storage) -> str:
    """The function that adds up one channel, in registers."""
    return filled(
        CHANNEL,
        name=name,
        channels=count,
        stride=stride,
        row_type=kinds["filter_row"],
        **weights_of(kinds["filter_weight"]),
        row_bits=storage.index_bits,
        row_mask=f"{(1 << storage.index_bits) - 1}u",
    )


def _end(value: str, ends: bool, last: str) -> str:
    if not ends:
        return value
    return f"times(relu({value}), load({last} + lane + v * LANES))" if last else f"relu({value})"


def _blocks(
    node: Node,
    table: Channels,
    storage: Storage,
    stride: int,
    ends: bool,
    last: str,
    kinds: dict[str, str],
) -> str:
    block = storage.block
    sparse = storage.kind != "dense"
    segments = len(np.unique(table.first)) if table.first.any() else 1
    each = len(table.first) // segments
    row = kinds.get("filter_row", "uint8_t")
    words = {
        "count": "(int)*count++" if sparse else table.rows,
        "row_value": "row," if sparse else "",
        "row_next": "\n            row += n;" if sparse else "",
    }
    rest, width = "", block
    left = each % block
    while left:
        width //= 2
        if left >= width:
            left -= width
            step = f"\n            bias += {width};" if ends else ""
            rest += filled(REST, width=width, stride=stride, bias_next=step, **words)
    count_type = kinds.get("filter_count", "uint8_t")
    pointers = (
        f"    const {row} *row = filter_row;\n    const {count_type} *count = filter_count;\n"
        if sparse
        else ""
    )
    step = "" if sparse or not table.first.any() else f", x += {table.rows} * {stride}"
    return filled(
        BLOCKS,
        name=node.operation,
        channels=len(table.first),
        block=block,
        skipping=", rows that none of them reads are skipped" if sparse else "",
        stride=stride,
        row_arg=f"const {row} *row," if sparse else "",
        row_step=f" + (size_t)*row++ * {stride}" if sparse else f"; x += {stride}",
        begin_block="splat(bias[f])" if ends else "splat(0.0f)",
        end_block=_end("sum[f][v]", ends, last),
        pointers=pointers,
        bias="filter_bias" if ends else "0",
        **weights_of(kinds["filter_weight"]),
        segments=segments,
        segment_step=step,
        whole=each // block,
        bias_block=f", bias += {block}" if ends else "",
        rest=rest,
        **words,
    )
