"""The budget: what is promised is what is divided, to the weight."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bandstop.budget import SCOPES, Budget
from bandstop.errors import BadInput

NAMES = ("attention", "filters", "dense", "blocks.0.weight", "blocks.1.weight")


@st.composite
def sizes(draw: st.DrawFn) -> dict[str, int]:
    count = draw(st.integers(1, len(NAMES)))
    return {name: draw(st.integers(1, 5000)) for name in NAMES[:count]}


RATES = st.floats(0, 0.99)


@given(sizes(), RATES, st.sampled_from(SCOPES))
def test_exactly_the_budget_stays_and_every_tensor_is_in_one_share(tensors, rate, scope):
    total = sum(tensors.values())
    keep = round((1 - rate) * total)
    assume(keep >= len(tensors))
    shares = Budget(rate, scope).resolve(tensors)
    assert sum(share.keep for share in shares) == keep
    assert sorted(n for share in shares for n in share.names) == sorted(tensors)
    assert all(share.total == sum(tensors[n] for n in share.names) for share in shares)
    assert all(len(share.names) <= share.keep <= share.total for share in shares)


@given(sizes(), RATES)
def test_by_layer_each_tensor_gets_the_rate_to_within_a_weight_where_one_is_enough(tensors, rate):
    keep = round((1 - rate) * sum(tensors.values()))
    # where no tensor is so small that it must be given its one weight
    assume(all(keep * size / sum(tensors.values()) >= 1 for size in tensors.values()))
    for share in Budget(rate, "layer").resolve(tensors):
        exact = keep * share.total / sum(tensors.values())
        assert abs(share.keep - exact) < 1 + 1e-9


@given(sizes(), RATES, st.sampled_from(SCOPES), st.data())
def test_exempt_tensors_keep_all_and_the_others_pay_for_them(tensors, rate, scope, data):
    exempt = data.draw(st.sets(st.sampled_from(sorted(tensors)), min_size=1))
    keep = round((1 - rate) * sum(tensors.values()))
    left = keep - sum(tensors[n] for n in exempt)
    free = [n for n in tensors if n not in exempt]
    budget = Budget(rate, scope, exempt=tuple(exempt))
    if left < len(free):
        with pytest.raises(BadInput, match="budget unreachable"):
            budget.resolve(tensors)
        return
    shares = budget.resolve(tensors)
    assert sorted(n for share in shares for n in share.names) == sorted(free)
    assert sum(share.keep for share in shares) == (left if free else 0)


@given(sizes(), RATES, RATES, st.sampled_from(SCOPES), st.data())
def test_a_tensor_with_its_own_rate_gets_it_and_the_others_make_up_for_it(
    tensors, rate, own, scope, data
):
    name = data.draw(st.sampled_from(sorted(tensors)))
    keep = round((1 - rate) * sum(tensors.values()))
    its = max(1, round((1 - own) * tensors[name]))
    rest = {n: s for n, s in tensors.items() if n != name}
    budget = Budget(rate, scope, rates={name: own})
    if keep - its < len(rest):
        with pytest.raises(BadInput, match="has a rate of its own"):
            budget.resolve(tensors)
        return
    shares = {share.names: share for share in budget.resolve(tensors)}
    assert shares[(name,)].keep == its
    # never more than promised; fewer only where the others keep everything already
    kept = sum(share.keep for share in shares.values())
    assert kept == min(keep, its + sum(rest.values()))


def test_patterns_match_as_in_a_shell_and_exempt_wins_over_a_rate_of_its_own():
    tensors = {"blocks.0.weight": 100, "blocks.1.weight": 100, "head.weight": 10}
    budget = Budget(0.5, exempt=("head.*",), rates={"blocks.1.*": 0.9, "head.w*": 0.5})
    shares = {share.names: share.keep for share in budget.resolve(tensors)}
    assert shares == {("blocks.1.weight",): 10, ("blocks.0.weight",): 85}


@pytest.mark.parametrize("budget", [Budget(0.5, exempt=("bias",)), Budget(0.5, rates={"den": 0.5})])
def test_a_pattern_that_matches_nothing_is_refused_with_the_names_there_are(budget):
    with pytest.raises(BadInput, match=r"no prunable tensor is named .* there are filters, dense"):
        budget.resolve({"filters": 100, "dense": 20})


def test_unreachable_budgets_say_the_figures():
    with pytest.raises(
        BadInput, match=r"rate 0\.99 keeps 243 of 24 310 weights, but `dense` is exempt"
    ):
        Budget(0.99, exempt=("dense",)).resolve({"filters": 23670, "dense": 640})
    with pytest.raises(BadInput, match=r"rate 0\.9 keeps 1 of 12 weights, but a path .* 2 tensors"):
        Budget(0.9).resolve({"a": 6, "b": 6})


def test_a_name_that_is_exempt_and_has_a_rate_of_its_own_is_refused():
    with pytest.raises(BadInput, match="'dense' is exempt and has a rate of its own"):
        Budget(0.5, exempt=("dense",), rates={"dense": 0.5})


@pytest.mark.parametrize("rate", [1.0, -0.1, math.nan, math.inf, 90])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(BadInput, match=r"rate must be in \[0, 1\)"):
        Budget(rate)


def test_all_invalid_values_are_named_at_once():
    with pytest.raises(BadInput) as error:
        Budget(2.0, "everywhere", rates={"dense": 1.0, "filters": -1})
    assert all(w in str(error.value) for w in ("4 problems", "rate", "dense", "filters", "scope"))


def test_the_same_budget_at_another_rate_keeps_all_else():
    budget = Budget(0.9, "layer", ("dense",), {"filters": 0.5})
    assert budget.at(0.3) == Budget(0.3, "layer", ("dense",), {"filters": 0.5})


def test_a_share_knows_its_rate():
    (share,) = Budget(0.75).resolve({"dense": 1000})
    assert share.rate == 0.75
