"""The exact budget, and that what stays is alive."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import FUSIONS, masked, seeded, shapes

from bandstop.budget import SCOPES, Budget
from bandstop.errors import BadInput
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import check_reachable, choose, choose_live, live, strongest_paths
from bandstop.prune.choose import choose_alive


@st.composite
def scored(draw: st.DrawFn, classes: int = 1):
    """(shape, scores): continuous, with ties, or with most of them zero."""
    shape = draw(shapes(5, classes))
    generator = seeded(draw(st.integers(0, 2**20)))
    kind = draw(st.sampled_from(["continuous", "ties", "zeros", "one tensor small"]))
    scores = {}
    for name, size in shape.tensors.items():
        score = torch.rand(size, generator=generator)
        if kind == "ties":
            score = (score * 3).floor()
        if kind == "zeros":
            score = score * (torch.rand(size, generator=generator) < 0.2)
        if kind == "one tensor small" and name == "filters":
            score = score * 1e-3
        scores[name] = score
    return shape, scores


@st.composite
def budgets(draw: st.DrawFn) -> Budget:
    """Any rate to 0.99, in any scope, sometimes with an exempt tensor or one with its own rate."""
    exempt = draw(st.sampled_from([(), (), ("dense",), ("filters",), ("attention", "dense")]))
    names = [n for n in ("attention", "filters", "dense") if n not in exempt]
    return Budget(
        draw(st.floats(0, 0.99)),
        draw(st.sampled_from(SCOPES)),
        exempt,
        draw(st.sampled_from([{}, {}, *({n: r} for n in names for r in (0.2, 0.9))])),
    )


def count(masks) -> int:
    return sum(int(m.sum()) for m in masks.values())


@given(scored(), budgets())
def test_choose_keeps_exactly_the_budget_in_every_share_and_all_that_is_exempt(case, budget):
    _, scores = case
    sizes = {n: s.numel() for n, s in scores.items()}
    try:
        shares = budget.resolve(sizes)
    except BadInput:
        with pytest.raises(BadInput):
            choose(scores, budget)
        return
    masks = choose(scores, budget)
    for share in shares:
        assert sum(int(masks[n].sum()) for n in share.names) == share.keep
        assert all(masks[n].any() for n in share.names)
    shared = {n for share in shares for n in share.names}
    assert all(masks[n].all() for n in scores if n not in shared)
    assert all(masks[n].dtype == torch.bool and masks[n].shape == scores[n].shape for n in scores)


@given(scored(), st.floats(0, 0.99))
def test_choose_keeps_the_best_of_all_tensors_and_the_best_of_each(case, rate):
    _, scores = case
    try:
        masks = choose(scores, Budget(rate))
    except BadInput:
        return
    best = {n: s.flatten()[s.argmax()] for n, s in scores.items()}
    left_out = torch.cat([s[~masks[n]] for n, s in scores.items()])
    for n, s in scores.items():
        assert masks[n].flatten()[s.argmax()]
        taken = s[masks[n] & (s < best[n])]
        assert not len(taken) or not len(left_out) or taken.min() >= left_out.max()


@given(scored(), st.floats(0, 0.95))
def test_choosing_twice_gives_the_same_masks_also_with_ties(case, rate):
    _, scores = case
    try:
        once, again = (choose(scores, Budget(rate)) for _ in range(2))
    except BadInput:
        return
    assert all(torch.equal(once[n], again[n]) for n in scores)


def test_scores_that_are_not_numbers_are_refused():
    with pytest.raises(BadInput, match="`dense` has NaN"):
        choose({"dense": torch.tensor([1.0, torch.nan])}, Budget(0.5))


def test_a_path_that_must_stay_and_does_not_fit_is_refused_with_the_figures():
    scores = {"dense": torch.rand(10)}
    always = {"dense": torch.arange(10) < 7}
    assert choose(scores, Budget(0.3), always)["dense"][:7].all()
    with pytest.raises(BadInput, match="5 weights may stay in dense, but 7 are needed"):
        choose(scores, Budget(0.5), always)


@given(scored(), budgets())
def test_choose_live_never_keeps_more_than_the_budget_and_nothing_dead(case, budget):
    shape, scores = case
    try:
        check_reachable(budget, shape)
    except BadInput:
        return
    masks = choose_live(scores, budget, shape)
    shares = budget.resolve({n: s.numel() for n, s in scores.items()})
    for share in shares:
        assert sum(int(masks[n].sum()) for n in share.names) <= share.keep
    alive = live(masks, shape)
    free = {n for share in shares for n in share.names}
    assert all(torch.equal(masks[n], alive[n]) for n in free)
    assert all(masks[n].all() for n in scores if n not in free)


@given(scored(classes=2), budgets(), st.integers(0, 99))
def test_every_class_still_depends_on_the_input_whenever_the_budget_was_accepted(
    case, budget, seed
):
    shape, scores = case
    try:
        check_reachable(budget, shape)
    except BadInput:
        return
    masks = choose_live(scores, budget, shape)
    net = AttentionGCN(shape, seeded(seed)).double()
    with torch.no_grad():
        for name in shape.tensors:  # all positive, so that nothing can cancel
            getattr(net, name).abs_().add_(0.1)
    signal = torch.ones(1, shape.nodes, shape.features, dtype=torch.float64, requires_grad=True)
    logits = masked(net, masks, signal)[0]
    for c in range(shape.classes):
        (slope,) = torch.autograd.grad(logits[c], signal, retain_graph=True)
        assert slope.abs().max() > 0, f"class {c} does not depend on the input"


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.98])
def test_on_a_network_of_ordinary_size_the_budget_is_met_exactly_and_all_of_it_lives(
    fusion, scope, rate
):
    shape = Shape(heads=4, nodes=12, features=9, filters=16, classes=5, fusion=fusion)
    scores = {n: torch.rand(s, generator=seeded(1)) for n, s in shape.tensors.items()}
    budget = Budget(rate, scope)
    check_reachable(budget, shape)
    masks = choose_live(scores, budget, shape)
    assert all(torch.equal(masks[n], alive) for n, alive in live(masks, shape).items())
    assert count(masks) == round((1 - rate) * shape.weights)


@given(scored(classes=2))
def test_the_strongest_path_of_a_class_is_the_best_of_all_paths_enumerated(case):
    shape, scores = case
    masks = strongest_paths(scores, shape)
    a, w, d = (scores[n].double() for n in ("attention", "filters", "dense"))
    d = d.view(-1, shape.filters, shape.outputs, shape.classes)  # one head's, or each head's own
    products = torch.einsum("kij,ksf,kfic->kijsfc", a, w, d.expand(shape.heads, -1, -1, -1))
    kept = torch.einsum(
        "kij,ksf,kfic->kijsfc",
        masks["attention"].double(),
        masks["filters"].double(),
        masks["dense"].view(d.shape).expand(shape.heads, -1, -1, -1).double(),
    )
    best = products.amax(dim=(0, 1, 2, 3, 4))
    of_kept = (products * kept).amax(dim=(0, 1, 2, 3, 4))
    assert (kept.amax(dim=(0, 1, 2, 3, 4)) == 1).all()
    assert torch.allclose(of_kept, best, rtol=1e-5)
    assert all(int(m.sum()) <= shape.classes for m in masks.values())


def test_a_budget_of_one_weight_a_class_in_each_tensor_is_enough_whatever_the_scores_say():
    """The largest weight of the dense layer lies on no strongest path here, and need not stay."""
    shape = Shape(heads=1, nodes=2, features=2, filters=2, classes=2)
    budget = Budget(0.5, "layer", rates={"dense": 0.75})
    scores = {name: torch.ones(size) for name, size in shape.tensors.items()}
    scores["attention"][0, 1] = 1e-6  # output 1 reads hardly anything
    scores["dense"][0, 1, 0] = 2.0  # and yet the largest dense weight is there
    check_reachable(budget, shape)
    masks = choose_live(scores, budget, shape)
    assert int(masks["dense"].sum()) == 2


@given(scored(), budgets())
def test_an_accepted_budget_is_never_refused_by_the_cut(case, budget):
    """Nothing may fail after the training that could have failed before it."""
    shape, scores = case
    try:
        check_reachable(budget, shape)
    except BadInput:
        return
    choose_live(scores, budget, shape)


def test_an_unreachable_budget_is_refused_before_training_with_the_figures():
    shape = Shape(heads=2, nodes=4, features=4, filters=4, classes=8)
    with pytest.raises(BadInput, match=r"8 classes needs one weight a class .* 24 are needed"):
        check_reachable(Budget(0.95), shape)
    with pytest.raises(BadInput, match=r"lower the rate to at most 0.875 or enlarge"):
        check_reachable(Budget(0.95), shape)
    check_reachable(Budget(0.875), shape)


def test_a_tensor_with_fewer_weights_than_classes_does_not_make_a_budget_unreachable():
    shape = Shape(heads=1, nodes=1, features=3, filters=2, classes=8)
    check_reachable(Budget(0.0, "layer"), shape)
    check_reachable(Budget(0.0), shape)


def test_places_of_the_dead_go_to_those_that_fit_where_no_exchange_is_left():
    """Two weights that live together or not at all, and one that lives alone."""
    scores = {"w": torch.tensor([3.0, 2.0, 1.0])}
    always = {"w": torch.tensor([False, False, True])}

    def alive(masks):
        pair = masks["w"][0] & masks["w"][1]
        return {"w": masks["w"] & torch.stack([pair, pair, torch.tensor(True)])}

    def fitting(masks):
        return {"w": ~masks["w"] & torch.tensor([False, True, False])}

    short = choose_alive(scores, Budget(1 / 3), always, alive)
    assert short["w"].tolist() == [False, False, True]
    filled = choose_alive(scores, Budget(1 / 3), always, alive, fitting=fitting)
    assert filled["w"].tolist() == [False, True, True]
