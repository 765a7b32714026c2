"""Accuracy, confusion, cost and agreement, each against a naive count."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import masks_for, networks, seeded

from bandstop import gate
from bandstop.errors import Failure
from bandstop.measure import (
    accuracy,
    confusion,
    counted_macs,
    dense_macs,
    kept_weights,
    predictions,
    relative_error,
    require_agreement,
    sparse_macs,
)
from bandstop.nn import AttentionGCN, Shape


@st.composite
def baked(draw: st.DrawFn) -> AttentionGCN:
    net = draw(networks(4))
    gate.bake(net, draw(masks_for(net.shape)))
    return net


def macs_by_loop(net: AttentionGCN) -> int:
    """(A U) W, then D: count each product of a weight that is not zero with a value that can be."""
    a, w, d = (weight.detach() != 0 for weight in net.weights().values())
    s = net.shape
    count = 0
    for k in range(s.heads):
        for i, j, feature in product(range(s.outputs), range(s.nodes), range(s.features)):
            if a[k, i, j] and any(w[k, feature, f] for f in range(s.filters)):
                count += 1
        for i, feature, f in product(range(s.outputs), range(s.features), range(s.filters)):
            if w[k, feature, f] and any(a[k, i, j] for j in range(s.nodes)):
                count += 1
    return count + int(d.sum())


@given(baked())
def test_sparse_macs_are_those_of_a_naive_loop(net):
    assert sparse_macs(net) == macs_by_loop(net)


@given(networks(4))
def test_with_nothing_removed_sparse_and_dense_macs_are_the_same(net):
    assert sparse_macs(net) == dense_macs(net.shape) == macs_by_loop(net)


@given(networks(5), st.integers(1, 3))
def test_torch_counts_the_same_whatever_the_batch(net, batch):
    signal = torch.randn(batch, net.shape.nodes, net.shape.features).double()
    assert counted_macs(net, signal) == dense_macs(net.shape)


@given(baked())
def test_kept_weights_are_those_that_are_not_zero(net):
    by_loop = sum(1 for w in net.weights().values() for v in w.flatten().tolist() if v != 0)
    assert kept_weights(net) == by_loop


def test_predictions_do_not_depend_on_how_they_are_split():
    net = AttentionGCN(Shape(2, 4, 3, 5, 3), seeded(0))
    signals = torch.randn(23, 4, 3, generator=seeded(1))
    whole = predictions(net, signals)
    assert torch.equal(whole, net(signals).argmax(1))
    for size in (1, 7, 23, 100):
        assert torch.equal(predictions(net, signals, size), whole)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40))
def test_accuracy_and_confusion_count_right_and_wrong_answers(pairs):
    labels, predicted = (torch.tensor(column) for column in zip(*pairs, strict=True))
    table = confusion(predicted, labels, 4)
    for true, taken in product(range(4), repeat=2):
        assert table[true][taken] == pairs.count((true, taken))
    assert accuracy(predicted, labels) == pytest.approx(
        sum(table[c][c] for c in range(4)) / len(pairs)
    )


def test_the_relative_error_is_the_largest_difference_over_the_largest_logit():
    def one(x):
        return x

    def other(x):
        return x + torch.tensor([0.0, 0.5])

    assert relative_error(one, other, torch.tensor([[2.0, -4.0], [1.0, 0.0]])) == 0.125


@pytest.mark.parametrize("wrong", [1.001, float("nan"), float("inf")])
def test_networks_that_disagree_are_not_delivered(wrong):
    signals = torch.ones(2, 2)
    assert require_agreement(torch.clone, torch.clone, signals, "these") == 0
    with pytest.raises(Failure, match="these disagree: relative error"):
        require_agreement(torch.clone, lambda x: x * wrong, signals, "these")
