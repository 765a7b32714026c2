"""AdamW: what decays, by how much, and what does not."""

from __future__ import annotations

import pytest
import torch
from making import seeded

from bandstop.method import Pruning
from bandstop.nn import AttentionGCN, Shape
from bandstop.record import Config
from bandstop.train import adam

RATE = 0.25


def a_network() -> AttentionGCN:
    net = AttentionGCN(Shape(2, 6, 4, 8, 3), seeded(0)).double()
    for bias in (net.filter_bias, net.class_bias):
        torch.nn.init.ones_(bias)
    return net


@pytest.mark.parametrize("decay", [0.0, 0.5])
@pytest.mark.parametrize("method", ["dense", "pmp", "ctf", "mp-l0"])
def test_without_a_gradient_prunable_weights_shrink_by_rate_times_decay_and_nothing_else_moves(
    method, decay
):
    net = a_network()
    pruning = Pruning(net, Config(method=method, rate=0.5))
    optimiser = adam(net, RATE, decay, pruning.tensors.values())
    latents = {id(p) for p in pruning.tensors.values()}
    before = {p: p.detach().clone() for p in net.parameters()}
    for p in before:
        p.grad = torch.zeros_like(p)
    for _ in range(2):
        optimiser.step()
    factor = (1 - RATE * decay) ** 2
    for p, was in before.items():
        assert torch.allclose(p, was * (factor if id(p) in latents else 1.0), rtol=1e-12)
    assert latents < {id(p) for p in before}, "biases are there, and did not move"


def test_every_parameter_is_in_one_group_once():
    net = a_network()
    pruning = Pruning(net, Config(method="mp-l0", rate=0.5))
    for decay in (0.0, 0.5):
        groups = adam(net, RATE, decay, pruning.tensors.values()).param_groups
        held = [id(p) for group in groups for p in group["params"]]
        assert sorted(held) == sorted(id(p) for p in net.parameters())
        assert [group["weight_decay"] for group in groups] == ([0.5, 0.0] if decay else [0.0])


def test_without_decay_it_is_adam_bit_for_bit():
    one, two = a_network().float(), a_network().float()
    ours, adams = adam(one, 0.03), torch.optim.Adam(two.parameters(), lr=0.03, fused=True)
    signal = torch.randn(8, 6, 4, generator=seeded(1))
    for _ in range(5):
        for net, optimiser in ((one, ours), (two, adams)):
            optimiser.zero_grad()
            net(signal).square().sum().backward()
            optimiser.step()
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
