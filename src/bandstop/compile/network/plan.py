"""What a rate leaves of a graph's weights: how many of each row, and constants without those that go."""

from __future__ import annotations

from bandstop.compile.layout import padded
from bandstop.compile.network.maker import Program

TYPES = """
/* ---- the plan: what a rate leaves, in the caller's scratch memory ---- */
typedef struct {
    float constants[%d];
    uint32_t mark, keep;
    uint32_t counts[%d]; /* of every table's rows: the weights that stay come first */
} rate_plan;
"""

COUNTS = """
static uint32_t *network_counts(const network_table *t, uint32_t rows, uint32_t keep, uint32_t *counts)
{
    for (uint32_t row = 0; row < rows; row++)
        *counts++ = prefix(t->rank + t->start[row], t->start[row + 1] - t->start[row], keep);
    return counts;
}

static void plan_rate(rate_plan *p)
{
    uint32_t *counts = p->counts;
%s
    (void)counts;
}
"""


def counted(program: Program) -> int:
    """Rows of all tables."""
    return sum(len(t.bias) for t in program.tables)


def plan_bytes(program: Program) -> int:
    """Scratch memory that a rate takes."""
    return padded(4 * (max(1, program.held_floats) + 2 + max(1, counted(program))), 64)


def plan_of(program: Program) -> str:
    """The type of a plan."""
    return TYPES % (max(1, program.held_floats), max(1, counted(program)))


def planned(program: Program) -> str:
    """How a plan is made."""
    lines = [
        f"    counts = network_counts(&{t.name}, {len(t.bias)}, p->keep, counts);"
        for t in program.tables
    ]
    lines += [
        f"    for (uint32_t i = 0; i < {h.values.size}; i++)\n"
        f"        p->constants[{h.at} + i] = {h.name}_rank[i] < p->keep ? {h.name}[i] : 0.0f;"
        for h in program.held
    ]
    return COUNTS % "\n".join(lines)
