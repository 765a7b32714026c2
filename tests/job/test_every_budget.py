"""Every network by every method at every rate: exactly the budget, and every class still reached."""

from __future__ import annotations

import copy

import pytest
import torch

from bandstop.data import load
from bandstop.graph import Graph, GraphNet, trace
from bandstop.graph.reach import reached
from bandstop.job import design
from bandstop.record import CHOICES, WHOLE, Config

METHODS = [m for m in CHOICES["method"] if m not in WHOLE]
GROUPS = ("structured", "semi-structured", "ctf")
"""Whole groups may keep less than the budget by less than a group."""
SMALL = [(n, "pmp", 0.9) for n in CHOICES["network"]]
SIZES = {"steps": 4, "batch": 16, "frames": 8, "widths": "12,24", "heads": 4, "filters": 24}
EVERY = [
    (n, m, r) for n in CHOICES["network"] for m in METHODS for r in (0.5, 0.75, 0.9, 0.95, 0.99)
]


def graph_of(net: torch.nn.Module, signal: tuple[int, int]) -> Graph:
    if isinstance(net, GraphNet):
        return net.graph_now
    return trace(copy.deepcopy(net), torch.zeros(1, *signal))


def require_budget(network: str, method: str, rate: float, path) -> None:
    rate = 0.5 if method == "n-m" else rate
    config = Config(network=network, method=method, rate=rate, seen="50,75,90,95,99", **SIZES)
    made = design(config, path, load("synthetic"))
    for asked in config.seen_rates if config.many else (rate,):
        bundle = made.bundle.at(asked) if config.many else made.bundle
        total = made.record.result["weights"]
        kept, most = bundle.sizes["weights_kept"], round((1 - asked) * total)
        assert kept <= most
        assert method in GROUPS or kept == most
        assert kept >= 0.5 * most
        graph = graph_of(bundle.net, bundle.network.signal)
        for there in reached(graph, {}).values():
            assert there.all(), f"{network} {method} {asked}: a class that nothing reaches"


@pytest.mark.parametrize(("network", "method", "rate"), SMALL)
def test_a_budget_is_met(network, method, rate, tmp_path):
    require_budget(network, method, rate, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(("network", "method", "rate"), EVERY)
def test_every_budget_is_met(network, method, rate, tmp_path):
    require_budget(network, method, rate, tmp_path)
