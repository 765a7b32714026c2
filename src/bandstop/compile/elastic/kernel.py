"""The C of the elastic kernel: setting a rate, and the network at the rate that is set."""

from __future__ import annotations

PLAN = r"""
/* ---- the plan: what a rate leaves, made by ${name}_set_rate in the caller's scratch memory ---- */
#define KEEP_MULTIPLIED_OUT ${keep}u /* at most so many weights: the products are multiplied out */

typedef struct {
    uint32_t channel, first, count, slots[$groups];
} channel_step; /* a channel that some class wants: its weights, and slots of the dense layer */

typedef struct {
    uint32_t count;
    uint32_t head[$heads];       /* whether a filter reads it */
    uint32_t slots[$mix_groups]; /* of each head, 16 outputs each */
    channel_step step[$channels];
} two_products;

typedef struct {
    uint32_t groups, slots[$pair_groups];
    uint32_t dense_slots[$groups];
    float bias[$pair_groups * 16];
    float weight[$slots * 16];
    float dense_weight[$groups * $dense_slots * 16];
    $source_type source[$slots * 16];
    uint16_t dense_at[$groups * $dense_slots * 16];
    /* while a rate is being set */
    uint16_t channel[$pairs], output[$pairs], terms[$pairs], place[$pairs];
    uint16_t reads[$heads * $outputs];
    uint32_t begin[$terms + 2];
} one_product;

typedef struct {
    uint32_t mark, keep;
    union {
        two_products two;
        one_product one;
    } is;
} rate_plan;

typedef char the_plan_must_fit[sizeof(rate_plan) <= $plan_bytes ? 1 : -1];
"""

PLAN_TWO = r"""
static uint32_t weights_of(int f, uint32_t keep)
{
    return prefix(filter_rank + filter_first[f], filter_first[f + 1] - filter_first[f], keep);
}

static uint32_t slots_of(const uint32_t *first, const $rank_type *least, int g, uint32_t keep)
{
    return prefix(least + first[g], first[g + 1] - first[g], keep);
}

/* channels that some class wants, those with as many weights side by side */
static void plan_two(two_products *p, uint32_t keep)
{
    uint16_t begin[$rows + 2] = {0}, length[$channels];
    uint32_t slots[$channels][$groups];
    for (int k = 0; k < $heads; k++) p->head[k] = filter_head[k] < keep;
    for (int g = 0; g < $mix_groups; g++) p->slots[g] = slots_of(mix_first, mix_least, g, keep);
    p->count = 0;
    for (int f = 0; f < $channels; f++) {
        uint32_t any = 0;
        for (int g = 0; g < $groups; g++)
            any |= slots[f][g] = slots_of(dense_first, dense_least, f * $groups + g, keep);
        length[f] = any ? (uint16_t)(weights_of(f, keep) + 1) : 0;
        if (any) begin[length[f]]++, p->count++;
    }
    for (int n = 0; n < $rows + 1; n++) begin[n + 1] = (uint16_t)(begin[n + 1] + begin[n]);
    for (int f = 0; f < $channels; f++)
        if (length[f]) {
            channel_step *s = p->step + begin[length[f] - 1]++;
            s->channel = (uint32_t)f;
            s->first = filter_first[f];
            s->count = length[f] - 1u;
            for (int g = 0; g < $groups; g++) s->slots[g] = slots[f][g];
        }
}
"""

PLAN_ONE = r"""
/* the terms A[k,i,j] W[k,s,f] of every pair (f, i) that some class wants; pairs with as many terms side
   by side, 16 of them a group */
static void plan_one(one_product *p, uint32_t keep)
{
    uint32_t pairs = 0, filled[$groups * 16] = {0}, at = 0;
    memset(p->begin, 0, sizeof p->begin);
    for (int k = 0; k < $heads; k++)
        for (int i = 0; i < $outputs; i++) {
            const int g = k * $mix_tiles + i / 16;
            const $rank_type *rank = mix_rank + i % 16;
            uint16_t n = 0;
            for (uint32_t q = mix_first[g]; q < mix_first[g + 1] && rank[q * 16] < keep; q++) n++;
            p->reads[k * $outputs + i] = n;
        }
    for (int f = 0; f < $channels; f++) {
        int known[$outputs];
        const uint32_t count = weights_of(f, keep);
        memset(known, 0xff, sizeof known);
        for (int g = 0; g < $groups; g++)
            for (uint32_t q = dense_first[f * $groups + g];
                 q < dense_first[f * $groups + g + 1] && dense_least[q] < keep; q++)
                for (uint32_t lane = 0; lane < 16; lane++)
                    if (dense_rank[q * 16 + lane] < keep) {
                        const int i = dense_at[q * 16 + lane];
                        const uint32_t to = filled[g * 16 + (int)lane]++ * 16 + lane;
                        if (known[i] < 0) {
                            uint32_t terms = 0;
                            for (uint32_t n = 0; n < count; n++) {
                                const int k = filter_at[filter_first[f] + n] / $features;
                                terms += p->reads[k * $outputs + i];
                            }
                            known[i] = (int)pairs;
                            p->channel[pairs] = (uint16_t)f;
                            p->output[pairs] = (uint16_t)i;
                            p->terms[pairs] = (uint16_t)terms;
                            p->begin[$terms - terms + 1]++;
                            pairs++;
                        }
                        p->dense_at[g * $dense_slots * 16 + (int)to] = (uint16_t)known[i];
                        p->dense_weight[g * $dense_slots * 16 + (int)to] = dense_weight[q * 16 + lane];
                    }
    }
    for (int n = 0; n <= $terms; n++) p->begin[n + 1] += p->begin[n];
    for (uint32_t each = 0; each < pairs; each++)
        p->place[each] = (uint16_t)p->begin[$terms - p->terms[each]]++;
    p->groups = (pairs + 15) / 16;
    for (uint32_t g = 0; g < p->groups; g++) p->slots[g] = 0;
    memset(p->bias, 0, p->groups * 16 * sizeof(float));
    for (uint32_t each = 0; each < pairs; each++) {
        const uint32_t g = p->place[each] / 16u;
        if (p->terms[each] > p->slots[g]) p->slots[g] = p->terms[each];
        p->bias[p->place[each]] = filter_bias[p->channel[each]];
    }
    for (uint32_t g = 0; g < p->groups; g++) at += p->slots[g];
    memset(p->weight, 0, at * 16 * sizeof(float));
    memset(p->source, 0, at * 16 * sizeof p->source[0]);
    at = 0;
    for (uint32_t g = 0; g < p->groups; g++) { /* begin: now where each group's slots begin */
        const uint32_t own = p->slots[g];
        p->slots[g] = at;
        at += own;
    }
    for (uint32_t each = 0; each < pairs; each++) {
        const int f = p->channel[each], i = p->output[each];
        uint32_t to = p->slots[p->place[each] / 16u] * 16 + p->place[each] % 16u;
        const uint32_t count = weights_of(f, keep);
        for (uint32_t n = filter_first[f]; n < filter_first[f] + count; n++) {
            const int k = filter_at[n] / $features, s = filter_at[n] % $features;
            const uint32_t q = mix_first[k * $mix_tiles + i / 16] * 16 + (uint32_t)(i % 16);
            for (uint32_t m = 0; m < p->reads[k * $outputs + i]; m++, to += 16) {
                p->weight[to] = mix_weight[q + m * 16] * filter_weight[n];
                p->source[to] = ($source_type)(signal_node[mix_at[q + m * 16]] + signal_feature[s]);
            }
        }
    }
    for (uint32_t g = 0; g < p->groups; g++)
        p->slots[g] = (g + 1 < p->groups ? p->slots[g + 1] : at) - p->slots[g];
    for (int g = 0; g < $groups; g++) {
        uint32_t most = 0;
        for (int lane = 0; lane < 16; lane++)
            if (filled[g * 16 + lane] > most) most = filled[g * 16 + lane];
        p->dense_slots[g] = most;
        for (uint32_t lane = 0; lane < 16; lane++) {
            const uint32_t from = (uint32_t)(g * $dense_slots * 16) + lane;
            for (uint32_t q = 0; q < most; q++) {
                const uint32_t to = from + q * 16;
                const int used = q < filled[g * 16 + (int)lane];
                p->dense_at[to] = used ? p->place[p->dense_at[to]] : 0;
                if (!used) p->dense_weight[to] = 0.0f;
            }
        }
    }
}
"""

MIX = r"""
/* ---- A u, $heads heads: lane i takes, slot by slot, the nodes that output i reads at this rate ---- */
#define SLOT_ROWS 6
#if LANES == 16 && VECTORS && $rank_bits == 16 && defined(__AVX512BW__) && defined(__AVX512VL__)
#  define LIMIT(keep) _mm256_set1_epi16((int16_t)(uint16_t)(keep))
typedef __m256i rank_limit;
INLINE vec kept_weights(const float *weight, const $rank_type *rank, __m256i keep)
{
    const __m256i ranks = _mm256_loadu_si256((const __m256i *)(const void *)rank);
    return (vec)_mm512_maskz_loadu_ps(_mm256_cmplt_epu16_mask(ranks, keep), weight);
}
#elif LANES == 16 && VECTORS
#  define LIMIT(keep) _mm512_set1_epi32((int32_t)(keep))
typedef __m512i rank_limit;
INLINE vec kept_weights(const float *weight, const $rank_type *rank, __m512i keep)
{
    return (vec)_mm512_maskz_loadu_ps(_mm512_cmplt_epu32_mask($rank_wide, keep), weight);
}
#else
INLINE void kept_weights(const float *weight, const $rank_type *rank, uint32_t keep, float *w)
{
    for (int i = 0; i < 16; i++) w[i] = rank[i] < keep ? weight[i] : 0.0f;
}
#endif

INLINE void mix_rows(const two_products *p, uint32_t keep, const float *x, float *y, const int rows)
{
#if LANES == 16 && VECTORS
    const rank_limit limit = LIMIT(keep);
$registers#endif
    for (int k = 0; k < $heads; k++) {
        if (!p->head[k]) continue;
        for (int t = 0; t < $mix_tiles; t++) {
            const uint32_t from = mix_first[k * $mix_tiles + t] * 16;
            const $mix_at_type *at = mix_at + from;
            const float *weight = mix_weight + from;
            const $rank_type *rank = mix_rank + from;
            float *out = y + k * $features * $stride + t * 16;
#if LANES == 16 && VECTORS
            vec sum[SLOT_ROWS];
            UNROLL for (int r = 0; r < rows; r++) sum[r] = splat(0.0f);
            for (uint32_t n = p->slots[k * $mix_tiles + t]; n > 0; n--, at += 16, weight += 16, rank += 16) {
                const __m512i i = $mix_wide;
                const vec w = kept_weights(weight, rank, limit);
                UNROLL for (int r = 0; r < rows; r++)
                    sum[r] = add_product(sum[r], w, (vec)$look_up);
            }
            UNROLL for (int r = 0; r < rows; r++) store(out + r * $stride, sum[r]);
#else
            float sum[SLOT_ROWS][16] = {{0.0f}};
            for (uint32_t n = p->slots[k * $mix_tiles + t]; n > 0; n--, at += 16, weight += 16, rank += 16) {
                float w[16];
                kept_weights(weight, rank, keep, w);
                for (int r = 0; r < rows; r++)
                    for (int i = 0; i < 16; i++) sum[r][i] += w[i] * x[r * $stride_in + at[i]];
            }
            for (int r = 0; r < rows; r++)
                for (int i = 0; i < 16; i++) out[r * $stride + i] = sum[r][i];
#endif
        }
    }
}

static void mix(const two_products *p, uint32_t keep, const float *restrict x, float *restrict y)
{
    int s = 0;
    for (; s + SLOT_ROWS <= $features; s += SLOT_ROWS)
        mix_rows(p, keep, x + s * $stride_in, y + s * $stride, SLOT_ROWS);
#if $features % SLOT_ROWS
    mix_rows(p, keep, x + s * $stride_in, y + s * $stride, $features % SLOT_ROWS);
#endif
}
"""

REGISTERS = r"""    __m512 lo[SLOT_ROWS], hi[SLOT_ROWS];
    UNROLL for (int r = 0; r < rows; r++) {
        lo[r] = _mm512_loadu_ps(x + r * $stride_in);
        hi[r] = _mm512_loadu_ps(x + r * $stride_in + $upper);
    }
"""

CHANNELS = r"""
/* ---- channels, relu and dense layer in one go ---- */
static void channels(const two_products *p, uint32_t keep, const float *restrict x,
                     float *restrict logits)
{
    float lanes[$groups * 16] = {0.0f};
#if LANES == 16 && VECTORS
    const rank_limit limit = LIMIT(keep);
    vec sum[$groups][2];
    UNROLL for (int g = 0; g < $groups; g++) sum[g][0] = sum[g][1] = splat(0.0f);
#endif
    for (uint32_t c = 0; c < p->count; c++) {
        const channel_step *s = p->step + c;
        const int f = (int)s->channel;
        vec h[ROW_VECS];
        $row
        for (int t = 0; t < $stride / LANES; t += ROW_VECS) {
            filter_place at = {filter_at + s->first, filter_weight + s->first};
            UNROLL for (int v = 0; v < ROW_VECS; v++) h[v] = splat(filter_bias[f]);
            filter_channel(x + t * LANES, &at, (int)s->count, h, ROW_VECS);
            UNROLL for (int v = 0; v < ROW_VECS; v++) h[v] = relu(h[v]);
            $keep_row
        }
        for (int g = 0; g < $groups; g++) {
            const uint32_t from = dense_first[f * $groups + g] * 16;
            const $dense_at_type *at = dense_at + from;
            const float *weight = dense_weight + from;
            const $rank_type *rank = dense_rank + from;
            for (uint32_t n = s->slots[g]; n > 0; n--, at += 16, weight += 16, rank += 16) {
#if LANES == 16 && VECTORS
                const __m512i i = $dense_wide;
                const vec more = add_product(sum[g][0], kept_weights(weight, rank, limit),
                                             (vec)$dense_look_up);
                sum[g][0] = sum[g][1]; /* two chains take turns */
                sum[g][1] = more;
#else
                float w[16];
                kept_weights(weight, rank, keep, w);
                for (int i = 0; i < 16; i++) lanes[g * 16 + i] += w[i] * row[at[i]];
#endif
            }
        }
    }
#if LANES == 16 && VECTORS
    UNROLL for (int g = 0; g < $groups; g++) store(lanes + g * 16, add(sum[g][0], sum[g][1]));
#endif
$logits}
"""

TERMS = r"""
/* ---- both products multiplied out ---- */
static void terms(const one_product *p, const float *restrict x, float *restrict h,
                  float *restrict logits)
{
    const float *weight = p->weight;
    const $source_type *source = p->source;
    float lanes[$groups * 16] = {0.0f};
    for (uint32_t g = 0; g < p->groups; g++) {
#if LANES == 16 && VECTORS
        vec sum = load(p->bias + g * 16);
        for (uint32_t n = p->slots[g]; n > 0; n--, source += 16, weight += 16)
            sum = add_product(sum, gathered($source_wide, x), load(weight));
        store(h + g * 16, relu(sum));
#else
        float sum[16];
        for (int i = 0; i < 16; i++) sum[i] = p->bias[g * 16 + (uint32_t)i];
        for (uint32_t n = p->slots[g]; n > 0; n--, source += 16, weight += 16)
            for (int i = 0; i < 16; i++) sum[i] += weight[i] * x[source[i]];
        for (uint32_t i = 0; i < 16; i++) h[g * 16 + i] = sum[i] < 0.0f ? 0.0f : sum[i];
#endif
    }
    for (int g = 0; g < $groups; g++) {
        const uint16_t *at = p->dense_at + g * $dense_slots * 16;
        weight = p->dense_weight + g * $dense_slots * 16;
#if LANES == 16 && VECTORS
        vec sum[2] = {splat(0.0f), splat(0.0f)};
        for (uint32_t n = p->dense_slots[g]; n > 0; n--, at += 16, weight += 16) {
            const vec more = add_product(sum[0], gathered($pair_wide, h), load(weight));
            sum[0] = sum[1];
            sum[1] = more;
        }
        store(lanes + g * 16, add(sum[0], sum[1]));
#else
        for (uint32_t n = p->dense_slots[g]; n > 0; n--, at += 16, weight += 16)
            for (int i = 0; i < 16; i++) lanes[g * 16 + i] += weight[i] * h[at[i]];
#endif
    }
$logits}
"""

LOGITS = r"""    for (int c = 0; c < $classes; c++) {
        float s = dense_constant[c];
        for (int i = 0; i < $lanes; i++) s += lanes[c / $each * 16 + c % $each * $lanes + i];
        logits[c] = s;
    }
"""

CALL = r"""
static void plan_rate(rate_plan *p)
{
    if (p->keep <= KEEP_MULTIPLIED_OUT)
        plan_one(&p->is.one, p->keep);
    else
        plan_two(&p->is.two, p->keep);
}

static void elastic(const float *restrict signal, float *restrict memory, float *restrict logits)
{
    const rate_plan *p = plan_of(memory);
    if (!ready(memory)) {
        for (int c = 0; c < $classes; c++) logits[c] = NAN; /* no rate was set */
    } else if (p->keep <= KEEP_MULTIPLIED_OUT) {
        terms(&p->is.one, signal, memory + $u_floats, logits);
    } else {
        read_signal(signal, memory + $u_floats);
        mix(&p->is.two, p->keep, memory + $u_floats, memory + $mixed_floats);
        channels(&p->is.two, p->keep, memory + $mixed_floats, logits);
    }
}
"""
