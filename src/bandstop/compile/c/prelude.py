"""The beginning of every generated file: vectors through the compiler's extensions, or plain C."""

PRELUDE = r"""
/* ---- vectors: the compiler's extensions; with -DBANDSTOP_PLAIN_C nothing but standard C, as on a
   32-bit x86 without SSE, which has none ---- */
#if !defined(BANDSTOP_PLAIN_C) && defined(__GNUC__) && (!defined(__i386__) || defined(__SSE2__))
#  define VECTORS 1
#  if defined(__AVX__)
#    if defined(__cplusplus) && !defined(__clang__) /* of gcc's own header */
#      pragma GCC diagnostic push
#      pragma GCC diagnostic ignored "-Wuninitialized"
#      pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#      include <immintrin.h>
#      pragma GCC diagnostic pop
#    else
#      include <immintrin.h>
#    endif
#  endif
#  if defined(__AVX512F__)
#    define LANES 16
#  elif defined(__AVX__)
#    define LANES 8
#  else
#    define LANES 4
#  endif
#  define INLINE static inline __attribute__((always_inline, unused))
#  define PRAGMA(x) _Pragma(#x)
#  if defined(__clang__)
#    define UNROLL PRAGMA(clang loop unroll(full))
#  else
#    define UNROLL PRAGMA(GCC unroll 16)
#  endif
#else
#  define VECTORS 0
#  define LANES 4
#  if defined(__GNUC__)
#    define INLINE static inline __attribute__((unused)) /* only against a warning */
#  else
#    define INLINE static inline
#  endif
#  define UNROLL
#endif
#if defined(__GNUC__)
#  define ALIGNED __attribute__((aligned(64)))
#elif defined(__cplusplus)
#  define ALIGNED alignas(64)
#elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#  define ALIGNED _Alignas(64)
#else
#  define ALIGNED /* slower loads, the same answers */
#endif
#if defined(__cplusplus) && defined(__GNUC__)
#  define restrict __restrict__
#elif defined(__cplusplus)
#  define restrict
#endif
/* one address in one register: with base and index, x86 splits every multiply-add from memory in two */
#if VECTORS && defined(__x86_64__)
#  define BY_POINTER(p) __asm__("" : "+r"(p))
#else
#  define BY_POINTER(p)
#endif

#if VECTORS
typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t mask __attribute__((vector_size(4 * LANES)));
INLINE vec load(const float *p) { vec v; __builtin_memcpy(&v, p, sizeof v); return v; }
INLINE void store(float *p, vec v) { __builtin_memcpy(p, &v, sizeof v); }
typedef int8_t narrow __attribute__((vector_size(LANES)));
INLINE vec load_bytes(const int8_t *p)
{
    narrow v;
    __builtin_memcpy(&v, p, sizeof v);
    return __builtin_convertvector(v, vec);
}
#if LANES == 16
/* without optimisation gcc's intrinsic is a macro, about whose mask it warns */
#  if !defined(__OPTIMIZE__) && !defined(__clang__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wsign-conversion"
#  endif
INLINE vec gathered(__m512i at, const float *from) { return (vec)_mm512_i32gather_ps(at, from, 4); }
#  if !defined(__OPTIMIZE__) && !defined(__clang__)
#    pragma GCC diagnostic pop
#  endif
#endif
INLINE vec splat(float x)
{
    const vec zero = {0.0f};
    return x - zero;
}
INLINE vec add(vec a, vec b) { return a + b; }
INLINE vec times(vec a, vec b) { return a * b; }
INLINE vec add_product(vec sum, vec a, vec b) { return a * b + sum; }
INLINE vec relu(vec x) /* NaN stays NaN */
{
    const vec zero = {0.0f};
    return (vec)((mask)x & ~(x < zero));
}
#else
typedef struct { float at[LANES]; } vec;
INLINE vec load(const float *p) { vec v; for (int i = 0; i < LANES; i++) v.at[i] = p[i]; return v; }
INLINE vec load_bytes(const int8_t *p)
{
    vec v;
    for (int i = 0; i < LANES; i++) v.at[i] = (float)p[i];
    return v;
}
INLINE void store(float *p, vec v) { for (int i = 0; i < LANES; i++) p[i] = v.at[i]; }
INLINE vec splat(float x) { vec v; for (int i = 0; i < LANES; i++) v.at[i] = x; return v; }
INLINE vec add(vec a, vec b) { for (int i = 0; i < LANES; i++) a.at[i] += b.at[i]; return a; }
INLINE vec times(vec a, vec b) { for (int i = 0; i < LANES; i++) a.at[i] *= b.at[i]; return a; }
INLINE vec add_product(vec sum, vec a, vec b)
{
    for (int i = 0; i < LANES; i++) sum.at[i] += a.at[i] * b.at[i];
    return sum;
}
INLINE vec relu(vec x)
{
    for (int i = 0; i < LANES; i++) x.at[i] = x.at[i] < 0.0f ? 0.0f : x.at[i];
    return x;
}
#endif
INLINE float total(vec v)
{
#if LANES == 16 && VECTORS
    return _mm512_reduce_add_ps((__m512)v);
#else
    float p[LANES];
    store(p, v);
    for (int width = LANES / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) p[i] += p[i + width];
    return p[0];
#endif
}
"""

GATHER = r"""
/* sum of weight[i] * from[at[i]] over groups of 16 */
INLINE float picked(const float *from, const $type *at, const $weight_type *weight, int groups)
{
#if LANES == 16 && VECTORS
    vec sum = splat(0.0f);
    for (; groups > 0; groups--, at += 16, weight += 16)
        sum = add_product(sum, gathered($wide(at), from), $load(weight));
    return total(sum);
#else
    float s[4] = {0.0f, 0.0f, 0.0f, 0.0f};
    for (; groups > 0; groups--, at += 16, weight += 16)
        for (int i = 0; i < 16; i += 4)
            for (int q = 0; q < 4; q++) s[q] += (float)weight[i + q] * from[at[i + q]];
    return (s[0] + s[1]) + (s[2] + s[3]);
#endif
}
"""

WIDE = {
    "uint8_t": "_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)($at)))",
    "uint16_t": "_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)($at)))",
    "uint32_t": "_mm512_loadu_si512((const void *)($at))",
}
"""16 stored positions as 16 numbers of 32 bits, on AVX-512."""


def wide(kind: str, at: str) -> str:
    return WIDE[kind].replace("$at", at)
