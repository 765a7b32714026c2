"""A file of every rate: what it adds to the functions of every file, whatever its network is.

The network says what a rate leaves (`rate_plan`, which has `mark` and `keep`) and how that is found
(`plan_rate`).
"""

from __future__ import annotations

from bandstop.compile.ranked import Ranked

HELD = r"""
static rate_plan *plan_of(float *memory)
{
    return (rate_plan *)(void *)(memory + $plan_floats);
}

static int ready(float *memory)
{
    return plan_of(memory)->mark == ${mark}u;
}

/* how many of the first n ranks, which rise, are below keep */
INLINE uint32_t prefix(const $rank_type *rank, uint32_t n, uint32_t keep)
{
    const $rank_type *from = rank;
    while (n > 0) {
        const uint32_t half = n / 2;
        const int more = from[half] < keep;
        from += more ? half + 1 : 0;
        n = more ? n - half - 1 : half;
    }
    return (uint32_t)(from - rank);
}
"""

ASKS = "    if (!ready(memory)) return $NAME_NO_RATE;\n"
"""Before an answer."""

SET_RATE = r"""
int ${name}_set_rate(void *scratch, size_t bytes, double rate)
{
    rate_plan *p;
    double kept;
    if (!scratch) return $NAME_NULL;
    if (bytes < $NAME_SCRATCH_BYTES) return $NAME_SMALL_SCRATCH;
    if (!(rate >= $NAME_LOWEST_RATE - 1e-9 && rate <= $NAME_HIGHEST_RATE + 1e-9))
        return $NAME_RATE_OUTSIDE;
    kept = rint((1.0 - rate) * $weights.0);
    kept = kept < 1.0 ? 1.0 : kept > $most.0 ? $most.0 : kept;
    p = plan_of(aligned(scratch));
    p->keep = (uint32_t)kept;
    plan_rate(p);
    p->mark = ${mark}u;
    return $NAME_OK;
}
"""

DECLARED = r"""
/* ---- every rate from $lowest to $highest in one file ---- */
#define $NAME_LOWEST_RATE $lowest
#define $NAME_HIGHEST_RATE $highest
enum {
    $NAME_RATE_OUTSIDE = -6, /* not within the range that was trained */
    $NAME_NO_RATE = -7       /* ${name}_set_rate was not called for this scratch memory */
};

/* Sets the fraction of weights that are left out, in microseconds: the scratch memory then holds what
   that rate leaves, and everything below answers at that rate until another one is set. Call it
   once for each scratch memory before anything else. */
int ${name}_set_rate(void *scratch, size_t bytes, double rate);

"""


def rates_words(ranked: Ranked, name: str) -> str:
    """What the head of the file says of its rates."""
    return f"{ranked.lowest:g} to {ranked.highest:g} of {ranked.weights} weights, set with {name}_set_rate"


def words_of(ranked: Ranked, mark: str) -> dict[str, object]:
    """What the texts above ask for.

    Parameters
    ----------
    ranked : of the network
    mark : a fingerprint of its arrays, in hexadecimal
    """
    return {
        "weights": ranked.weights, "most": ranked.most, "mark": int(mark, 16) or 1,
        "lowest": repr(ranked.lowest), "highest": repr(ranked.highest),
        "rank_type": f"uint{ranked.bits}_t",
    }  # fmt: skip
