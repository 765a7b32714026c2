"""N of M: every group keeps as many, whatever the tensor's shape and the moment."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bandstop import gate
from bandstop.data import load
from bandstop.gate import NOfM
from bandstop.gate.n_of_m import standing
from bandstop.job import design
from bandstop.prune import finish
from bandstop.record import Config, unpack

shapes = st.lists(st.integers(1, 7), min_size=2, max_size=4).map(tuple)


def groups(tensor: torch.Tensor, size: int) -> tuple[torch.Tensor, ...]:
    """One output's inputs after another's, cut into groups."""
    return tensor.movedim(-1 if tensor.ndim == 2 else 1, -1).flatten().split(size)


@given(shapes, st.integers(2, 9), st.integers(0, 10**6))
def test_the_largest_of_a_group_stands_before_the_second_of_any_other(shape, size, seed):
    v = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
    stands = groups(standing(v, size), size)
    for values, places in zip(groups(v.abs(), size), stands, strict=True):
        assert torch.equal(values.argsort(), places.argsort())
        most, largest = places.sort(descending=True).values, values.sort(descending=True).values
        step = size - torch.arange(len(most))
        assert torch.equal(most, step + largest / (1 + largest))
        assert ((most >= step) & (most < step + 1)).all()


@pytest.mark.parametrize("progress", [0.1, 0.3, 0.6, 1.0])
def test_in_every_step_groups_differ_by_one_at_most(progress):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(40, 16), nn.Linear(16, 20))
    gates = gate.attach(net, NOfM(rate=0.75, group=8))
    gates.update(progress)
    counts = [
        int(group.sum())
        for g in gates.tensors.values()
        for group in groups(g.gate.mask(g.latent), 8)
    ]
    assert max(counts) - min(counts) <= 1
    if progress == 1.0:
        masks = finish(net, gates)
        assert {int(m.sum()) for mask in masks.values() for m in groups(mask, 8)} == {2}


def test_a_delivered_network_meets_the_budget_and_nearly_every_group_has_one(tmp_path):
    config = Config(method="n-m", rate=0.9, steps=4, heads=2, filters=10)
    record = design(config, tmp_path, load("synthetic")).record
    assert record.result["weights_kept"] == round(0.1 * record.result["weights"])
    counts = [
        int(group.sum())
        for packed in record.masks.values()
        for group in groups(torch.from_numpy(unpack(packed)), 10)
        if len(group) == 10
    ]
    one = sum(count == 1 for count in counts) / len(counts)
    assert one > 0.9  # but for a path to every class
