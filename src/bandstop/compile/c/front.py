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
from bandstop.compile.passes.buffers import faces, front_doubles, moves
from bandstop.data.describe import TOUCHING
from bandstop.data.normalise import STILL
from bandstop.errors import Failure

TEMPLATE = r"""
/* ---- frames -> signal: chunk averages, centred, turned, normalised ---- */
typedef struct { /* bodies that are absent left out */
    double sum[$chunks][$read * 3];   /* of each node that is read, in each chunk */
    double all[$chunks][3];           /* of all nodes */
    double absent[$chunks][$bodies];  /* for which share of the chunk */$pose_member$speed_member
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

$steps/* adds frame t of `frames`, which lie in a ring from `first` on; `chunk` remembers the first chunk
   that is not yet over */
static void front_add(front_state *s, const float *ring, size_t frames, size_t first, size_t t, int *chunk)
{
    const float *frame = ring + (first + t) % frames * ($nodes * 3);
    const double from = (double)t, to = from + 1.0;$step
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
        for (int b = 0; b < $bodies; b++) s->absent[k][b] += share * (1.0 - here[b]);$pose$speed
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
        for (int f = 0; f < $places; f++) {
            const int k = (int)front_features[f] / 3, c = (int)front_features[f] % 3;
            const double *p = &s->sum[k][3 * n], there = 1.0 - s->absent[k][joint / $joints];$turned
            out[front_features[f]] = (float)(value * $scale + (double)front_offset[n * $features + f]);
        }$logarithms
    }
}
"""

SPEED_MEMBER = """
    double speed[$chunks][$read * 2]; /* of each node that is read: its own, and beside its body */"""
STEPS = r"""/* how far each node that is read moves between two frames, and how far beside its body */
static void front_steps(const float *before, const float *after, float *moved)
{
    double carried[$bodies][3];
    float there[$bodies];
    for (int b = 0; b < $bodies; b++) {
        const float *p = before + 3 * $joints * b, *q = after + 3 * $joints * b;
        double sum[3] = {0.0, 0.0, 0.0};
        for (int n = 0; n < $joints; n++)
            for (int c = 0; c < 3; c++) sum[c] += (double)q[3 * n + c] - (double)p[3 * n + c];
        for (int c = 0; c < 3; c++) carried[b][c] = sum[c] / $joints.0;
        there[b] = is_absent(p) || is_absent(q) ? 0.0f : 1.0f;
    }
    for (int n = 0; n < $read; n++) {
        const int joint = $joint, b = joint / $joints;
        float own = 0.0f, beside = 0.0f;
        for (int c = 0; c < 3; c++) {
            const double step = (double)after[3 * joint + c] - (double)before[3 * joint + c];
            const float x = (float)(step * $scale), y = (float)((step - carried[b][c]) * $scale);
            own += x * x;
            beside += y * y;
        }
        moved[2 * n] = there[b] * sqrtf(own);
        moved[2 * n + 1] = there[b] * sqrtf(beside);
    }
}

"""
STEP = """
    float moved[$read * 2]; /* the first frame moves as the second one does */
    front_steps(ring + (first + (t ? t - 1 : 0)) % frames * ($nodes * 3),
                ring + (first + (t ? t : 1)) % frames * ($nodes * 3), moved);"""
SPEED = """
        for (int i = 0; i < $read * 2; i++) s->speed[k][i] += share * (double)moved[i];"""
LOGARITHMS = """
        for (int f = $places; f < $features; f++) {
            const int i = (int)front_features[f] / $chunks - 3, k = (int)front_features[f] % $chunks;
            const float logarithm = logf((float)s->speed[k][2 * n + i] + $still);
            out[front_features[f]] =
                logarithm * (i ? $scale_relative : $scale_own) + front_offset[n * $features + f];
        }"""

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


def _logarithms(words: dict[str, object], scales: list[str]) -> str:
    own, relative = (f"{scale}f" for scale in scales)
    return filled(LOGARITHMS, **words, scale_own=own, scale_relative=relative, still=f"{STILL!r}f")


def front(graph: Graph) -> Part:
    """The nodes chunks, place and affine."""
    chunks, place, affine = (graph.the(op) for op in ("chunks", "place", "affine"))
    joints, features = (graph.constant(affine, r).data for r in ("joints", "features"))
    nodes, width = graph.inputs["signal"]
    trim = chunks.attributes["trim"]
    about = place.attributes
    facing, every = faces(graph), np.array_equal(joints, np.arange(len(joints)))
    places = int((features < 3 * chunks.attributes["chunks"]).sum())
    if (np.diff(features) <= 0).any():
        raise Failure("front end: the features that are read must rise; please report this")
    a, b = (about["up"] + 1) % 3, (about["up"] + 2) % 3
    quarter = " + 1.5707963267948966" if about["side"] == b else ""
    joints_each = about["joints"]
    scale, *speeds = (repr(float(s)) for s in graph.constant(affine, "scale").data)
    words = {
        "joints": joints_each,
        "nodes": nodes,
        "chunks": chunks.attributes["chunks"],
        "read": len(joints),
        "features": len(features),
        "places": places,
        "scale": scale,
        "bodies": about["bodies"],
        "joint": "n" if every else "(int)front_joints[n]",
    }
    moving = moves(graph)
    angle = filled(
        ANGLE,
        a=a,
        b=b,
        quarter=quarter,
        touching=repr(TOUCHING**2),
        **words,
    )
    code = filled(
        TEMPLATE,
        **words,
        state_bytes=8 * front_doubles(graph),
        trim=repr(float(trim)),
        span=repr(1.0 - 2.0 * trim),
        width=width,
        pose_member=filled(POSE_MEMBER, nodes=nodes) if facing else "",
        pose=filled(POSE, **words) if facing else "",
        angle=angle if facing else "",
        turned=filled(TURNED, a=a, b=b) if facing else PLAIN,
        speed_member=filled(SPEED_MEMBER, **words) if moving else "",
        steps=filled(STEPS, **words) if moving else "",
        step=filled(STEP, **words) if moving else "",
        speed=filled(SPEED, **words) if moving else "",
        logarithms=_logarithms(words, speeds) if moving else "",
    )
    arrays = (
        *([] if every else [Array("front_joints", unsigned(joints, index_bits(nodes - 1)))]),
        Array("front_features", unsigned(features, index_bits(width - 1))),
        Array("front_offset", graph.constant(affine, "offset").data.astype(np.float32).ravel()),
    )
    return Part("frames to signal", arrays, code)
