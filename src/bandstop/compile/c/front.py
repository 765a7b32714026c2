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
from bandstop.compile.passes.buffers import faces, front_doubles
from bandstop.data.describe import TOUCHING

TEMPLATE = r"""
/* ---- frames -> signal: chunk averages, centred, turned, normalised ---- */
typedef struct { /* bodies that are absent left out */
    double sum[$chunks][$read * 3];   /* of each node that is read, in each chunk */
    double all[$chunks][3];           /* of all nodes */
    double absent[$chunks][$bodies];  /* for which share of the chunk */$pose_member
} front_state;

typedef char the_state_must_fit[sizeof(front_state) <= $state_bytes ? 1 : -1];

INLINE double bound(size_t frames, int chunk)
{
    return (double)frames * ($trim + $span * (double)chunk / $chunks.0);
}

/* a body all of whose joints are in one point is not there */
INLINE int is_absent(const float *body)
{
    int n = 1;
    while (n < $joints && body[3 * n] == body[0] && body[3 * n + 1] == body[1] &&
           body[3 * n + 2] == body[2])
        n++;
    return $joints > 1 && n == $joints;
}

/* adds frame t of `frames`; `chunk` remembers the first chunk that is not yet over */
static void front_add(front_state *s, size_t frames, size_t t, int *chunk, const float *frame)
{
    const double from = (double)t, to = from + 1.0;
    double all[3] = {0.0, 0.0, 0.0}, here[$bodies];
    for (int b = 0; b < $bodies; b++) {
        const float *body = frame + 3 * $joints * b;
        double sum[3] = {0.0, 0.0, 0.0};
        for (int n = 0; n < $joints; n++)
            for (int c = 0; c < 3; c++) sum[c] += (double)body[3 * n + c];
        here[b] = is_absent(body) ? 0.0 : 1.0;
        for (int c = 0; c < 3; c++) all[c] += here[b] * sum[c];
    }
    while (*chunk < $chunks && bound(frames, *chunk + 1) <= from) ++*chunk;
    for (int k = *chunk; k < $chunks; k++) {
        const double begin = bound(frames, k), end = bound(frames, k + 1);
        if (begin >= to) break;
        const double share = ((end < to ? end : to) - (begin > from ? begin : from)) / (end - begin);
        for (int n = 0; n < $read; n++) {
            const int joint = $joint;
            const double weight = share * here[joint / $joints];
            for (int c = 0; c < 3; c++) s->sum[k][3 * n + c] += weight * (double)frame[3 * joint + c];
        }
        for (int c = 0; c < 3; c++) s->all[k][c] += share * all[c];
        for (int b = 0; b < $bodies; b++) s->absent[k][b] += share * (1.0 - here[b]);$pose
    }
}

static void front_end(const front_state *s, float *signal)
{
    double present = 0.0, centre[3] = {0.0, 0.0, 0.0};
    for (int k = 0; k < $chunks; k++) {
        for (int b = 0; b < $bodies; b++) present += $joints.0 * (1.0 - s->absent[k][b]);
        for (int c = 0; c < 3; c++) centre[c] += s->all[k][c];
    }
    for (int c = 0; c < 3; c++) centre[c] = present > 0.0 ? centre[c] / present : 0.0;$angle
    for (int n = 0; n < $read; n++) {
        const int joint = $joint;
        float *out = signal + joint * $width;
        for (int f = 0; f < $features; f++) {
            const int k = (int)front_features[f] / 3, c = (int)front_features[f] % 3;
            const double *p = &s->sum[k][3 * n], there = 1.0 - s->absent[k][joint / $joints];$turned
            out[front_features[f]] = (float)(value * $scale + (double)front_offset[n * $features + f]);
        }
    }
}
"""

POSE_MEMBER = """
    double pose[$nodes * 3];          /* of each node, in all chunks */"""
POSE = """
        for (int b = 0; b < $bodies; b++) {
            const double weight = share * here[b];
            double *pose = s->pose + 3 * $joints * b;
            for (int i = 0; i < 3 * $joints; i++) pose[i] += weight * (double)frame[3 * $joints * b + i];
        }"""
ANGLE = """
    /* the angle from the first body to the second, where they do not touch */
    double between[3] = {0.0, 0.0, 0.0}, size = 0.0, angle = 0.0;
    for (int n = 0; n < $nodes; n++) {
        double there = 0.0;
        for (int k = 0; k < $chunks; k++) there += 1.0 - s->absent[k][n / $joints];
        for (int c = 0; c < 3; c++) {
            const double x = (s->pose[3 * n + c] - there * centre[c]) / $chunks.0;
            size += x * x / $nodes.0;
            if (n < 2 * $joints) between[c] += (n < $joints ? -x : x) / $joints.0;
        }
    }
    for (int k = 0; k < $chunks; k++) {
        double there = 0.0;
        for (int b = 0; b < $bodies; b++) there += $joints.0 * (1.0 - s->absent[k][b]);
        for (int c = 0; c < 3; c++) {
            const double x = (s->all[k][c] - there * centre[c]) / $nodes.0;
            size += x * x / $chunks.0;
        }
    }
    if (between[$a] * between[$a] + between[$b] * between[$b] > $touching * size)
        angle = -atan2(between[$b], between[$a])$quarter;
    const double cosine = cos(angle), sine = sin(angle);"""
TURNED = """
            const double a = p[$a] - there * centre[$a], b = p[$b] - there * centre[$b];
            const double value = c == $a ? a * cosine - b * sine
                               : c == $b ? a * sine + b * cosine : p[c] - there * centre[c];"""
PLAIN = """
            const double value = p[c] - there * centre[c];"""


def front(graph: Graph) -> Part:
    """The nodes chunks, place and affine."""
    chunks, place, affine = (graph.the(op) for op in ("chunks", "place", "affine"))
    joints, features = (graph.constant(affine, r).data for r in ("joints", "features"))
    nodes, width = graph.inputs["signal"]
    trim = chunks.attributes["trim"]
    about = place.attributes
    facing, every = faces(graph), np.array_equal(joints, np.arange(len(joints)))
    a, b = (about["up"] + 1) % 3, (about["up"] + 2) % 3
    quarter = " + 1.5707963267948966" if about["side"] == b else ""
    joints_each = about["joints"]
    words = {"joints": joints_each, "nodes": nodes, "chunks": chunks.attributes["chunks"]}
    angle = filled(
        ANGLE,
        a=a,
        b=b,
        quarter=quarter,
        bodies=about["bodies"],
        touching=repr(TOUCHING**2),
        **words,
    )
    code = filled(
        TEMPLATE,
        **words,
        bodies=about["bodies"],
        joint="n" if every else "(int)front_joints[n]",
        state_bytes=8 * front_doubles(graph),
        trim=repr(float(trim)),
        span=repr(1.0 - 2.0 * trim),
        width=width,
        read=len(joints),
        features=len(features),
        scale=repr(float(graph.constant(affine, "scale").data)),
        pose_member=filled(POSE_MEMBER, nodes=nodes) if facing else "",
        pose=filled(POSE, bodies=about["bodies"], **words) if facing else "",
        angle=angle if facing else "",
        turned=filled(TURNED, a=a, b=b) if facing else PLAIN,
    )
    arrays = (
        *([] if every else [Array("front_joints", unsigned(joints, index_bits(nodes - 1)))]),
        Array("front_features", unsigned(features, index_bits(width - 1))),
        Array("front_offset", graph.constant(affine, "offset").data.astype(np.float32).ravel()),
    )
    return Part("frames to signal", arrays, code)
