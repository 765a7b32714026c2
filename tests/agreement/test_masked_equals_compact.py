"""Masked network = compacted network = the file read back, on random small networks."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import FUSIONS, bundle, masked, masks_for, networks, recordings, seeded

from bandstop import gate
from bandstop.bundle.reading import from_bytes
from bandstop.measure import counted_macs, dense_macs, relative_error
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import compact


@st.composite
def cases(draw: st.DrawFn, dtype: torch.dtype):
    net = draw(networks(5, dtype))
    masks = draw(masks_for(net.shape))
    signal = torch.randn(
        6, net.shape.nodes, net.shape.features, generator=seeded(draw(st.integers(0, 99)))
    ).to(dtype)
    return net, masks, signal


@given(cases(torch.float64))
def test_in_double_precision_they_agree_to_rounding(case):
    net, masks, signal = case
    small = compact(net, masks)
    expected = masked(net, masks, signal)
    error = float((small(signal) - expected).abs().max().detach())
    assert error <= 1e-12 * (1 + float(expected.abs().max().detach()))


@given(cases(torch.float32))
def test_in_single_precision_they_agree_to_1e_5(case):
    net, masks, signal = case
    small = compact(net, masks)
    assert relative_error(lambda s: masked(net, masks, s), small, signal) < 1e-5


@given(cases(torch.float64))
def test_gated_fixed_baked_and_formula_are_one_function(case):
    net, masks, signal = case
    expected = masked(net, masks, signal)
    gate.fix(net, masks)
    assert torch.allclose(net(signal), expected, rtol=1e-12, atol=1e-12)
    gate.bake(net)
    assert torch.allclose(net(signal), expected, rtol=1e-12, atol=1e-12)


@given(cases(torch.float32))
def test_torch_counts_the_macs_that_the_formula_promises_dense_and_compacted(case):
    net, masks, signal = case
    small = compact(net, masks)
    assert counted_macs(net, signal) == dense_macs(net.shape)
    assert counted_macs(small, signal) == dense_macs(small.shape)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("keep", [0.02, 0.1, 0.5, 1.0])
def test_on_a_network_of_ordinary_size_they_agree(fusion, keep):
    shape = Shape(heads=8, nodes=30, features=24, filters=32, classes=8, fusion=fusion)
    net = AttentionGCN(shape, seeded(0))
    with torch.no_grad():
        net.filter_bias.copy_(torch.randn(shape.channels, generator=seeded(1)))
    masks = {n: torch.rand(s, generator=seeded(2)) < keep for n, s in shape.tensors.items()}
    signal = torch.randn(16, 30, 24, generator=seeded(3))
    assert relative_error(lambda s: masked(net, masks, s), compact(net, masks), signal) < 1e-5


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("keep", [0.0, 0.05, 0.4, 1.0])
def test_a_bundle_read_back_predicts_what_the_one_written_did_bit_for_bit(fusion, keep):
    written = bundle(fusion, keep)
    read = from_bytes(written.to_bytes())
    signal = written.signal(recordings())
    assert torch.equal(read.signal(recordings()), signal)
    assert torch.equal(read.net(signal), written.net(signal))


def test_a_single_weight_more_is_seen():
    """The guard: the comparison above is not blind."""
    shape = Shape(heads=2, nodes=4, features=3, filters=3, classes=2)
    net = AttentionGCN(shape, seeded(4))
    masks = {n: torch.rand(s, generator=seeded(5)) < 0.6 for n, s in shape.tensors.items()}
    signal = torch.randn(6, 4, 3, generator=seeded(6))
    small = compact(net, masks)
    with torch.no_grad():
        small.net.dense[0, 0, 0] += 0.01
    assert relative_error(lambda s: masked(net, masks, s), small, signal) > 1e-5


def test_a_network_under_soft_gates_is_compacted_as_it_computes_now():
    net = AttentionGCN(Shape(2, 4, 3, 5, 3), torch.Generator().manual_seed(0))
    gates = gate.attach(net, gate.BandStop(rate=0.5, scale="unit"))
    gates.update(0.3)
    signal = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(compact(net)(signal), net(signal), atol=1e-5)
