"""A budget that whole groups cannot meet is refused before the first step."""

from __future__ import annotations

import pytest
import torch

from bandstop.errors import BadInput
from bandstop.method import Pruning
from bandstop.nn import AttentionGCN, Shape
from bandstop.record import Config

SHAPE = Shape(heads=4, nodes=30, features=24, filters=16, classes=8)


def test_a_rate_that_the_last_group_exceeds_is_refused_with_the_highest_that_is_reached():
    with torch.device("meta"):
        net = AttentionGCN(SHAPE)
    with pytest.raises(BadInput, match=r"lower the rate to at most 0\.87"):
        Pruning(net, Config(method="ctf", rate=0.9, levels=("channel",)))


def test_a_rate_that_groups_reach_is_not():
    with torch.device("meta"):
        Pruning(AttentionGCN(SHAPE), Config(method="ctf", rate=0.8, levels=("channel",)))
