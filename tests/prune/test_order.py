"""Every rate is a prefix of one order, and every prefix has a path to every class."""

from __future__ import annotations

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from making import networks, seeded

from bandstop.budget import Budget
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import NEVER, compact, compact_ranks, kept_at, live, masks_at, order_of
from bandstop.prune.liveness import choose_live, strongest_paths
from bandstop.prune.order import live_from

SHAPE = Shape(3, 6, 4, 8, 3)


def scores_of(net: AttentionGCN) -> dict[str, torch.Tensor]:
    return {n: getattr(net, n).detach().abs() for n in net.shape.tensors}


def kept(masks) -> int:
    return sum(int(m.sum()) for m in masks.values())


@given(
    seed=st.integers(0, 999), rate=st.floats(0.3, 0.9), fusion=st.sampled_from(["sum", "concat"])
)
def test_any_rate_in_the_range_has_exactly_its_budget_and_a_path_to_every_class(seed, rate, fusion):
    shape = Shape(3, 6, 4, 8, 3, fusion)
    scores = scores_of(AttentionGCN(shape, seeded(seed)))
    ranks = order_of(scores, Budget(0.3), Budget(0.9), shape)
    masks = masks_at(ranks, kept_at(rate, shape.weights))
    assert kept(masks) <= round((1 - rate) * shape.weights)
    assert kept(masks) == min(
        round((1 - rate) * shape.weights), sum(int((r < NEVER).sum()) for r in ranks.values())
    )
    assert live(masks, shape)["dense"].any(0).any(0).all()
    assert all(m.any() for m in masks.values())


def test_ranks_are_the_whole_numbers_once_each_and_never():
    scores = scores_of(AttentionGCN(SHAPE, seeded(0)))
    ranks = order_of(scores, Budget(0.4), Budget(0.9), SHAPE)
    flat = torch.cat([r.flatten() for r in ranks.values()])
    some = flat[flat < NEVER].sort().values
    assert torch.equal(some, torch.arange(len(some)))
    assert len(some) <= round(0.6 * SHAPE.weights)


def test_the_strongest_paths_come_first_then_what_the_highest_rate_keeps():
    scores = scores_of(AttentionGCN(SHAPE, seeded(1)))
    ranks = order_of(scores, Budget(0.4), Budget(0.9), SHAPE)
    paths = strongest_paths(scores, SHAPE)
    assert max(int(r[paths[n]].max()) for n, r in ranks.items()) == kept(paths) - 1
    core = choose_live(scores, Budget(0.9), SHAPE)
    assert all(torch.equal(m, core[n]) for n, m in masks_at(ranks, kept(core)).items())


@given(net=networks(), keep=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_weight_is_live_from_the_rank_that_is_told(net, keep, seed):
    """Against the liveness of every prefix, for any order."""
    shape = net.shape
    order = torch.randperm(shape.weights, generator=seeded(seed))
    sizes = [a * b * c for a, b, c in shape.tensors.values()]
    ranks = {
        n: part.view(size)
        for (n, size), part in zip(shape.tensors.items(), order.split(sizes), strict=True)
    }
    count = round(keep * shape.weights)
    alive = live(masks_at(ranks, count), shape)
    for name, times in live_from(ranks, shape).items():
        assert torch.equal(times < count, alive[name])


@pytest.mark.parametrize("fusion", ["sum", "concat"])
def test_hardly_a_weight_of_any_rate_is_dead(fusion):
    shape = Shape(3, 6, 4, 8, 3, fusion)
    scores = scores_of(AttentionGCN(shape, seeded(5)))
    ranks = order_of(scores, Budget(0.3), Budget(0.9), shape)
    dead = []
    for keep in range(kept_at(0.9, shape.weights), kept_at(0.3, shape.weights)):
        masks = masks_at(ranks, keep)
        dead.append(keep - kept(live(masks, shape)))
    assert max(dead) <= 3
    assert sum(dead) < 0.2 * len(dead)


def test_exempt_tensors_stay_whole_at_every_rate():
    scores = scores_of(AttentionGCN(SHAPE, seeded(2)))
    budgets = (Budget(r, exempt=("filters",)) for r in (0.3, 0.6))
    ranks = order_of(scores, *budgets, SHAPE)
    masks = masks_at(ranks, kept_at(0.6, SHAPE.weights))
    assert masks["filters"].all()
    assert kept(masks) == kept_at(0.6, SHAPE.weights)


@given(net=networks(), keep=st.floats(0, 1))
def test_the_ranks_go_the_way_of_the_weights_through_compaction(net, keep):
    assume(net.shape.weights >= 12)
    scores = scores_of(net)
    shape = net.shape
    try:
        ranks = order_of(scores, Budget(0.2), Budget(0.5), shape)
    except Exception:  # a budget too small for the classes of this shape
        assume(False)
    ever = {n: r < NEVER for n, r in ranks.items()}
    small, moved = compact(net, ever), compact_ranks(ranks, shape)
    count = round((0.5 + 0.3 * keep) * shape.weights)
    for name, weight in small.net.weights().items():
        assert weight.shape == moved[name].shape
        assert torch.equal(weight != 0, moved[name] < NEVER)
    signal = torch.randn(4, shape.nodes, shape.features, dtype=torch.float64)
    masked = compact(net, masks_at(ranks, count))
    again = compact(small.net, masks_at(moved, count))
    x = signal[:, small.joints][:, :, small.features]
    assert torch.allclose(masked(signal), again(x), atol=1e-9)
