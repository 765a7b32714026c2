/* Everything that the generated functions promise, on memory that is exactly as large as they ask for:
   compiled with sanitizers, and run under valgrind. Fails with the line of the broken promise. */
#include "wave.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MUST(x) do { if (!(x)) { printf("line %d: %s\n", __LINE__, #x); return 1; } } while (0)
#define FRAMES 23

static unsigned long long state = 1;
static float noise(void)
{
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    return (float)(state >> 40) / 8388608.0f - 1.0f;
}

static int same(const wave_answer *a, const wave_answer *b) { return memcmp(a, b, sizeof *a) == 0; }

int main(void)
{
    const size_t frame = WAVE_FRAME_FLOATS, size = (size_t)WAVE_NODES * WAVE_FEATURES;
    float *frames = malloc(FRAMES * frame * sizeof(float));
    float *signal = malloc(size * sizeof(float));
    float *ring = malloc(7 * frame * sizeof(float));
    float *large = malloc(FRAMES * frame * sizeof(float));
    char *scratch = malloc(WAVE_SCRATCH_BYTES);
    const size_t bytes = WAVE_SCRATCH_BYTES;
    float logits[WAVE_CLASSES];
    wave_answer one, other;
    wave_stream stream;
    memset(&one, 0, sizeof one);
    memset(&other, 0, sizeof other);
    for (size_t i = 0; i < FRAMES * frame; i++) frames[i] = noise();
    for (size_t i = 0; i < size; i++) signal[i] = noise();

#ifdef WAVE_LOWEST_RATE
    memset(scratch, 0, bytes);
    MUST(wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES, scratch, bytes, &one) == WAVE_NO_RATE);
    MUST(wave_set_rate(scratch, bytes, WAVE_LOWEST_RATE) == WAVE_OK);
#endif

    /* a recording: an answer with probabilities and a class that has a name */
    MUST(wave_from_frames(frames, FRAMES, WAVE_NODES, scratch, bytes, &one) == WAVE_OK);
    float sum = 0.0f;
    for (int c = 0; c < WAVE_CLASSES; c++) sum += one.probabilities[c];
    MUST(fabsf(sum - 1.0f) < 1e-4f);
    MUST(one.label >= 0 && one.label < WAVE_CLASSES && strlen(wave_classes[one.label]) > 0);
    for (int c = 0; c < WAVE_CLASSES; c++) MUST(one.logits[c] <= one.logits[one.label]);

    /* the same frames one by one: the same answer, bit for bit */
    MUST(wave_begin(&stream, large, FRAMES * frame) == WAVE_OK);
    for (size_t t = 0; t < FRAMES; t++)
        MUST(wave_push(&stream, frames + t * frame, WAVE_NODES) == WAVE_OK);
    MUST(wave_from_stream(&stream, scratch, bytes, &other) == WAVE_OK);
    MUST(same(&one, &other));

    /* memory for fewer: the last seven frames; a refused frame changes nothing */
    MUST(wave_begin(&stream, ring, 7 * frame) == WAVE_OK);
    MUST(wave_from_stream(&stream, scratch, bytes, &other) == WAVE_TOO_FEW_FRAMES);
    for (size_t t = 0; t < FRAMES; t++) {
        MUST(wave_push(&stream, frames + t * frame, WAVE_NODES) == WAVE_OK);
        if (t + 1 < 2) continue;
        const size_t held = t + 1 < 7 ? t + 1 : 7;
        MUST(wave_from_frames(frames + (t + 1 - held) * frame, held, WAVE_NODES, scratch, bytes,
                              &one) == WAVE_OK);
        MUST(wave_from_stream(&stream, scratch, bytes, &other) == WAVE_OK);
        MUST(same(&one, &other));
    }
    const float kept = frames[0];
    const float broken[3] = {NAN, INFINITY, -INFINITY};
    for (int i = 0; i < 3; i++) {
        frames[0] = broken[i];
        MUST(wave_push(&stream, frames, WAVE_NODES) == WAVE_NOT_FINITE);
        MUST(wave_from_frames(frames, FRAMES, WAVE_NODES, scratch, bytes, &one) == WAVE_NOT_FINITE);
        frames[0] = kept;
        signal[size - 1] = broken[i];
        MUST(wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES, scratch, bytes, &one) ==
             WAVE_NOT_FINITE);
        signal[size - 1] = 0.5f;
    }
    MUST(wave_from_stream(&stream, scratch, bytes, &one) == WAVE_OK && same(&one, &other));

    /* wrong sizes, too few frames, too little memory, null pointers */
    MUST(wave_from_frames(frames, 0, WAVE_NODES, scratch, bytes, &one) == WAVE_TOO_FEW_FRAMES);
    MUST(wave_from_frames(frames, 1, WAVE_NODES, scratch, bytes, &one) == WAVE_TOO_FEW_FRAMES);
    MUST(wave_from_frames(frames, 2, WAVE_NODES + 1, scratch, bytes, &one) == WAVE_WRONG_SIZE);
    MUST(wave_from_frames(frames, 2, WAVE_NODES, scratch, bytes - 1, &one) == WAVE_SMALL_SCRATCH);
    MUST(wave_from_frames(0, 2, WAVE_NODES, scratch, bytes, &one) == WAVE_NULL);
    MUST(wave_from_frames(frames, 2, WAVE_NODES, 0, bytes, &one) == WAVE_NULL);
    MUST(wave_from_frames(frames, 2, WAVE_NODES, scratch, bytes, 0) == WAVE_NULL);
    MUST(wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES + 1, scratch, bytes, &one) ==
         WAVE_WRONG_SIZE);
    MUST(wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES, scratch, 0, &one) ==
         WAVE_SMALL_SCRATCH);
    MUST(wave_begin(&stream, ring, 2 * frame - 1) == WAVE_SMALL_SCRATCH);
    MUST(wave_begin(&stream, 0, 2 * frame) == WAVE_NULL);
    MUST(wave_push(&stream, frames, WAVE_NODES + 1) == WAVE_WRONG_SIZE);
    MUST(wave_push(&stream, 0, WAVE_NODES) == WAVE_NULL);
    MUST(wave_push(0, frames, WAVE_NODES) == WAVE_NULL);
    MUST(wave_from_stream(0, scratch, bytes, &one) == WAVE_NULL);
    MUST(wave_from_stream(&stream, 0, bytes, &one) == WAVE_NULL);
    MUST(wave_from_stream(&stream, scratch, bytes, 0) == WAVE_NULL);
    MUST(wave_from_stream(&stream, scratch, bytes - 1, &one) == WAVE_SMALL_SCRATCH);

    /* negative counts */
    const size_t minus = (size_t)-1;
    MUST(wave_from_frames(frames, minus, WAVE_NODES, scratch, bytes, &one) == WAVE_WRONG_SIZE);
    MUST(wave_from_frames(frames, minus / 16, WAVE_NODES, scratch, bytes, &one) == WAVE_WRONG_SIZE);
    MUST(wave_from_frames(frames, 2, minus, scratch, bytes, &one) == WAVE_WRONG_SIZE);
    MUST(wave_from_signal(signal, minus, WAVE_FEATURES, scratch, bytes, &one) == WAVE_WRONG_SIZE);
    MUST(wave_begin(&stream, ring, minus) == WAVE_WRONG_SIZE);
    MUST(wave_push(&stream, frames, minus) == WAVE_WRONG_SIZE);

    /* all that was refused changed nothing: the stream still answers as before */
    MUST(wave_from_stream(&stream, scratch, bytes, &one) == WAVE_OK && same(&one, &other));

    /* begun twice: empty again */
    MUST(wave_begin(&stream, ring, 7 * frame) == WAVE_OK);
    MUST(wave_from_stream(&stream, scratch, bytes, &one) == WAVE_TOO_FEW_FRAMES);
    MUST(wave_push(&stream, frames, WAVE_NODES) == WAVE_OK);
    MUST(wave_begin(&stream, ring, 7 * frame) == WAVE_OK && stream.count == 0);

    /* never begun: zeros, whatever lay in memory, or a begin that was refused */
    for (int fill = 0; fill < 256; fill += 5) {
        wave_stream never;
        memset(&never, fill, sizeof never);
        MUST(wave_push(&never, frames, WAVE_NODES) == WAVE_NOT_BEGUN);
        MUST(wave_from_stream(&never, scratch, bytes, &one) == WAVE_NOT_BEGUN);
        MUST(wave_begin(&never, ring, frame) == WAVE_SMALL_SCRATCH);
        MUST(wave_push(&never, frames, WAVE_NODES) == WAVE_NOT_BEGUN);
    }
    wave_stream damaged = stream;
    damaged.next = 8;
    MUST(wave_push(&damaged, frames, WAVE_NODES) == WAVE_NOT_BEGUN);
    damaged = stream;
    damaged.frames = 0;
    MUST(wave_push(&damaged, frames, WAVE_NODES) == WAVE_NOT_BEGUN);

    /* an answer is written with WAVE_OK alone: every refusal leaves it as it was */
    wave_answer before;
    memset(&before, 0x55, sizeof before);
    const float largest = 3.4e38f;
    for (size_t i = 0; i < size; i++) large[i] = i % 2 ? largest : -largest;
    one = before;
    MUST(wave_from_signal(large, WAVE_NODES, WAVE_FEATURES, scratch, bytes, &one) ==
         WAVE_NOT_FINITE && same(&one, &before));
    for (size_t i = 0; i < FRAMES * frame; i++) large[i] = i % 2 ? largest : -largest;
    MUST(wave_from_frames(large, FRAMES, WAVE_NODES, scratch, bytes, &one) == WAVE_NOT_FINITE &&
         same(&one, &before));

    /* a signal: with and without checks; scratch memory that is aligned to nothing */
    MUST(wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES, scratch, bytes, &one) == WAVE_OK);
    wave_logits(signal, scratch, logits);
    MUST(memcmp(logits, one.logits, sizeof logits) == 0);
    char *odd = malloc(WAVE_SCRATCH_BYTES + 1);
#ifdef WAVE_LOWEST_RATE
    MUST(wave_set_rate(odd + 1, bytes, WAVE_LOWEST_RATE) == WAVE_OK);
#endif
    MUST(wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES, odd + 1, bytes, &other) == WAVE_OK);
    MUST(same(&one, &other));
    free(odd), free(frames), free(signal), free(ring), free(large), free(scratch);
    printf("kept\n");
    return 0;
}
