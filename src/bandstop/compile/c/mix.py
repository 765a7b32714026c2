"""A x for each head: outputs are lanes, the rows of x (features or filters) are computed side by side."""

from __future__ import annotations

from bandstop.compile.c.channels import reads_whole_rows
from bandstop.compile.c.prelude import wide
from bandstop.compile.c.text import TYPES, Part, filled, weights_of
from bandstop.compile.ir import Graph, Node
from bandstop.compile.layout import WIDE, Array, attention_arrays, padded
from bandstop.compile.verify import shapes

DENSE = r"""
/* ---- $name: A x, $heads heads, $nodes nodes -> $outputs outputs, $rows rows of x ---- */
#if LANES == 8 || defined(__SSE2__) && LANES == 4
#  define MIX_ROWS 6
#else
#  define MIX_ROWS 12
#endif
INLINE void mix_tile(const $weight_type *a, const float *x, float *y, const int rows, const int vecs)
{
    vec sum[MIX_ROWS][2];
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++) sum[r][v] = $begin;
    for (int j = 0; j < $nodes; j++) {
        vec w[2];
        UNROLL for (int v = 0; v < vecs; v++) w[v] = $load(a + j * $stride_out + v * LANES);
        UNROLL for (int r = 0; r < rows; r++) {
            const vec s = splat(x[r * $stride_in + j]);
            UNROLL for (int v = 0; v < vecs; v++) sum[r][v] = add_product(sum[r][v], s, w[v]);
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
        UNROLL for (int v = 0; v < vecs; v++) store(y + r * $stride_out + v * LANES, sum[r][v]);
}

INLINE void mix_rows(const $weight_type *a, const float *x, float *y, const int rows)
{
    int t = 0;
    for (; t + 2 <= $stride_out / LANES; t += 2)
        mix_tile(a + t * LANES, x, y + t * LANES, rows, 2);
#if $stride_out / LANES % 2
    mix_tile(a + t * LANES, x, y + t * LANES, rows, 1);
#endif
}

static void mix(const float *restrict x, float *restrict y)
{
    for (int k = 0; k < $heads; k++) {
        const $weight_type *a = mix_weight + k * $nodes * $stride_out;
        const float *xk = x + k * $step_in;
        float *yk = y + k * $step_out;
        int r = 0;
        for (; r + MIX_ROWS <= $rows; r += MIX_ROWS)
            mix_rows(a, xk + r * $stride_in, yk + r * $stride_out, MIX_ROWS);
#if $rows % MIX_ROWS
        mix_rows(a, xk + r * $stride_in, yk + r * $stride_out, $rows % MIX_ROWS);
#endif
    }
}
"""

LANES = r"""
/* ---- $name: A x, $heads heads, $nodes nodes -> $outputs outputs, $rows rows of x.
   Lane i takes, slot by slot, the nodes that output i reads. ---- */
#define SLOT_ROWS 6
INLINE void mix_rows(const float *x, float *y, const $slots_type *slots, const $node_type *node,
                     const $weight_type *weight, int heads, int step_in, int step_out, const int rows)
{
#if LANES == 16 && VECTORS
    for (int k = 0; k < heads; k++, x += step_in, y += step_out) {
$registers        for (int t = 0; t < $stride_out; t += 16) {
            vec sum[SLOT_ROWS];
            UNROLL for (int r = 0; r < rows; r++) sum[r] = $begin;
            for (int n = *slots++; n > 0; n--, node += 16, weight += 16) {
                const __m512i at = $wide;
                const vec w = $load(weight);
                UNROLL for (int r = 0; r < rows; r++)
                    sum[r] = add_product(
                        sum[r], w, (vec)$look_up);
            }
            UNROLL for (int r = 0; r < rows; r++) store(y + r * $stride_out + t, sum[r]);
        }
    }
#else
    for (int k = 0; k < heads; k++, x += step_in, y += step_out)
        for (int t = 0; t < $stride_out; t += 16) {
            const int n = (int)*slots++;
            for (int r = 0; r < rows; r++) {
                const float *row = x + r * $stride_in;
                float sum[16];
                for (int i = 0; i < 16; i++) sum[i] = $begin_plain;
                for (int q = 0; q < n * 16; q += 16)
                    for (int i = 0; i < 16; i++) sum[i] += (float)weight[q + i] * row[node[q + i]];
                for (int i = 0; i < 16; i++) y[r * $stride_out + t + i] = sum[i];
            }
            node += n * 16;
            weight += n * 16;
        }
#endif
}

static void mix(const float *restrict x, float *restrict y)
{
    int r = 0;
    for (; r + SLOT_ROWS <= $rows; r += SLOT_ROWS)
        mix_rows(x + r * $stride_in, y + r * $stride_out, mix_slots, mix_node, mix_weight,
                 $heads, $step_in, $step_out, SLOT_ROWS);
#if $rows % SLOT_ROWS
    mix_rows(x + r * $stride_in, y + r * $stride_out, mix_slots, mix_node, mix_weight,
             $heads, $step_in, $step_out, $rows % SLOT_ROWS);
#endif
}
"""

REGISTERS = r"""        __m512 lo[SLOT_ROWS], hi[SLOT_ROWS];
        UNROLL for (int r = 0; r < rows; r++) {
            lo[r] = _mm512_loadu_ps(x + r * $stride_in);
            hi[r] = _mm512_loadu_ps(x + r * $stride_in + $upper);
        }
"""

RELU = r"""
static void mix_relu(const float *restrict x, float *restrict y)
{
    for (int f = 0; f < $channels; f++)
        for (int t = 0; t < $stride_out; t += LANES)
            store(y + f * $stride_out + t, splat(mix_bias[f]));
    mix(x, y);
    for (int f = 0; f < $channels; f++)
        for (int t = 0; t < $stride_out; t += LANES) {
            float *p = y + f * $stride_out + t;
            store(p, $mask);
        }
}
"""


def mix(graph: Graph, node: Node) -> Part:
    """mix, or mix_relu: there the heads are added onto the bias (or stand side by side), then relu."""
    constant = graph.constant(node, "attention")
    heads, outputs, nodes = constant.data.shape
    given = shapes(graph)[node.input]
    rows, shared = given[-1], len(given) == 2
    ends = node.operation == "mix_relu"
    summed = ends and node.attributes["fusion"] == "sum"
    stride_in, stride_out = padded(nodes), padded(outputs)
    few = stride_in <= 2 * WIDE
    storage = constant.storage
    assert storage is not None
    arrays = [Array(f"mix_{a.name}", a.data) for a in attention_arrays(constant.data, storage)]
    kinds = {a.name: TYPES[str(a.data.dtype)] for a in arrays}
    index = kinds.get("mix_node", "uint8_t")
    code = filled(
        DENSE if storage.kind == "dense" else LANES,
        name=node.operation,
        heads=heads,
        nodes=nodes,
        outputs=outputs,
        rows=rows,
        stride_in=stride_in,
        stride_out=stride_out,
        registers=filled(REGISTERS, stride_in=stride_in, upper=stride_in - WIDE) if few else "",
        look_up="_mm512_permutex2var_ps(lo[r], at, hi[r])"
        if few
        else f"gathered(at, x + r * {stride_in})",
        step_in=0 if shared else rows * stride_in,
        step_out=0 if summed else rows * stride_out,
        begin=(
            f"load(y + r * {stride_out} + {'v * LANES' if storage.kind == 'dense' else 't'})"
            if ends
            else "splat(0.0f)"
        ),
        begin_plain=f"y[r * {stride_out} + t + i]" if ends else "0.0f",
        node_type=index,
        **weights_of(kinds["mix_weight"]),
        slots_type=kinds.get("mix_slots", "uint8_t"),
        wide=wide(index, "node"),
    )
    if ends:
        bias = graph.constant(node, "bias").data
        arrays.append(Array("mix_bias", bias.astype("float32")))
        whole = outputs == stride_out or not reads_whole_rows(graph)
        code += filled(
            RELU,
            channels=len(bias),
            stride_out=stride_out,
            mask="relu(load(p))" if whole else "times(relu(load(p)), load(lane_is_output + t))",
        )
    nonzero = int((constant.data != 0).sum())
    macs = nonzero * rows
    return Part("attention", tuple(arrays), code, f"{node.operation}(${{x}}, ${{y}});", macs)
