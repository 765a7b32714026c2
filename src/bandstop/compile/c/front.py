"""From raw frames to the signal: temporal chunking, centre, view, normalisation.

The rule is data/describe.py's, as a sum over frames: frame t counts in chunk k with the length of
[t, t + 1) that lies in [b_k, b_(k+1)), b_k = T (trim + (1 - 2 trim) k / M). So a sequence at once and
the same frames one by one are the same additions in the same order.
"""

from __future__ import annotations

import numpy as np

from bandstop.compile.c.text import Part, filled
from bandstop.compile.ir import Graph
from bandstop.compile.layout import Array, index_bits, unsigned

TEMPLATE = r"""
/* ---- frames -> signal: chunk averages, centred, turned, normalised ---- */
typedef struct {
    double sum[$chunks][$read * 3]; /* of each node that is read, in each chunk */
    double all[3];                  /* of all nodes, in all chunks */
    double between[3];              /* from the first body to the second */
} front_state;

INLINE double bound(size_t frames, int chunk)
{
    return (double)frames * ($trim + $span * (double)chunk / $chunks.0);
}


/* adds frame t of `frames`; `chunk` remembers the first chunk that is not yet over */
static void front_add(front_state *s, size_t frames, size_t t, int *chunk, const float *frame)
{
    const double from = (double)t, to = from + 1.0;
    double all[3] = {0.0, 0.0, 0.0};$body_sums
    for (int n = 0; n < $nodes; n++)
        for (int c = 0; c < 3; c++) all[c] += (double)frame[3 * n + c];$bodies
    while (*chunk < $chunks && bound(frames, *chunk + 1) <= from) ++*chunk;
    for (int k = *chunk; k < $chunks; k++) {
        const double begin = bound(frames, k), end = bound(frames, k + 1);
        if (begin >= to) break;
        const double share = ((end < to ? end : to) - (begin > from ? begin : from)) / (end - begin);
        for (int n = 0; n < $read; n++)
            for (int c = 0; c < 3; c++)
                s->sum[k][3 * n + c] += share * (double)frame[3 * (int)front_joints[n] + c];
        for (int c = 0; c < 3; c++) s->all[c] += share * all[c];$between
    }
}

/* 0 where a number is too large for a float */
static int front_end(const front_state *s, float *signal)
{
    int fits = 1;
    const double count = $chunks.0 * $nodes.0;
    const double centre[3] = {s->all[0] / count, s->all[1] / count, s->all[2] / count};$angle
    for (int n = 0; n < $read; n++) {
        float *out = signal + (int)front_joints[n] * $width;
        for (int f = 0; f < $features; f++) {
            const int k = (int)front_features[f] / 3, c = (int)front_features[f] % 3;
            const double *p = &s->sum[k][3 * n];$turned
            const double u = value * $scale + (double)front_offset[n * $features + f];
            fits &= fabs(u) < 3.4e38;
            out[front_features[f]] = fabs(u) < 3.4e38 ? (float)u : 0.0f;
        }
    }
    return fits;
}
"""

BODY_SUMS = """
    double other[3] = {0.0, 0.0, 0.0};"""
BODIES = """
    for (int n = 0; n < $joints; n++)
        for (int c = 0; c < 3; c++)
            other[c] += (double)frame[3 * (n + $joints) + c] - (double)frame[3 * n + c];"""
BETWEEN = """
        for (int c = 0; c < 3; c++) s->between[c] += share * other[c];"""
ANGLE = """
    const double angle = -atan2(s->between[$b], s->between[$a])$quarter;
    const double cosine = cos(angle), sine = sin(angle);"""
TURNED = """
            const double a = p[$a] - centre[$a], b = p[$b] - centre[$b];
            const double value = c == $a ? a * cosine - b * sine
                               : c == $b ? a * sine + b * cosine : p[c] - centre[c];"""
PLAIN = """
            const double value = p[c] - centre[c];"""


def front(graph: Graph) -> Part:
    """The nodes chunks, place and affine."""
    chunks, place, affine = (graph.the(op) for op in ("chunks", "place", "affine"))
    joints, features = (graph.constant(affine, r).data for r in ("joints", "features"))
    nodes, width = graph.inputs["signal"]
    trim = chunks.attributes["trim"]
    about = place.attributes
    facing = about["view"] == "facing" and about["bodies"] > 1
    a, b = (about["up"] + 1) % 3, (about["up"] + 2) % 3
    quarter = " + 1.5707963267948966" if about["side"] == b else ""
    code = filled(
        TEMPLATE,
        chunks=chunks.attributes["chunks"],
        trim=repr(float(trim)),
        span=repr(1.0 - 2.0 * trim),
        nodes=nodes,
        width=width,
        read=len(joints),
        features=len(features),
        scale=repr(float(graph.constant(affine, "scale").data)),
        body_sums=BODY_SUMS if facing else "",
        bodies=filled(BODIES, joints=about["joints"]) if facing else "",
        between=BETWEEN if facing else "",
        angle=filled(ANGLE, a=a, b=b, quarter=quarter) if facing else "",
        turned=filled(TURNED, a=a, b=b) if facing else PLAIN,
    )
    arrays = (
        Array("front_joints", unsigned(joints, index_bits(nodes - 1))),
        Array("front_features", unsigned(features, index_bits(width - 1))),
        Array("front_offset", graph.constant(affine, "offset").data.astype(np.float32).ravel()),
    )
    return Part("frames to signal", arrays, code)


def state_bytes(graph: Graph) -> int:
    """Of front_state, which lies in the scratch memory."""
    chunks = graph.the("chunks").attributes["chunks"]
    return 8 * (chunks * len(graph.data("affine", "joints")) * 3 + 6)
