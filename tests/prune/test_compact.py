"""What a compacted network looks like; that it computes the same is shown in tests/agreement."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from making import FUSIONS, masks_for, networks, seeded

from bandstop import gate
from bandstop.measure import kept_weights
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import compact, live, masks_of


@st.composite
def cases(draw: st.DrawFn):
    net = draw(networks())
    return net, draw(masks_for(net.shape))


@given(cases())
def test_no_more_weights_are_kept_than_are_alive_and_no_tensor_is_larger(case):
    net, masks = case
    small = compact(net, masks)
    alive = live(masks, net.shape)
    assert kept_weights(small.net) <= sum(int(m.sum()) for m in alive.values())
    for name, size in small.shape.tensors.items():
        assert all(a <= b for a, b in zip(size, net.shape.tensors[name], strict=True))


@given(cases())
def test_nothing_that_is_left_is_empty_unless_everything_is(case):
    """Every head, joint, output, feature and (with summed heads) filter left is used by some weight."""
    net, masks = case
    alive = live(masks, net.shape)
    small = compact(net, masks)
    if not any(m.any() for m in alive.values()):
        assert small.net.shape.weights == net.shape.classes + 2
        return
    w = {name: weight != 0 for name, weight in small.net.weights().items()}
    assert w["attention"].flatten(1).any(1).all()
    assert w["attention"].any(1).any(0).all()
    assert w["dense"].any(2).any(0).all()
    assert w["filters"].any(2).any(0).all()
    if net.shape.fusion == "sum":
        assert w["dense"].flatten(1).any(1).all()


@given(cases())
def test_the_network_that_was_compacted_is_not_changed(case):
    net, masks = case
    before = {name: value.clone() for name, value in net.state_dict().items()}
    compact(net, masks)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_the_constant_of_a_dead_dense_weight_moves_into_the_class_bias():
    shape = Shape(heads=1, nodes=2, features=1, filters=2, classes=2)
    net = AttentionGCN(shape, seeded(0)).double()
    with torch.no_grad():
        net.filter_bias.copy_(torch.tensor([3.0, 2.0]))
    masks = {name: torch.ones(size, dtype=torch.bool) for name, size in shape.tensors.items()}
    masks["filters"][:, :, 1] = False  # filter 1 has no input, yet its bias says relu(2) = 2
    small = compact(net, masks)
    assert small.shape.filters == 1
    expected = net.class_bias + 2 * net.weights()["dense"][1].sum(0)
    assert torch.allclose(small.net.class_bias, expected)
    assert not torch.allclose(small.net.class_bias, net.class_bias)


def test_a_joint_that_no_head_reads_and_a_feature_that_no_filter_reads_disappear():
    shape = Shape(heads=2, nodes=4, features=3, filters=2, classes=2)
    net = AttentionGCN(shape, seeded(0))
    masks = {name: torch.ones(size, dtype=torch.bool) for name, size in shape.tensors.items()}
    masks["attention"][:, :, 1] = False
    masks["filters"][:, 2] = False
    masks["dense"][:, 3] = False
    small = compact(net, masks)
    assert small.joints.tolist() == [0, 2, 3]
    assert small.features.tolist() == [0, 1]
    assert small.shape == Shape(heads=2, nodes=3, features=2, filters=2, classes=2, outputs=3)


@given(cases())
def test_without_masks_what_is_not_zero_is_what_stays(case):
    net, masks = case
    gate.bake(net, masks)
    found = masks_of(net)
    assert all(torch.equal(found[name], masks[name]) for name in masks)
    one, other = compact(net), compact(net, masks)
    assert one.shape == other.shape
    assert all(torch.equal(v, other.state_dict()[k]) for k, v in one.state_dict().items())


@given(cases())
def test_a_network_that_still_bears_its_fixed_gates_compacts_to_the_same(case):
    net, masks = case
    expected = compact(net, masks)
    gate.fix(net, masks)
    got = compact(net)
    assert all(torch.equal(v, got.state_dict()[k]) for k, v in expected.state_dict().items())


def test_both_fusions_are_tried():
    assert set(FUSIONS) == {"sum", "concat"}
