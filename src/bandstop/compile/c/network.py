"""A network that is a graph: its steps as one function between the signal that is read and the logits."""

from __future__ import annotations

from bandstop.compile.c.text import Part
from bandstop.compile.ir import Graph, Node
from bandstop.compile.network.emit import KERNELS, data, macs, statements, stored_bytes

RUN = """
static void network_run(const float *in0, float *out0, float *memory UNUSED)
{
%s
}
"""


def network(graph: Graph, node: Node) -> Part:
    """What the node adds to the file; its steps keep their values where its own place in memory is."""
    program = node.attributes["program"]
    code = KERNELS + "\n" + "\n".join(data(program)) + RUN % statements(program)
    return Part(
        "network", (), code, "network_run(${x}, logits, ${y});", macs=macs(program),
        more=stored_bytes(program),
    )  # fmt: skip
