"""Gates on an ordinary network end in an exact budget and a live network, whatever training did."""

from __future__ import annotations

import pickle

import pytest
import torch
from torch import nn

import bandstop as bs


def a_network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(12, 40), nn.ReLU(), nn.Linear(40, 30), nn.Tanh(), nn.Linear(30, 5)
    )


@pytest.mark.parametrize("rate", [0.0, 0.5, 0.9, 0.97])
@pytest.mark.parametrize("options", [{}, {"scope": "layer"}, {"exempt": ("4.weight",)}])
def test_the_budget_is_met_to_the_weight_and_no_tensor_is_emptied(rate, options):
    model = a_network()
    total = 12 * 40 + 40 * 30 + 30 * 5
    if "exempt" in options and rate > 0.9:
        with pytest.raises(bs.BadInput, match="exempt"):
            bs.gate.attach(model, bs.BandStop(rate=rate, **options))
        return
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    gates = bs.gate.attach(model, bs.BandStop(rate=rate, **options))
    x, y = torch.randn(64, 12), torch.randint(0, 5, (64,))
    for step in range(20):
        gates.update(step / 20)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    bs.prune.finish(model, gates)
    tensors = [p for p in model.parameters() if p.dim() >= 2]
    assert sum(int((p != 0).sum()) for p in tensors) == round((1 - rate) * total)
    assert all((p != 0).any() for p in tensors)
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), model(x))


def test_where_one_scale_serves_all_a_tensor_of_small_weights_keeps_its_best_one():
    model = a_network()
    gates = bs.gate.attach(model, bs.BandStop(rate=0.95, scale="unit"))
    with torch.no_grad():
        gates.tensors["2.weight"].latent.mul_(1e-3)
    best = int(gates.tensors["2.weight"].latent.abs().argmax())
    bs.prune.finish(model, gates)
    assert model[2].weight.flatten().nonzero().flatten().tolist() == [best]
