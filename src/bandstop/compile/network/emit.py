"""The C of any graph: one file and a header, no allocation, nothing but libm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.c.prelude import PRELUDE
from bandstop.compile.c.text import TYPES, filled, number
from bandstop.compile.network.lower import Program, lower
from bandstop.compile.network.steps import Rows
from bandstop.graph import Graph
from bandstop.graph.simplify import simplify

KERNELS = r"""
#include <math.h>
#include <string.h>

#if defined(__GNUC__)
#  define UNUSED __attribute__((unused)) /* not every network needs every function */
#else
#  define UNUSED
#endif
#if VECTORS && !defined(__clang__) /* clang looks for itself whether memory overlaps */
#  define IVDEP PRAGMA(GCC ivdep)
#else
#  define IVDEP
#endif

typedef struct {
    const uint32_t *start, *at, *offset; /* of a row's weights; of its offsets; offsets */
    const $weight_type *weight;
    const float *bias$scale;
$rank} network_table;

/* COUNT vectors of columns from c on, of every row: bias + sum of weight x in[offset + c] (+ plus) */
#define NETWORK_ROWS(COUNT)                                                                        \
    for (int row = 0; row < rows; row++) {                                                         \
        const uint32_t count = $count; \
        const $weight_type *const weight = t->weight + t->start[row];$row_scale \
        const uint32_t *const offset = t->offset + t->at[row];                                     \
        const size_t to = (size_t)row * (size_t)columns + (size_t)c;                               \
        vec sum[COUNT];                                                                            \
        UNROLL for (int v = 0; v < COUNT; v++) sum[v] = splat(t->bias[row]);                       \
        if (plus) UNROLL for (int v = 0; v < COUNT; v++)                                           \
            sum[v] = add(sum[v], load(plus + to + v * LANES));                                     \
        for (uint32_t k = 0; k < count; k++) {                                                     \
            const float *const x = in + offset[k] + c;                                             \
            const vec w = splat($weight); \
            UNROLL for (int v = 0; v < COUNT; v++)                                                 \
                sum[v] = add_product(sum[v], w, load(x + v * LANES));                              \
        }                                                                                          \
        UNROLL for (int v = 0; v < COUNT; v++)                                                     \
            store(out + to + v * LANES, rectify ? relu(sum[v]) : sum[v]);                          \
    }

UNUSED static void network_rows(const float *in, const network_table *t, float *out, const float *plus,
                         int rows, int columns, int rectify$counts)
{
    int c = 0;
    for (; c + 8 * LANES <= columns; c += 8 * LANES) NETWORK_ROWS(8)
    if (c + 4 * LANES <= columns) { NETWORK_ROWS(4) c += 4 * LANES; }
    if (c + 2 * LANES <= columns) { NETWORK_ROWS(2) c += 2 * LANES; }
    if (c + LANES <= columns) { NETWORK_ROWS(1) c += LANES; }
    if (c < columns && columns >= LANES) { /* the last vector again covers the rest */
        c = columns - LANES;
        NETWORK_ROWS(1)
    } else if (c < columns) {
        for (int row = 0; row < rows; row++) {
            const $weight_type *const weight = t->weight + t->start[row];$row_scale
            const uint32_t *const offset = t->offset + t->at[row];
            const uint32_t count = $count;
            float sum[LANES];
            for (int v = 0; v < columns; v++)
                sum[v] = t->bias[row] + (plus ? plus[row * columns + v] : 0.0f);
            for (uint32_t k = 0; k < count; k++)
                for (int v = 0; v < columns; v++) sum[v] += $weight * in[offset[k] + (uint32_t)v];
            for (int v = 0; v < columns; v++)
                out[row * columns + v] = rectify && sum[v] < 0.0f ? 0.0f : sum[v];
        }
    }
}

UNUSED static void network_dots(const float *in, const network_table *t, float *out, const float *plus,
                         int rows, int columns, int rectify$counts)
{
    (void)columns;
    for (int row = 0; row < rows; row++) {
        const $weight_type *const weight = t->weight + t->start[row];$row_scale
        const uint32_t *const offset = t->offset + t->at[row];
        const uint32_t count = $count;
        float sum[4] = {t->bias[row] + (plus ? plus[row] : 0.0f), 0.0f, 0.0f, 0.0f};
        uint32_t k = 0;
        for (; k + 4 <= count; k += 4)
            for (uint32_t v = 0; v < 4; v++) sum[v] += $weight_v * in[offset[k + v]];
        for (; k < count; k++) sum[0] += $weight * in[offset[k]];
        const float total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        out[row] = rectify && total < 0.0f ? 0.0f : total;
    }
}

/* out[r][w] = sum over k of in[r * step + offset[k]] weight[k][w], ROWS of r at a time; what a vector
   writes behind a row is written over by the next */
#define NETWORK_MIX(COUNT, ROWS)                                                                   \
    for (; r + ROWS <= rows; r += ROWS) {                                                          \
        vec sum[ROWS][COUNT];                                                                      \
        UNROLL for (int i = 0; i < ROWS; i++)                                                      \
            UNROLL for (int v = 0; v < COUNT; v++) sum[i][v] = splat(0.0f);                        \
        for (int k = 0; k < entries; k++) {                                                        \
            const float *const w = weight + k * stride;                                            \
            const float *const x = in + (size_t)r * (size_t)step + offset[k];                      \
            UNROLL for (int i = 0; i < ROWS; i++) {                                                \
                const vec here = splat(x[i * step]);                                               \
                UNROLL for (int v = 0; v < COUNT; v++)                                             \
                    sum[i][v] = add_product(sum[i][v], here, load(w + v * LANES));                 \
            }                                                                                      \
        }                                                                                          \
        UNROLL for (int i = 0; i < ROWS; i++)                                                      \
            UNROLL for (int v = 0; v < COUNT; v++)                                                 \
                store(out + (size_t)(r + i) * (size_t)width + v * LANES, sum[i][v]);               \
    }
#define NETWORK_MIX_CASE(COUNT, ROWS)                                                              \
    case COUNT: NETWORK_MIX(COUNT, ROWS) NETWORK_MIX(COUNT, 1) break;

UNUSED static void network_mix(const float *in, const uint32_t *offset, const float *weight, float *out,
                        int rows, int step, int entries, int width)
{
    const int stride = (width + 15) / 16 * 16;
    int r = 0;
    switch ((width + LANES - 1) / LANES) {
        NETWORK_MIX_CASE(1, 8)
        NETWORK_MIX_CASE(2, 4)
        NETWORK_MIX_CASE(3, 4)
        NETWORK_MIX_CASE(4, 2)
        NETWORK_MIX_CASE(5, 2)
        NETWORK_MIX_CASE(6, 2)
        NETWORK_MIX_CASE(7, 2)
        NETWORK_MIX_CASE(8, 2)
    }
}

/* out[k][w] = a[k * along + w * across], rows of whole vectors with zeros behind */
UNUSED static void network_laid(const float *a, int along, int across, float *out, int entries, int width)
{
    const int stride = (width + 15) / 16 * 16;
    for (int k = 0; k < entries; k++) {
        for (int w = 0; w < width; w++) out[k * stride + w] = a[k * along + w * across];
        for (int w = width; w < stride; w++) out[k * stride + w] = 0.0f;
    }
}

/* e^x within 1e-7 of itself for x >= -87 and held there below; tanh within 2e-7. Neither branches, so that
   a loop over them becomes vectors */
INLINE float network_exp(float x)
{
    const float most = x > 88.3f ? 88.3f : x, held = most < -87.0f ? -87.0f : most;
    const float shifted = held * 1.44269504f + 12582912.0f; /* its last bits: the nearest whole number n */
    uint32_t bits;
    memcpy(&bits, &shifted, sizeof bits); /* not shifted - 12582912, which -ffast-math would not round */
    const float n = (float)(int32_t)(bits - 0x4B400000u);
    const float r = (held - n * 0.693359375f) + n * 2.12194440e-4f;
    const float p = 1.0f + r * (1.0f + r * (0.499999921f + r * (0.166664202f
        + r * (0.0416682256f + r * (0.00837481580f + r * 0.00138368456f)))));
    float power;
    bits = (bits << 23) + 0x3F800000u;
    memcpy(&power, &bits, sizeof power);
    return x > 88.3f ? INFINITY : p * power;
}

INLINE float network_tanh(float x)
{
    const float a = fabsf(x), z = a * a;
    const float small = a + a * z * (-0.333332819f + z * (0.133314422f + z * (-0.0537397148f
        + z * (0.0206390866f - z * 0.00570498633f))));
    const float large = 1.0f - 2.0f / (network_exp(2.0f * a) + 1.0f);
    return copysignf(a < 0.625f ? small : large, x);
}

UNUSED static void network_softmax(const float *in, int in_step, float *out, int out_step, int count)
{
    float largest = in[0], sum = 0.0f;
    for (int i = 1; i < count; i++) largest = in[i * in_step] > largest ? in[i * in_step] : largest;
    for (int i = 0; i < count; i++) sum += out[i * out_step] = network_exp(in[i * in_step] - largest);
    for (int i = 0; i < count; i++) out[i * out_step] /= sum;
}

INLINE float network_relu(float x) { return x < 0.0f ? 0.0f : x; }
INLINE float network_sigmoid(float x) { return 1.0f / (1.0f + network_exp(-x)); }
INLINE float network_silu(float x) { return x / (1.0f + network_exp(-x)); }
INLINE float network_hardswish(float x) { return x * fminf(fmaxf(x + 3.0f, 0.0f), 6.0f) / 6.0f; }
INLINE float network_leaky(float x, float slope) { return x < 0.0f ? x * slope : x; }
INLINE float network_elu(float x, float alpha) { return x < 0.0f ? alpha * expm1f(x) : x; }
INLINE float network_gelu(float x) { return 0.5f * x * (1.0f + erff(x * 0.70710678f)); }
INLINE float network_gelu_tanh(float x)
{
    return 0.5f * x * (1.0f + network_tanh(0.79788456f * (x + 0.044715f * x * x * x)));
}
"""


@dataclass(frozen=True)
class NetworkSource:
    """A generated file, its header, shapes without the batch, and what one answer takes: bytes of
    scratch memory, weights stored, multiply-accumulates, bytes of read-only data."""

    name: str
    source: str
    header: str
    inputs: tuple[tuple[int, ...], ...]
    outputs: tuple[tuple[int, ...], ...]
    scratch: int
    weights: int
    macs: int
    flash: int = 0


def kernels(program: Program) -> str:
    """The functions that the steps call, for weights as the program stores them."""
    small, ranked = program.bits == 8, program.ranked
    return filled(
        KERNELS,
        weight_type="int8_t" if small else "float",
        scale=", *scale" if small else "",
        row_scale=" const float scale = t->scale[row];" if small else "",
        weight="scale * (float)weight[k]" if small else "weight[k]",
        weight_v="scale * (float)weight[k + v]" if small else "weight[k + v]",
        rank=f"    const uint{ranked.bits}_t *rank;\n" if ranked else "",
        count="counts[row]" if ranked else "t->start[row + 1] - t->start[row]",
        counts=", const uint32_t *counts" if ranked else "",
    )


def emit(graph: Graph, name: str = "network") -> NetworkSource:
    """The C file of a graph, for one sample.

    Parameters
    ----------
    graph : traced, and shrunk where that pays
    name : of the function and the files; a C identifier

    Returns
    -------
    NetworkSource

    Raises
    ------
    BadInput
        For operations that have no C.
    """
    program = lower(simplify(graph))
    inputs = [f"const float *in{i}" for i in range(len(program.inputs))]
    outputs = [f"float *out{i}" for i in range(len(program.outputs))]
    bytes_ = 4 * program.floats
    call = f"void {name}_run({', '.join([*inputs, *outputs, 'void *scratch'])})"
    shape = "\n".join(
        [f"   in{i}: {' x '.join(map(str, r.shape[1:]))}" for i, r in enumerate(program.inputs)]
        + [f"   out{i}: {' x '.join(map(str, r.shape[1:]))}" for i, r in enumerate(program.outputs)]
    )
    guard = f"{name.upper()}_H"
    header = f"""#ifndef {guard}
#define {guard}
#ifdef __cplusplus
extern "C" {{
#endif
#define {name.upper()}_SCRATCH_BYTES {bytes_}
/* One answer; arrays of floats, row-major:
{shape}
   scratch: {name.upper()}_SCRATCH_BYTES, aligned to 64; its content is of no interest before or after. */
{call};
#ifdef __cplusplus
}}
#endif
#endif
"""
    body = "    float *const memory = (float *)scratch;\n" + statements(program)
    source = (
        f'#include "{name}.h"\n#include <stdint.h>\n#include <stddef.h>\n{PRELUDE}\n{kernels(program)}\n'
        + "\n".join(data(program))
        + f"\n\n{call}\n{{\n{body}\n}}\n"
    )
    return NetworkSource(
        name,
        source,
        header,
        tuple(r.shape[1:] for r in program.inputs),
        tuple(r.shape[1:] for r in program.outputs),
        bytes_,
        sum(len(t.weight) for t in program.tables),
        macs(program),
        stored_bytes(program),
    )


def arrays(program: Program) -> dict[str, np.ndarray]:
    """Name in C -> the read-only arrays of a program."""
    found = {f"{t.name}_{part}": a for t in program.tables for part, a in t.arrays.items()}
    found |= {label: a.reshape(-1) for label, a in program.constants.items()}
    for held in program.held:
        found |= {held.name: held.values.reshape(-1), f"{held.name}_rank": held.rank.reshape(-1)}
    return found


def data(program: Program) -> list[str]:
    """The read-only arrays of a program in C, and its tables, which name them."""
    tables = [
        f"static const network_table {t.name} = {{{', '.join(f'{t.name}_{part}' for part in t.arrays)}}};"
        for t in program.tables
    ]
    return [*(_array(name, a) for name, a in arrays(program).items()), *tables]


def stored_bytes(program: Program) -> int:
    """Read-only bytes of a program: C knows no empty array."""
    return sum(max(1, a.size) * a.itemsize for a in arrays(program).values())


def statements(program: Program) -> str:
    """The steps of a program as the body of a function that has in0, …, out0, … and memory."""
    return "\n".join("    " + step.text() for step in program.steps)


def macs(program: Program) -> int:
    """Multiply-accumulates with weights that are not 0."""
    return sum(len(s.table.weight) * s.columns for s in program.steps if isinstance(s, Rows))


def _array(name: str, values: np.ndarray) -> str:
    kind = TYPES[str(values.dtype)]
    if not len(values):
        values = np.zeros(1, values.dtype)
    text = [number(v) for v in values] if kind == "float" else [str(v) for v in values.tolist()]
    lines, line = [], ""
    for item in text:
        if len(line) + len(item) > 100:
            lines.append(line)
            line = ""
        line += item + ","
    lines.append(line)
    return f"static const {kind} {name}[{len(values)}] ALIGNED = {{\n" + "\n".join(lines) + "\n};"
