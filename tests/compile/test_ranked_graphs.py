"""Any graph at any rate out of one C file, and with weights of 8 bits: as the graph itself computes it."""

from __future__ import annotations

import ctypes
import shutil
from collections.abc import Iterable

import numpy as np
import pytest
import torch
from graphs import graphs, inputs_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from making import graph_bundle

from bandstop.bundle.export.c import compiled
from bandstop.bundle.export.elastic import compiled_elastic
from bandstop.compile import Options, check_signals
from bandstop.compile.elastic import compile_elastic
from bandstop.compile.network.lower import lower
from bandstop.compile.network.maker import Maker
from bandstop.compile.network.quantise import quantised, rounded_rows, weight_of
from bandstop.compile.ranked import Ranked
from bandstop.errors import BadInput, Failure
from bandstop.graph import Graph, GraphNet, Node, run
from bandstop.graph.simplify import simplify, simplify_ranked
from bandstop.networks import NETWORKS

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def ranked_by_chance(
    graph: Graph, seed: int, names: Iterable[str] | None = None
) -> dict[str, torch.Tensor]:
    """A rank for every weight, one order over all."""
    names = [n for n in graph.tensors if n.startswith("w")] if names is None else list(names)
    random = torch.Generator().manual_seed(seed)
    order = torch.randperm(sum(graph.tensors[n].numel() for n in names), generator=random)
    parts = order.split([graph.tensors[n].numel() for n in names])
    return {n: p.view(graph.tensors[n].shape) for n, p in zip(names, parts, strict=True)}


def at(graph: Graph, ranks: dict[str, torch.Tensor], keep: int) -> Graph:
    return graph.with_tensors({n: graph.tensors[n] * (r < keep) for n, r in ranks.items()})


@FEW
@given(graphs(), st.integers(0, 99), st.floats(0, 1))
def test_what_simplifies_at_one_rate_simplifies_at_every_rate(graph, seed, share):
    """The tensors of the simplified graph, without those of a higher rank, are those of that rate."""
    ranks = ranked_by_chance(graph, seed)
    simple, theirs = simplify_ranked(graph, ranks)
    assert theirs.keys() <= simple.tensors.keys()
    assert all(r.shape == simple.tensors[n].shape for n, r in theirs.items())
    keep = round(share * sum(r.numel() for r in ranks.values()))
    inputs = inputs_of(graph, 2, seed)
    meant, found = run(at(graph, ranks, keep), inputs), run(at(simple, theirs, keep), inputs)
    for one, other in zip(meant, found, strict=True):
        there = one.isfinite() & (one.abs() < 1e6)
        torch.testing.assert_close(other[there], one[there], rtol=1e-7, atol=1e-7)


def test_products_of_weights_keep_the_later_rank_and_sums_of_them_have_none():
    w = {"wa": torch.rand(2, 3) + 1, "wb": torch.rand(2, 3) + 1, "b": torch.rand(2, 3)}

    def of(operation: str, *inputs: str, **attributes) -> Graph:
        nodes = (Node(operation, inputs, "v", attributes), Node("multiply", ("x", "v"), "y"))
        return Graph({"x": (1, 2, 3)}, nodes, w, ("y",))

    ranks = {"wa": torch.arange(6).view(2, 3), "wb": torch.arange(6).flip(0).view(2, 3)}
    _, both = simplify_ranked(of("multiply", "wa", "wb"), ranks)
    assert both["v"].tolist() == [[5, 4, 3], [3, 4, 5]]
    _, one = simplify_ranked(of("multiply", "wa", "b"), ranks)
    assert torch.equal(one["v"], ranks["wa"])
    _, moved = simplify_ranked(of("concatenate", "wa", "b", dim=1), ranks)
    assert moved["v"].tolist() == [[0, 1, 2, 0, 0, 0], [3, 4, 5, 0, 0, 0]]
    for operation, inputs in (("add", ("wa", "b")), ("exp", ("wa",)), ("divide", ("b", "wa"))):
        simple, none = simplify_ranked(of(operation, *inputs), ranks)
        assert "v" not in {**simple.tensors, **none}  # left to be computed


@pytest.mark.parametrize("kind", NETWORKS)
def test_one_file_answers_at_any_rate_as_the_network_of_that_rate(kind):
    many = graph_bundle(kind, keep=1.0)
    _, elastic = compiled_elastic(many, "wave", "a test")
    signals = check_signals(*many.network.signal, 6)
    order = many.order
    assert order is not None
    least = round((1 - order.highest) * order.weights + 0.5)
    counts = [least + n for n in (0, 1, 2, 17, 333)]
    for keep in counts:
        rate = 1 - keep / order.weights
        elastic.rate = rate
        with torch.no_grad():
            meant = many.at(rate).net(torch.from_numpy(signals)).numpy()
        assert np.abs(elastic(signals) - meant).max() <= 1e-5 * np.abs(meant).max()


def test_before_a_rate_is_set_there_is_no_answer():
    many = graph_bundle(keep=1.0)
    made, elastic = compiled_elastic(many, "wave", "a test")
    library = ctypes.CDLL(str(elastic.native.path))
    answer = library.wave_from_signal
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    answer.argtypes = [pointer, size, size, pointer, size, pointer]
    nodes, features = many.network.signal
    signal, scratch = np.zeros((nodes, features), np.float32), np.zeros(made.scratch, np.uint8)
    found = np.full(2 * 3 + 1, 7.0, np.float32)

    def code() -> int:
        where = (signal.ctypes.data, nodes, features, scratch.ctypes.data, scratch.nbytes)
        return answer(*where, found.ctypes.data)

    assert code() == -7
    assert (found == 7).all()
    logits = np.zeros(3, np.float32)
    library.wave_logits.argtypes, library.wave_logits.restype = [ctypes.c_void_p] * 3, None
    library.wave_logits(signal.ctypes.data, scratch.ctypes.data, logits.ctypes.data)
    assert np.isnan(logits).all()
    setting = library.wave_set_rate
    setting.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_double]
    assert setting(scratch.ctypes.data, scratch.nbytes, 0.95) == -6
    assert code() == -7
    assert setting(scratch.ctypes.data, scratch.nbytes, 0.5) == 0
    assert code() == 0


def test_a_bundle_of_one_rate_is_refused():
    with pytest.raises(BadInput, match="method mrmp"):
        compiled_elastic(graph_bundle(), "wave", "a test")


@pytest.mark.parametrize(("kind", "keep"), [*((k, 0.4) for k in NETWORKS), ("st-gcn", 0.1)])
def test_weights_of_8_bits_take_less_and_give_nearly_the_same(kind, keep):
    one = graph_bundle(kind, keep)
    whole, _ = compiled(one, "wave", "a test")
    small, native = compiled(one, "wave", "a test", Options(int8=True))
    assert small.flash < whole.flash
    assert "static const int8_t t0_weight" in small.source.replace("ALIGNED ", "")
    signals = check_signals(*one.network.signal, 6)
    with torch.no_grad():
        meant = one.net(torch.from_numpy(signals)).numpy()
    assert np.abs(native(signals) - meant).max() <= 0.1 * np.abs(meant).max()


@FEW
@given(graphs(), st.integers(0, 99))
def test_rounded_weights_are_what_the_tables_hold(graph, seed):
    """Codes times scales of a table are the weights of the rounded graph: nothing is rounded twice."""
    assume(len(graph.inputs) == 1)
    (x,) = inputs_of(graph, 2, seed)
    exact = quantised(simplify(graph), x)
    program = lower(exact.float(), bits=8)
    held = [exact.tensors[name].flatten() for n in exact.nodes if (name := weight_of(exact, n))]
    known = torch.cat([torch.zeros(1, dtype=torch.double), *held]).sort().values.numpy()
    for t in program.tables:
        assert t.scale is not None
        assert t.weight.dtype == np.int8
        rows = np.repeat(np.arange(len(t.bias)), np.diff(t.start))
        weights = t.weight.astype(np.float64) * t.scale[rows]
        after = np.searchsorted(known, weights).clip(1, len(known) - 1)
        off = np.minimum(abs(known[after] - weights), abs(known[after - 1] - weights))
        assert (off <= 1e-6 * abs(weights)).all()


def test_a_scale_loses_no_more_than_the_plain_one():
    """The largest of a row counts little here, so that it is worth cutting it off."""
    weight = torch.tensor([[8.0, 0.9, -1.1, 0.7], [0.5, 0.25, 0.0, -0.5]]).double()
    x = torch.tensor([[0.01, 3.0, 2.0, 4.0], [0.01, 1.0, 5.0, 2.0]]).double()
    node = Node("einsum", ("x", "w"), "y", {"equation": "ni,oi->no"})
    made = rounded_rows(node, "w", {"x": x, "w": weight})
    importance = x.square().sum(0)

    def loss(rounded: torch.Tensor) -> torch.Tensor:
        return (importance * (weight - rounded).square()).sum(1)

    most = weight.abs().amax(1, keepdim=True) / 127
    plain = (weight / most).round() * most
    assert (loss(made) <= loss(plain)).all()
    assert loss(made)[0] < 0.9 * loss(plain)[0]
    codes = made / (made.abs().amax(1, keepdim=True) / 127)
    torch.testing.assert_close(codes, codes.round())


def test_constants_that_ranks_leave_some_of_are_right_at_every_rate():
    """Sums and functions of ranked tensors are no tensors with ranks: they are computed, at each rate."""
    many = graph_bundle(keep=1.0)
    nodes, features = many.network.signal
    random = torch.Generator().manual_seed(3)
    w = {n: torch.randn(*s, generator=random) for n, s in {
        "a": (nodes, nodes), "b": (nodes, nodes), "c": (nodes, features), "d": (nodes, features),
        "e": (1, 1), "f": (3, nodes * features),
    }.items()}  # fmt: skip
    graph = Graph(
        {"signal": (1, nodes, features)},
        (
            Node("multiply", ("a", "b"), "ab"),
            Node("einsum", ("signal", "ab"), "mixed", {"equation": "nvf,uv->nuf"}),
            Node("exp", ("c",), "grown"),
            Node("multiply", ("mixed", "grown"), "scaled"),
            Node("add", ("c", "d"), "cd"),
            Node("add", ("scaled", "cd"), "moved"),
            Node("multiply", ("moved", "e"), "one"),
            Node("tanh", ("one",), "held"),
            Node("view", ("held",), "flat", {"shape": (1, nodes * features), "batch": 0}),
            Node("einsum", ("flat", "f"), "out", {"equation": "ni,oi->no"}),
        ),
        w,
        ("out",),
    )
    ranks = ranked_by_chance(graph, 5, w)
    total = sum(r.numel() for r in ranks.values())
    ranked = Ranked({n: r.numpy() for n, r in ranks.items()}, total, 0.1, 0.9)

    def of(rate: float) -> GraphNet:
        return GraphNet(at(graph, ranks, ranked.at(rate))).eval()

    made, elastic, _ = compile_elastic(
        of(ranked.lowest), ranked, of, many.description, many.normalisation, many.classes
    )
    assert "plan->constants" in made.source
    signal = check_signals(nodes, features, 3)
    for rate in (0.1, 0.33, 0.71, 0.9):
        elastic.rate = rate
        meant = of(rate)(torch.from_numpy(signal)).detach().numpy()
        assert np.abs(elastic(signal) - meant).max() <= 1e-5 * np.abs(meant).max()


def test_a_rank_that_is_forgotten_is_found(monkeypatch):
    forgetful = Maker.ranks_of
    monkeypatch.setattr(Maker, "ranks_of", lambda m, name: 0 * forgetful(m, name))
    with pytest.raises(Failure, match=r"PyTorch and C at rate .* disagree"):
        compiled_elastic(graph_bundle(keep=1.0), "wave", "a test")
