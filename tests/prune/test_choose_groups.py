"""The budget in whole groups: near to under a group, never an empty tensor, all alive."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import FUSIONS, MODELS, model, seeded, shapes

from bandstop.budget import SCOPES, Budget
from bandstop.errors import BadInput
from bandstop.gate import prunable
from bandstop.gate.groups import COARSE, as_blocks, pooled
from bandstop.nn import Shape
from bandstop.prune import check_reachable, live
from bandstop.prune.choose import rate_of
from bandstop.prune.choose_groups import (
    check_groups_reachable,
    choose_groups,
    choose_live_groups,
    shared_path,
)
from bandstop.prune.topology import AttentionTopology, coarsest_levels

level_sets = st.sets(st.sampled_from(COARSE), min_size=1).map(lambda s: tuple(sorted(s)))


@st.composite
def scored(draw: st.DrawFn):
    """(shape, scores): continuous, with ties, or with most of them zero."""
    shape = draw(shapes(5))
    generator = seeded(draw(st.integers(0, 2**20)))
    kind = draw(st.sampled_from(["continuous", "ties", "zeros"]))
    scores = {}
    for name, size in shape.tensors.items():
        score = torch.rand(size, generator=generator)
        if kind == "ties":
            score = (score * 3).floor()
        if kind == "zeros":
            score = score * (torch.rand(size, generator=generator) < 0.2)
        scores[name] = score
    return shape, scores


def in_whole_groups(mask: torch.Tensor) -> bool:
    """Is it the product of a mask of rows and a mask of columns in each channel?"""
    blocks = as_blocks(mask)
    product = blocks.any(2, keepdim=True) & blocks.any(1, keepdim=True)
    return torch.equal(blocks, product)


@given(scored(), st.floats(0, 0.99), st.sampled_from(SCOPES), level_sets)
def test_at_most_the_budget_stays_and_less_than_a_group_is_missing(case, rate, scope, levels):
    _, scores = case
    try:
        masks, accounts = choose_groups(scores, Budget(rate, scope), levels=levels)
    except BadInput:  # too few weights for one group in each tensor
        return
    shares = Budget(rate, scope).resolve({n: s.numel() for n, s in scores.items()})
    for share, reached in zip(shares, accounts, strict=True):
        kept = sum(int(masks[n].sum()) for n in share.names)
        assert kept == reached.kept <= share.keep == reached.asked
        largest = max(
            s.numel() // pooled(as_blocks(s), level).numel()
            for s in (scores[n] for n in share.names)
            for level in levels
        )
        assert share.keep - kept < largest
        assert reached.above > share.keep or kept == share.keep
    assert all(m.any() for m in masks.values())
    assert all(in_whole_groups(m) for m in masks.values())


@given(scored(), st.floats(0, 0.9))
def test_what_dies_with_another_tensors_groups_is_not_counted_as_kept(case, rate):
    shape, scores = case
    budget = Budget(rate, "layer")
    try:
        masks, accounts = choose_live_groups(scores, budget, shape)
    except BadInput:
        return
    shares = budget.resolve({n: s.numel() for n, s in scores.items()})
    for share, reached in zip(shares, accounts, strict=True):
        assert reached.kept == sum(int(masks[n].sum()) for n in share.names)
        assert reached.kept <= reached.asked <= reached.above


@given(scored(), st.floats(0, 0.95))
def test_the_rates_named_as_nearest_are_reached_when_they_are_asked_for(case, rate):
    shape, scores = case
    try:
        _, (reached,) = choose_live_groups(scores, Budget(rate), shape)
    except BadInput as error:
        named = re.search(r"to at most ([\d.]+)", str(error))
        if named:
            choose_live_groups(scores, Budget(float(named[1])), shape)
        return
    if reached.kept < reached.asked:
        below, above = re.search(r"are ([\d.]+) below and ([\d.]+) above", str(reached)).groups()
        for text, kept in ((below, reached.above), (above, reached.kept)):
            _, (again,) = choose_live_groups(scores, Budget(float(text)), shape)
            assert again.kept == again.asked == kept


@given(st.integers(2, 10**8), st.data())
def test_a_named_rate_asks_for_just_as_many_weights(total, data):
    kept = data.draw(st.integers(1, total))
    assert round((1 - float(rate_of(kept, total))) * total) == kept


@given(scored(), st.floats(0, 0.95))
def test_choosing_twice_gives_the_same_masks_also_with_ties(case, rate):
    _, scores = case
    try:
        once, again = (choose_groups(scores, Budget(rate))[0] for _ in range(2))
    except BadInput:
        return
    assert all(torch.equal(once[n], again[n]) for n in scores)


@given(scored(), st.sampled_from(SCOPES), st.floats(0, 0.99))
def test_an_accepted_budget_is_met_with_a_live_path_to_every_class(case, scope, rate):
    shape, scores = case
    budget = Budget(rate, scope)
    try:
        check_reachable(budget, shape)
    except BadInput:
        return
    masks, _ = choose_live_groups(scores, budget, shape)
    alive = live(masks, shape)
    assert all(torch.equal(masks[n], alive[n]) for n in masks)
    assert all(in_whole_groups(m) for m in masks.values())
    assert sum(int(m.sum()) for m in masks.values()) <= round((1 - rate) * shape.weights)
    assert masks["dense"].any(dim=0).any(dim=0).all(), "a class has no path"


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.98])
def test_on_a_network_of_ordinary_size_hardly_anything_of_the_budget_is_lost(fusion, rate):
    shape = Shape(heads=4, nodes=12, features=9, filters=16, classes=5, fusion=fusion)
    scores = {n: torch.rand(s, generator=seeded(1)) for n, s in shape.tensors.items()}
    masks, _ = choose_live_groups(scores, Budget(rate), shape)
    allowed = round((1 - rate) * shape.weights)
    assert allowed - 100 < sum(int(m.sum()) for m in masks.values()) <= allowed


def test_groups_of_low_energy_go_first():
    score = torch.ones(4, 6, 6)
    score[1] = 0.1
    score[:, 2] *= 0.5
    mask = choose_groups({"w": score}, Budget(0.4))[0]["w"]
    assert mask[0, 0, 0]
    assert int(mask[1].sum()) <= int(mask[0].sum())
    by_channel = choose_groups({"w": score}, Budget(0.25), levels=("channel",))[0]["w"]
    assert by_channel.flatten(1).any(1).tolist() == [True, False, True, True]


def test_a_rate_between_two_groups_is_reported_with_the_rates_that_groups_reach():
    score = torch.arange(1.0, 5.0)[:, None, None].expand(4, 5, 5)
    masks, (reached,) = choose_groups({"w": score}, Budget(0.6), levels=("channel",))
    assert int(masks["w"].sum()) == 25
    assert (reached.asked, reached.kept, reached.above) == (40, 25, 50)
    assert "rates to 0.6 that groups reach are 0.5 below and 0.75 above" in str(reached)
    _, (exact,) = choose_groups({"w": score}, Budget(0.5), levels=("channel",))
    assert str(exact) == "rate 0.5 met exactly in whole groups"


def test_a_budget_below_the_smallest_group_is_refused_with_the_rate_that_can_be_reached():
    with pytest.raises(
        BadInput, match=r"10 of 100 weights .* hold 25; lower the rate to at most 0.75"
    ):
        choose_groups({"w": torch.rand(4, 5, 5)}, Budget(0.9), levels=("channel",))


def test_the_groups_of_what_must_stay_never_go():
    score = torch.rand(3, 4, 4, generator=seeded(0)) + 1
    score[2, 3, 1] = 0.0
    always = torch.zeros(3, 4, 4, dtype=torch.bool)
    always[2, 3, 1] = True
    assert choose_groups({"w": score}, Budget(0.95), {"w": always})[0]["w"][2, 3, 1]


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(BadInput, match="`w` has NaN"):
        choose_groups({"w": torch.full((2, 2), torch.nan)}, Budget(0.5))


@pytest.mark.parametrize("name", MODELS)
def test_any_torch_module_can_be_cut_in_groups(name):
    net, _ = model(name)
    scores = {n: t.detach().abs() for n, t in prunable(net).items()}
    masks, _ = choose_groups(scores, Budget(0.6))
    assert all(m.any() and in_whole_groups(m) for m in masks.values())


@given(scored())
def test_the_shared_path_serves_every_class_with_the_fewest_weights(case):
    shape, scores = case
    path = shared_path({n: s + 0.1 for n, s in scores.items()}, shape)
    assert {n: int(m.sum()) for n, m in path.items()} == {
        "attention": 1, "filters": 1, "dense": shape.classes,
    }  # fmt: skip
    assert all(torch.equal(path[n], alive) for n, alive in live(path, shape).items())


def test_groups_that_a_training_has_closed_go_before_all_that_are_open():
    score = torch.rand(6, 5, 5, generator=seeded(3)) + 0.1
    opened = torch.zeros(6, 5, 5, dtype=torch.bool)
    opened[:3, 1:4] = True
    score[3:] += 5  # louder, but closed
    masks, (reached,) = choose_groups({"w": score}, Budget(0.7), opened={"w": opened})
    assert reached.asked == reached.kept == int(opened.sum())
    assert torch.equal(masks["w"], opened)
    free, _ = choose_groups({"w": score}, Budget(0.7))
    assert free["w"][3:].any()


@pytest.mark.parametrize(("rate", "levels"), [(0.5, 1), (0.8, 1), (0.95, 2), (0.99, 3)])
def test_no_finer_level_takes_part_than_the_budget_needs(rate, levels):
    shape = Shape(heads=4, nodes=8, features=6, filters=16, classes=5)
    found = coarsest_levels(Budget(rate), AttentionTopology(shape), COARSE)
    assert found == COARSE[:levels]
    check_groups_reachable(Budget(rate), shape, found)
    if levels > 1:
        with pytest.raises(BadInput, match="budget unreachable"):
            check_groups_reachable(Budget(rate), shape, COARSE[: levels - 1])
