"""From raw frames to the signal: temporal chunking, centre, view, normalisation.

The rule is data/describe.py's, as a sum over frames: frame t counts in chunk k with the length of
[t, t + 1) that lies in [b_k, b_(k+1)), b_k = T (trim + (1 - 2 trim) k / M). So a sequence at once and
the same frames one by one are the same additions in the same order.
"""

from __future__ import annotations

import numpy as np

from bandstop.compile.c.text import Part, filled, number
from bandstop.compile.ir import Graph
from bandstop.compile.layout import Array, index_bits, padded, unsigned
from bandstop.compile.passes.buffers import faces, front_doubles, moves
from bandstop.data.describe import TOUCHING
from bandstop.data.normalise import STILL
from bandstop.errors import Failure

TEMPLATE = r"""
/* ---- frames -> signal: chunk averages, centred, turned, normalised ---- */
typedef struct { /* bodies that are absent left out */
    double begin, end, per;           /* of the chunk that is going on, in frames; 1 / its length */
    double now[$nodes * 3];           /* its sum so far, of every node */
    double sum[$chunks][$read * 3];   /* of each node that is read, in each chunk */
    double all[$chunks][3];           /* of all nodes */
    double absent[$chunks][$bodies];  /* for which share of the chunk */$pose_member$speed_member
    int chunk, open;                  /* which is going on; whether anything was added to it */
} front_state;

typedef char the_state_must_fit[sizeof(front_state) <= $state_bytes ? 1 : -1];

/* where frame t of a ring lies; both count below `frames` */
INLINE size_t front_at(size_t frames, size_t first, size_t t)
{
    return first + t < frames ? first + t : first + t - frames;
}

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

INLINE void front_sum(double *restrict sum, const float *restrict x, double weight, int count)
{
    for (int i = 0; i < count; i++) sum[i] += weight * (double)x[i];
}

$steps/* what is known of a recording of so many frames before the first of them */
static void front_begin(front_state *s, size_t frames)
{
    memset(s, 0, sizeof *s);
    s->begin = bound(frames, 0);
    s->end = bound(frames, 1);
    s->per = 1.0 / (s->end - s->begin);
}

/* the chunk that is going on is over */
static void front_close(front_state *s)
{
    const int k = s->chunk;
$kept    for (int n = 0; n < $nodes; n++)
        for (int c = 0; c < 3; c++) s->all[k][c] += s->now[3 * n + c];$pose
    memset(s->now, 0, sizeof s->now);
    s->open = 0;
}

/* adds frame t of a ring of so many frames, of which the first lies at `first` */
static void front_add(front_state *s, const float *ring, size_t frames, size_t first, size_t t)
{
    const float *frame = ring + front_at(frames, first, t) * ($nodes * 3);
    const double from = (double)t, to = from + 1.0;
    int gone[$bodies];$step
    if (to <= s->begin || s->chunk == $chunks) return;
    for (int b = 0; b < $bodies; b++) gone[b] = is_absent(frame + 3 * $joints * b);$moved
    while (s->begin < to) {
        const double share = ((s->end < to ? s->end : to) - (s->begin > from ? s->begin : from)) * s->per;
        for (int b = 0; b < $bodies; b++)
            if (gone[b])
                s->absent[s->chunk][b] += share;
            else
                front_sum(s->now + 3 * $joints * b, frame + 3 * $joints * b, share, 3 * $joints);$speed
        s->open = 1;
        if (s->end > to) break;
        front_close(s);
        if (++s->chunk == $chunks) break;
        s->begin = s->end;
        s->end = bound(frames, s->chunk + 1);
    }
}

static void front_end(front_state *s, float *signal)
{
    double present = 0.0, centre[3] = {0.0, 0.0, 0.0};
    if (s->open) front_close(s); /* its end was rounded to behind the last frame */
    for (int k = 0; k < $chunks; k++) {
        for (int b = 0; b < $bodies; b++) present += $joints.0 * (1.0 - s->absent[k][b]);
        for (int c = 0; c < 3; c++) centre[c] += s->all[k][c];
    }
    for (int c = 0; c < 3; c++) centre[c] = present > 0.0 ? centre[c] / present : 0.0;$angle
    for (int f = 0; f < $places; f++) {
        const int k = (int)front_features[f] / 3, c = (int)front_features[f] % 3;$turned
        for (int n = 0; n < $read; n++) {
            const int joint = $joint;
            const double *p = &s->sum[k][3 * n], there = 1.0 - s->absent[k][joint / $joints];
            const double value = $value;
            signal[joint * $width + (int)front_features[f]] =
                (float)(value * $scale + (double)front_offset[n * $features + f]);
        }
    }$logarithms
}
"""

SPEED_MEMBER = """
    double speed[$chunks][$read * 2]; /* of each node that is read: its own; then beside its body */"""
STEPS = r"""INLINE vec front_root(vec v)
{
#if LANES == 16 && VECTORS
    return (vec)_mm512_sqrt_ps((__m512)v);
#elif LANES == 8 && VECTORS
    return (vec)_mm256_sqrt_ps((__m256)v);
#else
    float p[LANES];
    store(p, v);
    for (int i = 0; i < LANES; i++) p[i] = sqrtf(p[i]);
    return load(p);
#endif
}

INLINE float front_mean(const float *restrict x) /* zeros behind the joints */
{
    double part[8] = {0.0};
    for (int i = 0; i < $row; i += 8)
        for (int q = 0; q < 8; q++) part[q] += (double)x[i + q];
    for (int q = 0; q < 4; q++) part[q] += part[q + 4];
    return (float)(((part[0] + part[1]) + (part[2] + part[3])) / $joints.0);
}

/* how far each node that is read moves between two frames; then how far beside its body. Rows of $joints
   joints are worked through as $row: what lies behind them is of no interest. */
static void front_steps(const float *restrict before, const float *restrict after, float *restrict moved)
{
    float step[3 * ($joints * ($bodies - 1) + $row)], own[$bodies * $row], beside[$bodies * $row];
    for (int i = 0; i < 3 * $nodes; i++) step[i] = after[i] - before[i];
    for (int i = 3 * $nodes; i < 3 * ($joints * ($bodies - 1) + $row); i++) step[i] = 0.0f;
    for (int b = 0; b < $bodies; b++) {
        const float *d = step + 3 * $joints * b;
        const int gone = is_absent(before + 3 * $joints * b) || is_absent(after + 3 * $joints * b);
        const float size = gone ? 0.0f : $scale_float;
        float x[$row], y[$row], z[$row], cx, cy, cz;
        for (int n = 0; n < $row; n++) x[n] = d[3 * n];
        for (int n = 0; n < $row; n++) y[n] = d[3 * n + 1];
        for (int n = 0; n < $row; n++) z[n] = d[3 * n + 2];
        for (int n = $joints; n < $row; n++) x[n] = y[n] = z[n] = 0.0f;
        cx = front_mean(x), cy = front_mean(y), cz = front_mean(z);
        for (int n = 0; n < $row; n++) {
            const float u = x[n] * size, v = y[n] * size, w = z[n] * size;
            const float du = (x[n] - cx) * size, dv = (y[n] - cy) * size, dw = (z[n] - cz) * size;
            own[$row * b + n] = u * u + v * v + w * w;
            beside[$row * b + n] = du * du + dv * dv + dw * dw;
        }
    }
    for (int i = 0; i < $bodies * $row; i += LANES) {
        store(own + i, front_root(load(own + i)));
        store(beside + i, front_root(load(beside + i)));
    }
$picked}

"""
KEPT = """    for (int n = 0; n < $read; n++) {
        const int joint = $joint;
        for (int c = 0; c < 3; c++) s->sum[k][3 * n + c] = s->now[3 * joint + c];
    }
"""
FIRST = """    memcpy(s->sum[k], s->now, sizeof s->sum[k]);
"""
PICKED = """    for (int n = 0; n < $read; n++) {
        const int joint = $joint, at = joint / $joints * $row + joint % $joints;
        moved[n] = own[at];
        moved[$read + n] = beside[at];
    }
"""
EVERY = """    for (int b = 0; b < $bodies; b++) {
        memcpy(moved + $joints * b, own + $row * b, $joints * sizeof(float));
        memcpy(moved + $read + $joints * b, beside + $row * b, $joints * sizeof(float));
    }
"""
STEP = """
    float moved[$read * 2];"""
MOVED = """
    front_steps(ring + front_at(frames, first, t ? t - 1 : 0) * ($nodes * 3), /* the first as the second */
                ring + front_at(frames, first, t ? t : 1) * ($nodes * 3), moved);"""
SPEED = """
        front_sum(s->speed[s->chunk], moved, share, $read * 2);"""
LOGARITHM = r"""/* log x within 1e-7 of 1 + |log x|, x from 1e-30 to 1e30; no branch: loops become vectors */
INLINE float front_log(float x)
{
    uint32_t bits;
    float m;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t from = bits - 0x3F3504F3u; /* sqrt(1/2): m is between that and sqrt 2 */
    const float n = (float)((int32_t)from >> 23);
    bits -= from & 0xFF800000u;
    memcpy(&m, &bits, sizeof m);
    const float z = (m - 1.0f) / (m + 1.0f), w = z * z;
    return n * 0.693147181f + 2.0f * z * (1.0f + w * (0.333333333f + w * (0.2f + w * (0.142857143f
        + w * 0.111111111f))));
}

"""
LOGARITHMS = """
    for (int k = 0; k < $chunks; k++)
        for (int i = 0; i < $read * 2; i++)
            s->speed[k][i] = (double)front_log((float)s->speed[k][i] + $still);
    for (int f = $places; f < $features; f++) {
        const int i = (int)front_features[f] / $chunks - 3, k = (int)front_features[f] % $chunks;
        for (int n = 0; n < $read; n++) {
            const int joint = $joint;
            signal[joint * $width + (int)front_features[f]] =
                (float)s->speed[k][i * $read + n] * (i ? $scale_relative : $scale_own)
                + front_offset[n * $features + f];
        }
    }"""

POSE_MEMBER = """
    double pose[$nodes * 3];          /* of each node, in all chunks */"""
POSE = """
    for (int i = 0; i < 3 * $nodes; i++) s->pose[i] += s->now[i];"""
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
        const int i = c == $b ? $a : c, j = c == $a ? $b : c;
        const double u = c == $a ? cosine : c == $b ? sine : 1.0;
        const double v = c == $a ? -sine : c == $b ? cosine : 0.0;"""
VALUE = "(p[i] - there * centre[i]) * u + (p[j] - there * centre[j]) * v"
PLAIN = "p[c] - there * centre[c]"


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
        "width": width,
        "scale": scale,
        "scale_float": number(float(scale)),
        "row": padded(joints_each),
        "bodies": about["bodies"],
        "joint": "n" if every else "(int)front_joints[n]",
    }
    moving, whole = moves(graph), every and len(joints) == nodes
    picked = filled(EVERY if whole else PICKED, **words)
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
        kept=filled(FIRST if every else KEPT, **words),
        pose_member=filled(POSE_MEMBER, nodes=nodes) if facing else "",
        pose=filled(POSE, **words) if facing else "",
        angle=angle if facing else "",
        turned=filled(TURNED, a=a, b=b) if facing else "",
        value=VALUE if facing else PLAIN,
        speed_member=filled(SPEED_MEMBER, **words) if moving else "",
        steps=LOGARITHM + filled(STEPS, picked=picked, **words) if moving else "",
        step=filled(STEP, **words) if moving else "",
        moved=filled(MOVED, **words) if moving else "",
        speed=filled(SPEED, **words) if moving else "",
        logarithms=_logarithms(words, speeds) if moving else "",
    )
    arrays = (
        *([] if every else [Array("front_joints", unsigned(joints, index_bits(nodes - 1)))]),
        Array("front_features", unsigned(features, index_bits(width - 1))),
        Array("front_offset", graph.constant(affine, "offset").data.astype(np.float32).ravel()),
    )
    return Part("frames to signal", arrays, code)
