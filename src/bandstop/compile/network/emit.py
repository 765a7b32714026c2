"""The C of any graph: one file and a header, no allocation, nothing but libm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bandstop.compile.c.prelude import PRELUDE
from bandstop.compile.c.text import number
from bandstop.compile.network.lower import Program, lower
from bandstop.compile.network.simplify import simplify
from bandstop.graph import Graph

KERNELS = r"""
#include <math.h>
#include <string.h>

#if defined(__clang__)
#  define IVDEP PRAGMA(clang loop vectorize(assume_safety))
#elif defined(__GNUC__)
#  define IVDEP PRAGMA(GCC ivdep)
#else
#  define IVDEP
#endif

/* out[row][c] = bias[row] + sum of weight x in[offset + c], for COUNT vectors of columns from c on */
#define NETWORK_BLOCK(COUNT)                                                                       \
    {                                                                                              \
        vec sum[COUNT];                                                                            \
        UNROLL for (int v = 0; v < COUNT; v++) sum[v] = splat(bias[row]);                          \
        for (uint32_t k = 0; k < count; k++) {                                                     \
            const float *x = in + offset[k] + c;                                                   \
            const vec w = splat(weight[k]);                                                        \
            UNROLL for (int v = 0; v < COUNT; v++) sum[v] = add_product(sum[v], w, load(x + v * LANES)); \
        }                                                                                          \
        UNROLL for (int v = 0; v < COUNT; v++)                                                     \
            store(to + c + v * LANES, rectify ? relu(sum[v]) : sum[v]);                            \
    }

#define NETWORK_ROWS(COUNT)                                                                        \
    for (int row = 0; row < rows; row++) {                                                         \
        const uint32_t count = start[row + 1] - start[row];                                        \
        const float *weight = weights + start[row];                                                \
        const uint32_t *offset = offsets + at[row];                                                \
        float *to = out + (size_t)row * (size_t)columns;                                           \
        NETWORK_BLOCK(COUNT)                                                                       \
    }

static void network_rows(const float *in, const uint32_t *start, const uint32_t *at,
                         const uint32_t *offsets, const float *weights, const float *bias,
                         float *out, int rows, int columns, int rectify)
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
            const float *weight = weights + start[row];
            const uint32_t *offset = offsets + at[row];
            const uint32_t count = start[row + 1] - start[row];
            float sum[LANES];
            for (int v = 0; v < columns; v++) sum[v] = bias[row];
            for (uint32_t k = 0; k < count; k++)
                for (int v = 0; v < columns; v++) sum[v] += weight[k] * in[offset[k] + (uint32_t)v];
            for (int v = 0; v < columns; v++)
                out[row * columns + v] = rectify && sum[v] < 0.0f ? 0.0f : sum[v];
        }
    }
}

static void network_dots(const float *in, const uint32_t *start, const uint32_t *at,
                         const uint32_t *offsets, const float *weights, const float *bias,
                         float *out, int rows, int columns, int rectify)
{
    (void)columns;
    for (int row = 0; row < rows; row++) {
        const float *weight = weights + start[row];
        const uint32_t *offset = offsets + at[row];
        const uint32_t count = start[row + 1] - start[row];
        float sum[4] = {bias[row], 0.0f, 0.0f, 0.0f};
        uint32_t k = 0;
        for (; k + 4 <= count; k += 4)
            for (uint32_t v = 0; v < 4; v++) sum[v] += weight[k + v] * in[offset[k + v]];
        for (; k < count; k++) sum[0] += weight[k] * in[offset[k]];
        const float total = (sum[0] + sum[1]) + (sum[2] + sum[3]);
        out[row] = rectify && total < 0.0f ? 0.0f : total;
    }
}

static void network_softmax(const float *in, int in_step, float *out, int out_step, int count)
{
    float largest = in[0], sum = 0.0f;
    for (int i = 1; i < count; i++) largest = in[i * in_step] > largest ? in[i * in_step] : largest;
    for (int i = 0; i < count; i++) sum += out[i * out_step] = expf(in[i * in_step] - largest);
    for (int i = 0; i < count; i++) out[i * out_step] /= sum;
}

static void network_standardise(const float *in, float *out, int count, float eps)
{
    float mean = 0.0f, square = 0.0f;
    for (int i = 0; i < count; i++) mean += in[i];
    mean /= (float)count;
    for (int i = 0; i < count; i++) square += (in[i] - mean) * (in[i] - mean);
    const float scale = 1.0f / sqrtf(square / (float)count + eps);
    for (int i = 0; i < count; i++) out[i] = (in[i] - mean) * scale;
}
"""


@dataclass(frozen=True)
class NetworkSource:
    """A generated file, its header, and what one answer takes."""

    name: str
    source: str
    header: str
    scratch: int
    weights: int
    macs: int


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
    arrays = [text for t in program.tables for text in _table(t)]
    arrays += [_array("float", label, a.reshape(-1)) for label, a in program.constants.items()]
    steps = "\n".join("    " + step.text() for step in program.steps)
    body = "    float *const memory = (float *)scratch;\n" + steps
    source = (
        f'#include "{name}.h"\n#include <stdint.h>\n#include <stddef.h>\n{PRELUDE}\n{KERNELS}\n'
        + "\n".join(arrays)
        + f"\n\n{call}\n{{\n{body}\n}}\n"
    )
    return NetworkSource(
        name, source, header, bytes_, sum(len(t.weight) for t in program.tables), _macs(program)
    )


def _macs(program: Program) -> int:
    from bandstop.compile.network.steps import Rows

    weights = {t.name: len(t.weight) for t in program.tables}
    return sum(weights[s.table] * s.columns for s in program.steps if isinstance(s, Rows))


def _table(t) -> list[str]:  # type: ignore[no-untyped-def]
    return [
        _array("uint32_t", f"{t.name}_start", t.start),
        _array("uint32_t", f"{t.name}_at", t.at),
        _array("uint32_t", f"{t.name}_offset", t.offset),
        _array("float", f"{t.name}_weight", t.weight),
        _array("float", f"{t.name}_bias", t.bias),
    ]


def _array(kind: str, name: str, values: np.ndarray) -> str:
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
