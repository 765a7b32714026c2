"""Every pass keeps what the graph computes, fires where it must, and leaves alone what it must."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from making import bundle, recordings

from bandstop.compile import PASSES, lower, run, run_passes
from bandstop.compile.api import Options
from bandstop.compile.passes import (
    ChooseOrder,
    ChooseStorage,
    DropDeadGroups,
    FoldNormalisation,
    Fuse,
    PlanBuffers,
)
from bandstop.compile.passes.arrange import ArrangeChannels
from bandstop.compile.passes.order import ORDERS
from bandstop.compile.passes.stream import StreamChannels
from bandstop.compile.verify import shapes, verify
from bandstop.errors import Failure

from .conftest import STORAGES, bundles


def graph_of(b):
    return lower(b.net, b.description, b.normalisation, b.classes)


def logits(graph, take: np.ndarray) -> np.ndarray:
    return run(graph, "frames", take)["logits"]


def operations(graph) -> list[str]:
    return [n.operation for n in graph.nodes]


@given(bundles())
def test_the_lowered_graph_is_the_network_from_raw_frames_to_probabilities(b):
    graph, takes = graph_of(b), recordings(3, b.skeleton, 5)
    for take in takes:
        signal = b.signal([take]).double()
        expected = b.net.double()(signal)[0].detach().numpy()
        b.net.float()
        found = run(graph, "frames", take.positions)
        scale = 1 + np.abs(expected).max()
        assert np.abs(found["logits"] - expected).max() <= 1e-4 * scale
        assert found["probabilities"].sum() == pytest.approx(1)
    given_signal = b.signal(takes).numpy()
    with torch.no_grad():
        expected = b.net(torch.from_numpy(given_signal)).numpy()
    for one, other in zip(given_signal, expected, strict=True):
        found = run(graph, "signal", one)["logits"]
        assert np.abs(found - other).max() <= 1e-5 * (1 + np.abs(other).max())


@given(bundles())
def test_after_every_pass_the_graph_computes_the_same(b):
    graph = verify(graph_of(b), "lowering")
    take = recordings(1, b.skeleton, 7)[0].positions
    expected = logits(graph, take)
    for each in PASSES:
        graph = verify(each.apply(graph), each.name)
        found = logits(graph, take)
        assert np.abs(found - expected).max() <= 1e-9 * (1 + np.abs(expected).max()), each.name


@given(bundles())
@settings(max_examples=40)
def test_in_every_order_and_storage_it_computes_the_same(b):
    graph, shape = graph_of(b), (b.net.nodes, b.net.all_features)
    take = recordings(1, b.skeleton, 7)[0].positions
    expected = logits(graph, take)
    for order in ORDERS:
        for storage in STORAGES:
            found = logits(run_passes(graph, Options(order, storage).passes(shape)), take)
            assert np.abs(found - expected).max() <= 1e-9 * (1 + np.abs(expected).max())


def test_folding_makes_one_multiplication_and_one_addition_of_the_normalisation():
    graph = FoldNormalisation().apply(graph_of(bundle()))
    assert "normalise" not in operations(graph)
    assert operations(graph)[2] == "affine"
    assert graph.data("affine", "offset").shape == shapes(graph)["u"]


def test_folding_again_changes_nothing():
    once = FoldNormalisation().apply(graph_of(bundle()))
    assert FoldNormalisation().apply(once) is once


def test_what_no_class_wants_disappears():
    graph = graph_of(bundle(keep=1.0))
    dense = graph.data("dense", "dense").copy()
    dense[1] = 0
    dense[:, 2] = 0
    changed = graph.with_constants(replace(graph.constants["dense"], data=dense))
    small = DropDeadGroups().apply(FoldNormalisation().apply(changed))
    assert small.data("filter", "filters").shape[2] == graph.data("filter", "filters").shape[2] - 1
    assert small.data("mix", "attention").shape[1] == graph.data("mix", "attention").shape[1] - 1


def test_what_everybody_wants_stays():
    graph = FoldNormalisation().apply(graph_of(bundle(keep=1.0)))
    small = DropDeadGroups().apply(graph)
    assert {n: c.data.shape for n, c in small.constants.items()} == {
        n: c.data.shape for n, c in graph.constants.items()
    }


def test_an_unknown_order_is_refused():
    graph = run_passes(graph_of(bundle()), PASSES[:2])
    with pytest.raises(Failure, match="order must be one of"):
        ChooseOrder("backwards").apply(graph)


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("mix first", ["mix", "filter_relu"]),
        ("filter first", ["filter", "mix_relu"]),
        ("multiplied out", ["paths"]),
    ],
)
def test_each_order_is_fused_into_as_few_nodes_as_it_can(order, found):
    graph = Fuse().apply(ChooseOrder(order).apply(run_passes(graph_of(bundle()), PASSES[:2])))
    assert operations(graph)[4:] == [*found, "dense_bias", "softmax", "label"]


def test_channels_are_arranged_from_few_weights_to_many():
    graph = ArrangeChannels().apply(run_passes(graph_of(bundle(keep=0.5)), PASSES[:2]))
    counts = (graph.data("filter", "filters") != 0).sum((0, 1))
    assert (np.diff(counts) >= 0).all()


def test_a_dense_network_is_stored_dense_and_a_sparse_one_is_not():
    kinds = {}
    for keep in (1.0, 0.05):
        graph = run_passes(graph_of(large(keep)), Options("mix first").passes((30, 12)))
        kinds[keep] = {c.storage.kind for c in graph.constants.values() if c.storage}
    assert kinds[1.0] == {"dense"}
    assert "dense" not in kinds[0.05]


def test_channels_are_streamed_only_where_both_layers_skip_weights():
    few = run_passes(graph_of(large(0.1)), Options("mix first").passes((30, 12)))
    every = run_passes(graph_of(large(1.0)), Options("mix first").passes((30, 12)))
    assert few.has("filter_dense")
    assert not every.has("filter_dense")
    assert StreamChannels().apply(every) is every


def test_values_that_are_alive_together_lie_apart_and_the_others_share():
    graph = run_passes(graph_of(large(1.0)))
    total = max(b.offset + b.floats for b in graph.buffers)
    assert total < sum(b.floats for b in graph.buffers)
    assert PlanBuffers().apply(graph).buffers == graph.buffers


def test_a_storage_that_is_asked_for_is_taken():
    graph = run_passes(graph_of(large(0.1)), Options("mix first").passes((30, 12)))
    graph = ChooseStorage((("attention", "dense"),)).apply(graph)
    assert graph.constant(graph.the("mix"), "attention").storage.kind == "dense"


def large(keep: float):
    from bandstop.data.describe import Description
    from bandstop.nn import Shape
    from bandstop.skeleton import layouts

    from .conftest import bundle_of

    shape = Shape(heads=4, nodes=30, features=12, filters=32, classes=8)
    return bundle_of(shape, Description(layouts.SBU, 4), dict.fromkeys(shape.tensors, keep))
