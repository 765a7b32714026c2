"""Each rule of the verifier refuses a graph that was broken on purpose, and names the pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from making import bundle

from bandstop.compile import lower, run_passes
from bandstop.compile.api import Options
from bandstop.compile.ir import Buffer, Constant, Graph, Node, Storage
from bandstop.compile.verify import CHECKS, verify
from bandstop.errors import Failure


def good(order: str = "mix first") -> Graph:
    b = bundle()
    return run_passes(
        lower(b.net, b.description, b.normalisation, b.classes), Options(order).passes((6, 6))
    )


def with_node(graph: Graph, name: str, **changes) -> Graph:
    nodes = tuple(replace(n, **changes) if n.operation == name else n for n in graph.nodes)
    return replace(graph, nodes=nodes)


def with_data(graph: Graph, name: str, data) -> Graph:
    return graph.with_constants(replace(graph.constants[name], data=np.asarray(data)))


def writable(graph: Graph) -> Graph:
    graph.constants["class_bias"].data.setflags(write=True)
    return graph


def unknown(g: Graph) -> Graph:
    return with_node(g, "softmax", operation="hardmax")


FAULTS = {
    "an operation that is not in the table": (unknown, "'hardmax' is not in the table"),
    "a constant that the operation does not know": (
        lambda g: with_node(g, "softmax", constants={"mean": "scale"}), "has constants",
    ),
    "an attribute that is missing": (lambda g: with_node(g, "chunks", attributes={}), "attributes"),
    "a value that nobody made": (lambda g: with_node(g, "read", input="nothing"), "before it is made"),
    "a value made twice": (lambda g: with_node(g, "label", output="logits"), "made twice"),
    "an output that is never made": (
        lambda g: replace(g, outputs=("logits", "confidence")), "confidence is never made",
    ),
    "a first node that reads no input": (
        lambda g: replace(g, nodes=g.nodes[1:]), "which is not handed in",
    ),
    "a constant that is missing": (
        lambda g: replace(g, constants={k: c for k, c in g.constants.items() if k != "class_bias"}),
        "class_bias is missing",
    ),
    "a constant that nobody uses": (
        lambda g: g.with_constants(Constant("spare", np.zeros(3))), "spare is not used",
    ),
    "a constant under another name": (
        lambda g: replace(g, constants={**g.constants, "class_bias": Constant("b", np.zeros(3))}),
        "stands under the name",
    ),
    "NaN among the weights": (
        lambda g: with_data(g, "class_bias", [np.nan, 0.0, 0.0]), "NaN or infinite",
    ),
    "a constant that can be written to": (writable, "can be written to"),
    "weights that do not fit into 8 bits": (
        lambda g: g.with_constants(replace(g.constants["offset"], bits=8)), "8 bits",
    ),
    "shapes that do not go together": (
        lambda g: with_data(g, "attention", np.ones((1, 2, 3))), "cannot take",
    ),
    "another number of classes": (lambda g: replace(g, classes=("a",)), "there are 1 classes"),
    "a joint that the signal does not have": (
        lambda g: with_data(g, "joints", g.constants["joints"].data + 99), "joints must be below",
    ),
    "positions that are too narrow": (
        lambda g: g.with_constants(
            replace(g.constants["attention"], data=np.ones((1, 1, 300)),
                    storage=Storage("lanes", 8))
        ),
        "cannot take|more than 8 bits",
    ),
    "weights that may overflow": (
        lambda g: with_data(g, "dense", g.constants["dense"].data * 1e30),
        "logits may overflow within the reach",
    ),
    "a weight that no float32 holds": (
        lambda g: with_data(g, "class_bias", [1e39, 0.0, 0.0]), "beyond the largest float32",
    ),
    "buffers that overlap": (
        lambda g: replace(g, buffers=(*g.buffers, Buffer("other", 0, 1 << 20, (0, 99)))),
        "share memory while both are alive",
    ),
    "a buffer that is not aligned": (
        lambda g: replace(g, buffers=(Buffer("u", 3, 16, (0, 1)),)), "multiple of 16",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_named_with_the_pass_that_made_it(fault):
    plant, words = FAULTS[fault]
    with pytest.raises(Failure, match=words) as caught:
        verify(plant(good()), "a faulty pass")
    assert "after a faulty pass" in str(caught.value)


PATH_FAULTS = {
    "a source beyond the signal": ("path_sources", lambda d: d + 999, "sources must be below"),
    "starts that fall": ("path_starts", lambda d: d[::-1], "starts must rise"),
    "a pair beyond the channels": ("path_pairs", lambda d: d + 999, "pairs must lie within"),
}


@pytest.mark.parametrize("fault", PATH_FAULTS)
def test_a_fault_in_the_products_multiplied_out_is_named(fault):
    name, change, words = PATH_FAULTS[fault]
    graph = good("multiplied out")
    with pytest.raises(Failure, match=words):
        verify(with_data(graph, name, change(graph.constants[name].data)), "a faulty pass")


def test_a_sound_graph_passes_every_rule():
    graph = good()
    assert verify(graph, "nothing") is graph
    assert len(CHECKS) == 8


def test_replacing_nodes_that_are_no_neighbours_is_refused():
    graph = good()
    with pytest.raises(Failure, match="neighbouring"):
        graph.replaced((graph.nodes[0], graph.nodes[2]), ())


@pytest.mark.parametrize(
    "wrong", [("sparse", 8, 1, 32), ("dense", 8, 1, 32), ("rows", 0, 1, 32), ("rows", 8, 0, 32),
              ("rows", 8, 1, 16), ("rows", 12, 1, 32)],
)  # fmt: skip
def test_a_storage_that_cannot_be_is_refused(wrong):
    with pytest.raises(Failure, match="storage"):
        Storage(*wrong)


def test_two_nodes_of_an_operation_are_not_taken_for_one():
    graph = good()
    twice = replace(graph, nodes=(*graph.nodes, Node("softmax", "logits", "again")))
    with pytest.raises(Failure, match="2 nodes of softmax"):
        twice.node("softmax")
    with pytest.raises(Failure, match="no node of paths"):
        graph.the("paths")
