"""A network that reads some joints and some features of the full signal."""

from __future__ import annotations

import pytest
import torch
from making import seeded

from bandstop.errors import BadInput
from bandstop.nn import AttentionGCN, CompactGCN, Shape


def small() -> AttentionGCN:
    return AttentionGCN(Shape(2, 2, 3, 4, 2), seeded(0))


def test_it_reads_its_joints_and_features_and_nothing_else():
    net = small()
    compact = CompactGCN(
        net, torch.tensor([3, 1]), torch.tensor([0, 2, 5]), nodes=4, all_features=6
    )
    signal = torch.randn(5, 4, 6, generator=seeded(1))
    picked = signal[:, [3, 1]][:, :, [0, 2, 5]]
    assert torch.equal(compact(signal), net(picked))
    signal[:, [0, 2]] = torch.nan
    signal[:, :, [1, 3, 4]] = torch.nan
    assert compact(signal).isfinite().all()


def test_a_whole_network_reads_everything():
    net = small()
    signal = torch.randn(5, 2, 3, generator=seeded(1))
    assert torch.equal(CompactGCN.whole(net)(signal), net(signal))


@pytest.mark.parametrize(
    ("joints", "features", "word"),
    [
        ([0], [0, 1, 2], "joints"),
        ([0, 4], [0, 1, 2], "joints"),
        ([-1, 0], [0, 1, 2], "joints"),
        ([0, 1], [0, 1, 6], "features"),
        ([0, 1], [0, 1], "features"),
    ],
)
def test_indices_that_do_not_fit_the_network_or_the_signal_are_refused(joints, features, word):
    with pytest.raises(BadInput, match=f"compact network: {word} must be"):
        CompactGCN(small(), torch.tensor(joints), torch.tensor(features), nodes=4, all_features=6)
