"""A network that is a graph: its steps as one function between the signal that is read and the logits."""

from __future__ import annotations

from bandstop.compile.c.rate import HELD, words_of
from bandstop.compile.c.text import Part, filled
from bandstop.compile.ir import Graph, Node
from bandstop.compile.network.emit import arrays, data, kernels, macs, statements, stored_bytes
from bandstop.compile.network.plan import plan_of, planned
from bandstop.compile.ranked import Ranked
from bandstop.fingerprint import fingerprint

RUN = """
static void network_run(const float *in0, float *out0, float *memory UNUSED)
{
%s
}
"""
RUN_RANKED = """
static void network_run(const float *in0, float *out0, float *memory UNUSED, const rate_plan *plan)
{
    if (plan->mark != %su) { /* no rate was set */
        for (int c = 0; c < %s; c++) out0[c] = NAN;
        return;
    }
%s
}
"""


def ranks_in(graph: Graph) -> Ranked | None:
    """What is known of the rates of a graph that was lowered with ranks."""
    if not graph.has("network"):
        return None
    found: Ranked | None = graph.the("network").attributes["program"].ranked
    return found


def mark_of(graph: Graph) -> str:
    """A fingerprint of what its tables hold."""
    return fingerprint(arrays(graph.the("network").attributes["program"]), 8)


def floats_of(graph: Graph) -> int:
    """Of scratch memory, before what a rate leaves."""
    return max((b.offset + b.floats for b in graph.buffers), default=0)


def network(graph: Graph, node: Node) -> Part:
    """What the node adds to the file; its steps keep their values where its own place in memory is."""
    program, plan = node.attributes["program"], ""
    code = kernels(program) + "\n" + "\n".join(data(program))
    if program.ranked is None:
        code += RUN % statements(program)
    else:
        plan = ", plan_of(memory)"
        words = words_of(program.ranked, mark_of(graph)) | {"plan_floats": floats_of(graph)}
        code += plan_of(program) + filled(HELD, **words) + planned(program)
        code += RUN_RANKED % (words["mark"], len(graph.classes), statements(program))
    call = f"network_run(${{x}}, logits, ${{y}}{plan});"
    return Part("network", (), code, call, macs=macs(program), more=stored_bytes(program))
