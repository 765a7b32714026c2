/* Answers what comes in, one record after the other: a kind (0 signal, 1 frames, 2 frames pushed one by
   one, 3 a signal without any check) and a count (of frames), then the floats. Gives back the code, the
   label, the logits and probabilities: all of them 0x55 where nothing was written. */
#include "wave.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void)
{
    const size_t bytes = WAVE_SCRATCH_BYTES;
    void *scratch = malloc(bytes);
    int head[2];
#ifdef WAVE_LOWEST_RATE
    if (wave_set_rate(scratch, bytes, WAVE_LOWEST_RATE)) return 1;
#endif
    while (fread(head, sizeof head, 1, stdin) == 1) {
        const size_t of_signal = (size_t)WAVE_NODES * WAVE_FEATURES, count = (size_t)head[1];
        const size_t floats = head[0] == 0 || head[0] == 3 ? of_signal : count * WAVE_FRAME_FLOATS;
        float *given = (float *)malloc(floats * sizeof(float));
        wave_answer answer;
        int code = 0;
        memset(&answer, 0x55, sizeof answer);
        if (fread(given, sizeof(float), floats, stdin) != floats) return 2;
        if (head[0] == 0)
            code = wave_from_signal(given, WAVE_NODES, WAVE_FEATURES, scratch, bytes, &answer);
        else if (head[0] == 1)
            code = wave_from_frames(given, count, WAVE_NODES, scratch, bytes, &answer);
        else if (head[0] == 3)
            wave_logits(given, scratch, answer.logits);
        else {
            float *memory = (float *)malloc(floats * sizeof(float));
            wave_stream stream;
            code = wave_begin(&stream, memory, floats);
            for (size_t t = 0; t < count && !code; t++)
                code = wave_push(&stream, given + t * WAVE_FRAME_FLOATS, WAVE_NODES);
            if (!code) code = wave_from_stream(&stream, scratch, bytes, &answer);
            free(memory);
        }
        fwrite(&code, sizeof code, 1, stdout);
        fwrite(&answer.label, sizeof answer.label, 1, stdout);
        fwrite(answer.logits, sizeof answer.logits, 1, stdout);
        fwrite(answer.probabilities, sizeof answer.probabilities, 1, stdout);
        free(given);
    }
    free(scratch);
    return 0;
}
