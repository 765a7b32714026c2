"""What the caller sees: functions, error codes, probabilities; and the header file."""

from __future__ import annotations

SOURCE = r"""
/* ---- what the caller sees ---- */
static int all_finite(const float *p, size_t count)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, p + i, sizeof bits);
        bad |= (uint32_t)((bits & 0x7f800000u) == 0x7f800000u);
    }
    return bad == 0;
}

/* the first place in the caller's scratch memory that is aligned for any vector */
static float *aligned(void *scratch)
{
    char *p = scratch;
    return (float *)(void *)(p + (64u - (uintptr_t)p % 64u) % 64u);
}

static void network(const float *restrict signal, float *restrict memory, float *restrict logits)
{
    (void)memory;
$calls
}

static int answer_of(const float *signal, float *memory, ${name}_answer *answer)
{
    float most, sum = 0.0f;
    int label = 0;
    network(signal, memory, answer->logits);
    if (!all_finite(answer->logits, $NAME_CLASSES)) return $NAME_NOT_FINITE;
    for (int c = 1; c < $NAME_CLASSES; c++)
        if (answer->logits[c] > answer->logits[label]) label = c;
    most = answer->logits[label];
    for (int c = 0; c < $NAME_CLASSES; c++) {
        answer->probabilities[c] = expf(answer->logits[c] - most);
        sum += answer->probabilities[c];
    }
    for (int c = 0; c < $NAME_CLASSES; c++) answer->probabilities[c] /= sum;
    answer->label = label;
    return $NAME_OK;
}

void ${name}_logits(const float *signal, void *scratch, float *logits)
{
    network(signal, aligned(scratch), logits);
}

int ${name}_from_signal(const float *signal, size_t nodes, size_t features, void *scratch,
                        size_t bytes, ${name}_answer *answer)
{
    if (!signal || !scratch || !answer) return $NAME_NULL;
    if (nodes != $NAME_NODES || features != $NAME_FEATURES) return $NAME_WRONG_SIZE;
    if (bytes < $NAME_SCRATCH_BYTES) return $NAME_SMALL_SCRATCH;
    if (!all_finite(signal, (size_t)$NAME_NODES * $NAME_FEATURES)) return $NAME_NOT_FINITE;
    return answer_of(signal, aligned(scratch), answer);
}

/* frames first .. count - 1, then 0 .. first - 1 */
static int from_ring(const float *frames, size_t count, size_t first, void *scratch, size_t bytes,
                     ${name}_answer *answer)
{
    float *memory;
    front_state *state;
    int chunk = 0;
    if (bytes < $NAME_SCRATCH_BYTES) return $NAME_SMALL_SCRATCH;
    if (count < $NAME_FEWEST_FRAMES) return $NAME_TOO_FEW_FRAMES;
    memory = aligned(scratch);
    state = (front_state *)(void *)(memory + $state_at);
    memset(state, 0, sizeof *state);
    for (size_t t = 0; t < count; t++) {
        const float *frame = frames + (first + t) % count * ($NAME_NODES * 3);
        if (!all_finite(frame, (size_t)$NAME_NODES * 3)) return $NAME_NOT_FINITE;
        front_add(state, count, t, &chunk, frame);
    }
    if (!front_end(state, memory + $signal_at)) return $NAME_NOT_FINITE;
    return answer_of(memory + $signal_at, memory, answer);
}

int ${name}_from_frames(const float *frames, size_t count, size_t nodes, void *scratch,
                        size_t bytes, ${name}_answer *answer)
{
    if (!frames || !scratch || !answer) return $NAME_NULL;
    if (nodes != $NAME_NODES) return $NAME_WRONG_SIZE;
    return from_ring(frames, count, 0, scratch, bytes, answer);
}

int ${name}_begin(${name}_stream *stream, float *memory, size_t floats)
{
    if (!stream || !memory) return $NAME_NULL;
    if (floats < $NAME_FEWEST_FRAMES * $NAME_FRAME_FLOATS) return $NAME_SMALL_SCRATCH;
    stream->frames = memory;
    stream->capacity = floats / $NAME_FRAME_FLOATS;
    stream->count = 0;
    stream->next = 0;
    return $NAME_OK;
}

int ${name}_push(${name}_stream *stream, const float *frame, size_t nodes)
{
    if (!stream || !frame) return $NAME_NULL;
    if (nodes != $NAME_NODES) return $NAME_WRONG_SIZE;
    if (!all_finite(frame, $NAME_FRAME_FLOATS)) return $NAME_NOT_FINITE;
    memcpy(stream->frames + stream->next * $NAME_FRAME_FLOATS, frame,
           $NAME_FRAME_FLOATS * sizeof(float));
    stream->next = (stream->next + 1) % stream->capacity;
    if (stream->count < stream->capacity) stream->count++;
    return $NAME_OK;
}

int ${name}_from_stream(const ${name}_stream *stream, void *scratch, size_t bytes,
                        ${name}_answer *answer)
{
    if (!stream || !scratch || !answer) return $NAME_NULL;
    return from_ring(stream->frames, stream->count,
                     stream->count < stream->capacity ? 0 : stream->next, scratch, bytes, answer);
}
"""

HEADER = r"""
#ifndef $NAME_H
#define $NAME_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define $NAME_NODES $nodes            /* of a frame and of a signal */
#define $NAME_FEATURES $features      /* of a signal, a node */
#define $NAME_CLASSES $classes
#define $NAME_FRAME_FLOATS ((size_t)$NAME_NODES * 3)
#define $NAME_FEWEST_FRAMES ((size_t)$fewest)
#define $NAME_SCRATCH_BYTES ((size_t)$scratch)

/* What the functions return. An answer is only written with $NAME_OK. */
enum {
    $NAME_OK = 0,
    $NAME_NOT_FINITE = -1,     /* a frame or signal holds NaN or infinity, or overflows */
    $NAME_TOO_FEW_FRAMES = -2, /* fewer than $NAME_FEWEST_FRAMES */
    $NAME_WRONG_SIZE = -3,     /* not $NAME_NODES nodes, or not $NAME_FEATURES features */
    $NAME_SMALL_SCRATCH = -4,  /* memory below $NAME_SCRATCH_BYTES, or a stream's below the fewest frames */
    $NAME_NULL = -5            /* a null pointer */
};

typedef struct {
    float logits[$NAME_CLASSES];
    float probabilities[$NAME_CLASSES]; /* sum to 1 */
    int label;                          /* the most probable class, see ${name}_classes */
} ${name}_answer;

/* The last frames that were pushed, in memory that the caller gives. */
typedef struct {
    float *frames;
    size_t capacity, count, next;
} ${name}_stream;

extern const char *const ${name}_classes[$NAME_CLASSES];

/* A whole recording: count frames of $NAME_NODES nodes of x, y, z in $unit, frame by frame. */
int ${name}_from_frames(const float *frames, size_t count, size_t nodes, void *scratch,
                        size_t bytes, ${name}_answer *answer);

/* Frame by frame: the answer is that of the frames that the memory holds, the oldest dropping out
   when it is full; bit for bit what ${name}_from_frames gives for them. A frame that is refused
   changes nothing. memory: frames * $NAME_FRAME_FLOATS floats. */
int ${name}_begin(${name}_stream *stream, float *memory, size_t floats);
int ${name}_push(${name}_stream *stream, const float *frame, size_t nodes);
int ${name}_from_stream(const ${name}_stream *stream, void *scratch, size_t bytes,
                        ${name}_answer *answer);

/* A normalised signal, node by node. */
int ${name}_from_signal(const float *signal, size_t nodes, size_t features, void *scratch,
                        size_t bytes, ${name}_answer *answer);

/* The network alone, without any check: for loops that know what they hand in. */
void ${name}_logits(const float *signal, void *scratch, float *logits);

#ifdef __cplusplus
}
#endif
#endif
"""
