"""The network against its formula, its initial scale, and signals it must refuse."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import FUSIONS, formula, networks, seeded

from bandstop.errors import BadInput
from bandstop.nn import AttentionGCN, CompactGCN, Shape


@given(networks(), st.integers(1, 4), st.integers(0, 99))
def test_the_three_products_are_the_formula(net, batch, seed):
    signal = torch.randn(
        batch, net.shape.nodes, net.shape.features, generator=seeded(seed)
    ).double()
    assert torch.allclose(net(signal), formula(net, net.weights(), signal), rtol=1e-10, atol=1e-12)


@given(networks(4), st.integers(0, 99))
def test_gradients_are_those_of_the_formula(net, seed):
    signal = torch.randn(3, net.shape.nodes, net.shape.features, generator=seeded(seed)).double()
    parameters = list(net.parameters())
    fast = torch.autograd.grad(net(signal).square().sum(), parameters)
    plain = torch.autograd.grad(
        formula(net, net.weights(), signal).square().sum(), parameters, allow_unused=True
    )
    for got, expected in zip(fast, plain, strict=True):
        assert torch.allclose(got, expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_at_the_start_latents_activations_and_logits_have_about_unit_variance(fusion):
    net = AttentionGCN(Shape(8, 30, 24, 64, 16, fusion), seeded(0))
    for name in net.shape.tensors:
        latent = getattr(net, name).detach()
        assert float(latent.mean()) == pytest.approx(0, abs=0.05)
        assert float(latent.var()) == pytest.approx(1, abs=0.05)
    signal = torch.randn(400, 30, 24, generator=seeded(1))
    # relu keeps half of a variance of 2, and the dense layer keeps the mean square
    assert float(net(signal).detach().var()) == pytest.approx(1, rel=0.4)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_shape_counts_what_the_tensors_hold(fusion):
    shape = Shape(3, 5, 4, 6, 2, fusion, outputs=7)
    net = AttentionGCN(shape)
    assert {n: tuple(getattr(net, n).shape) for n in shape.tensors} == shape.tensors
    assert shape.weights == sum(getattr(net, n).numel() for n in shape.tensors)
    assert shape.channels == (6 if fusion == "sum" else 18)
    assert shape.tensors["attention"] == (3, 7, 5)
    assert len(net.filter_bias) == shape.channels


def test_as_many_outputs_as_nodes_unless_said_otherwise():
    assert Shape(1, 5, 1, 1, 1).outputs == 5
    assert Shape(1, 5, 1, 1, 1, outputs=2).outputs == 2


def test_the_same_generator_gives_the_same_network():
    shape = Shape(2, 3, 4, 5, 6)
    one, same, other = (AttentionGCN(shape, seeded(s)) for s in (1, 1, 2))
    assert all(torch.equal(v, same.state_dict()[k]) for k, v in one.state_dict().items())
    assert not torch.equal(one.attention, other.attention)


@pytest.mark.parametrize("size", [(3, 4), (4, 3), (5, 4), (4, 5)])
def test_a_signal_of_another_size_is_refused_with_both_sizes_and_a_remedy(size):
    net = AttentionGCN(Shape(2, 4, 4, 2, 2))
    said = rf"reads 4 nodes x 4 features, not \({size[0]}, {size[1]}\); describe"
    with pytest.raises(BadInput, match=said):
        net(torch.randn(1, *size))
    with pytest.raises(BadInput, match=rf"4 nodes x 4 features, not \({size[0]}, {size[1]}\)"):
        CompactGCN.whole(net)(torch.randn(1, *size))


def test_all_sizes_that_make_no_network_are_named_at_once():
    with pytest.raises(BadInput) as error:
        Shape(heads=0, nodes=-1, features=3, filters=0, classes=2, fusion="max", outputs=1)
    for word in ("4 problems", "heads", "nodes", "filters", "fusion must be one of sum, concat"):
        assert word in str(error.value)


def test_a_batch_of_one_is_what_it_is_among_others():
    net = AttentionGCN(Shape(2, 4, 3, 5, 2), seeded(0)).double()
    signal = torch.randn(9, 4, 3, generator=seeded(1)).double()
    alone = torch.cat([net(s) for s in signal.split(1)])
    assert torch.allclose(net(signal), alone, rtol=1e-12, atol=1e-12)
