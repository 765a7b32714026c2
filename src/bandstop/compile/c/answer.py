"""What the caller sees: functions, error codes, probabilities; and the header file."""

from __future__ import annotations

SOURCE = r"""
/* ---- what the caller sees ---- */
#define FINITE 0x7f7fffffu
#define FARTHEST ${farthest}u /* up to this coordinate movement is seen and nothing can overflow */
#define WITHIN_REACH ${reach}u /* up to this signal nothing in the network can overflow */

/* whether no magnitude exceeds a positive float, given by its bits; NaN and infinity exceed all */
static int all_within(const float *p, size_t count, uint32_t most)
{
    uint32_t bad = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, p + i, sizeof bits);
        bad |= (uint32_t)((bits & 0x7fffffffu) > most);
    }
    return bad == 0;
}

/* a size above half of what there is was a negative number */
static int possible(size_t count, size_t bytes_each)
{
    return count <= (size_t)-1 / 2 / bytes_each;
}

/* the first place in the caller's scratch memory that is aligned for any vector */
static float *aligned(void *scratch)
{
    char *p = (char *)scratch;
    return (float *)(void *)(p + (64u - (uintptr_t)p % 64u) % 64u);
}

static void network(const float *restrict signal, float *restrict memory, float *restrict logits)
{
    (void)memory;
$calls
}

/* nothing is written unless all of it is right */
static int answer_of(const float *logits, ${name}_answer *answer)
{
    float most, sum = 0.0f;
    int label = 0;
    if (!all_within(logits, $NAME_CLASSES, FINITE)) return $NAME_NOT_FINITE;
    for (int c = 1; c < $NAME_CLASSES; c++)
        if (logits[c] > logits[label]) label = c;
    most = logits[label];
    for (int c = 0; c < $NAME_CLASSES; c++) {
        answer->logits[c] = logits[c];
        answer->probabilities[c] = expf(logits[c] - most);
        sum += answer->probabilities[c];
    }
    for (int c = 0; c < $NAME_CLASSES; c++) answer->probabilities[c] /= sum;
    answer->label = label;
    return $NAME_OK;
}

static int classify(const float *signal, float *memory, ${name}_answer *answer)
{
    float logits[$NAME_CLASSES];
$asks    network(signal, memory, logits);
    return answer_of(logits, answer);
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
    if (!all_within(signal, (size_t)$NAME_NODES * $NAME_FEATURES, WITHIN_REACH))
        return $NAME_NOT_FINITE;
    return classify(signal, aligned(scratch), answer);
}

/* the signal of frames first .. count - 1, then 0 .. first - 1 */
static int signal_of(const float *frames, size_t count, size_t first, float *memory)
{
    front_state *state = (front_state *)(void *)(memory + $state_at);
    front_begin(state, count);
    for (size_t t = 0; t < count; t++) {
        const float *frame = frames + front_at(count, first, t) * $NAME_FRAME_FLOATS;
        if (!all_within(frame, $NAME_FRAME_FLOATS, FARTHEST)) return $NAME_NOT_FINITE;
        front_add(state, frames, count, first, t);
    }
    front_end(state, memory + $signal_at);
    return $NAME_OK;
}

static int from_ring(const float *frames, size_t count, size_t first, void *scratch, size_t bytes,
                     ${name}_answer *answer)
{
    float *memory;
    int code;
    if (bytes < $NAME_SCRATCH_BYTES) return $NAME_SMALL_SCRATCH;
    if (count < $NAME_FEWEST_FRAMES) return $NAME_TOO_FEW_FRAMES;
    memory = aligned(scratch);
    code = signal_of(frames, count, first, memory);
    return code ? code : classify(memory + $signal_at, memory, answer);
}

int ${name}_from_frames(const float *frames, size_t count, size_t nodes, void *scratch,
                        size_t bytes, ${name}_answer *answer)
{
    if (!frames || !scratch || !answer) return $NAME_NULL;
    if (nodes != $NAME_NODES || !possible(count, $NAME_FRAME_FLOATS * sizeof(float)))
        return $NAME_WRONG_SIZE;
    return from_ring(frames, count, 0, scratch, bytes, answer);
}

#define BEGUN 0x62656775u /* what a stream holds that was begun, and memory by chance does not */

static int was_begun(const ${name}_stream *stream)
{
    return stream->begun == BEGUN && stream->frames && stream->next < stream->capacity &&
           stream->count <= stream->capacity;
}

int ${name}_begin(${name}_stream *stream, float *memory, size_t floats)
{
    if (!stream || !memory) return $NAME_NULL;
    if (!possible(floats, sizeof(float))) return $NAME_WRONG_SIZE;
    if (floats < $NAME_FEWEST_FRAMES * $NAME_FRAME_FLOATS) return $NAME_SMALL_SCRATCH;
    stream->begun = BEGUN;
    stream->frames = memory;
    stream->capacity = floats / $NAME_FRAME_FLOATS;
    stream->count = 0;
    stream->next = 0;
    return $NAME_OK;
}

int ${name}_push(${name}_stream *stream, const float *frame, size_t nodes)
{
    if (!stream || !frame) return $NAME_NULL;
    if (!was_begun(stream)) return $NAME_NOT_BEGUN;
    if (nodes != $NAME_NODES) return $NAME_WRONG_SIZE;
    if (!all_within(frame, $NAME_FRAME_FLOATS, FARTHEST)) return $NAME_NOT_FINITE;
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
    if (!was_begun(stream)) return $NAME_NOT_BEGUN;
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
    $NAME_NOT_FINITE = -1,     /* NaN or infinity, or so far out that numbers could overflow */
    $NAME_TOO_FEW_FRAMES = -2, /* fewer than $NAME_FEWEST_FRAMES */
    $NAME_WRONG_SIZE = -3,     /* not $NAME_NODES nodes, not $NAME_FEATURES features, or a negative count */
    $NAME_SMALL_SCRATCH = -4,  /* memory below $NAME_SCRATCH_BYTES, or a stream's below the fewest frames */
    $NAME_NULL = -5,           /* a null pointer */
    $NAME_NOT_BEGUN = -8       /* a stream on which ${name}_begin was not called */
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
    unsigned long begun;
} ${name}_stream;

${declared}extern const char *const ${name}_classes[$NAME_CLASSES];

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
