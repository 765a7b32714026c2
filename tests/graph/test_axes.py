"""Axes that are one, products of axes, what is held, and positions that are tied."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from bandstop.errors import Failure
from bandstop.graph.axes import Axes, Positions, leaves, size


def sizes(dim) -> list[int]:
    return [leaf.size for leaf in leaves(dim)]


def kept(axes: Axes, dims, marked: dict[int, list[int]]) -> list[list[bool]]:
    """Masks of one-dimensional values after some of their elements were marked."""
    positions = Positions(axes, [[dim] for dim in dims])
    for value, elements in marked.items():
        mark = torch.zeros(size(dims[value]), dtype=torch.bool)
        mark[elements] = True
        positions.mark([dims[value]], mark)
    positions.settle()
    return [positions.mask(dim).tolist() for dim in dims]


def bits(text: str) -> list[bool]:
    return [c == "1" for c in text]


def test_axes_that_are_unified_keep_the_same_positions():
    axes = Axes()
    a, b, c = axes.fresh([4, 4, 4])
    axes.unify(a, b)
    axes.unify(b, c)
    assert leaves(a) == leaves(b) == leaves(c)
    assert kept(axes, [a, b, c], {0: [1], 2: [3]}) == [bits("0101")] * 3


@pytest.mark.parametrize("turned", [False, True])
def test_an_axis_is_split_where_the_other_side_has_two(turned):
    axes = Axes()
    joined, channel, joint = axes.fresh([6, 3, 2])
    pair = (joined, channel + joint)
    axes.unify(*(reversed(pair) if turned else pair))
    assert sizes(joined) == [3, 2]
    assert leaves(joined) == leaves(channel) + leaves(joint)


def test_a_split_is_seen_by_all_who_have_the_axis_and_goes_on():
    axes = Axes()
    a, b, two, three, four, six = axes.fresh([24, 24, 2, 3, 4, 6])
    axes.unify(a, b)
    axes.unify(a, six + four)
    axes.unify(b, two + three + four)
    assert sizes(a) == sizes(b) == [2, 3, 4]
    assert leaves(six) == leaves(two) + leaves(three)


def test_a_product_keeps_what_both_of_its_axes_keep():
    axes = Axes()
    joined, channel, joint = axes.fresh([6, 3, 2])
    axes.unify(joined, channel + joint)
    assert kept(axes, [joined, channel, joint], {0: [1, 5]}) == [
        bits("010001"),
        bits("101"),
        bits("01"),
    ]


def test_sizes_that_do_not_divide_each_other_are_held():
    axes = Axes()
    four, six, three, eight = axes.fresh([4, 6, 3, 8])
    axes.unify(four + six, three + eight)
    assert all(leaf.held for dim in (four, six, three, eight) for leaf in leaves(dim))


def test_an_axis_of_size_1_is_none():
    axes = Axes()
    one, four, other = axes.fresh([1, 4, 4])
    axes.unify(one + four, other)
    assert leaves(one) == []
    assert leaves(four) == leaves(other)


def test_different_sizes_are_a_fault_of_ours():
    axes = Axes()
    a, b = axes.fresh([4, 2])
    with pytest.raises(Failure, match="different sizes"):
        axes.unify(a, b)


def test_what_is_held_stays_through_splits_and_unions():
    axes = Axes()
    a, b, two, three = axes.fresh([6, 6, 2, 3])
    axes.hold(a)
    axes.unify(b, two + three)
    axes.unify(a, b)
    assert all(leaf.held for leaf in leaves(b))
    assert kept(axes, [two, three], {}) == [bits("11"), bits("111")]


def test_of_an_axis_that_nothing_stands_on_one_position_stays():
    axes = Axes()
    (a,) = axes.fresh([3])
    assert kept(axes, [a], {}) == [bits("100")]


def test_tied_positions_stay_together_along_a_chain():
    """a = (b, c) and d = every other position of a."""
    axes = Axes()
    a, b, c, d = axes.fresh([5, 2, 3, 3])
    axes.tie(a, 0, b, 0, 2)
    axes.tie(a, 2, c, 0, 3)
    axes.tie(a, 0, d, 0, 3, step=2)
    found = kept(axes, [a, b, c, d], {3: [1], 1: [1]})
    assert found == [bits("01100"), bits("01"), bits("100"), bits("010")]


@pytest.mark.parametrize("other", [1, 6])
def test_what_is_tied_to_no_axis_of_its_own_stays(other):
    """To a dimension of size 1, or to a product of axes."""
    axes = Axes()
    a, b, two, three = axes.fresh([6, other, 2, 3])
    if other == 6:
        axes.unify(b, two + three)
    axes.tie(a, 0, b, 0, other)
    assert kept(axes, [a, b], {})[0] == bits("111111")


def test_a_held_position_holds_what_it_is_tied_to():
    axes = Axes()
    a, b = axes.fresh([4, 2])
    axes.hold(b)
    axes.tie(a, 1, b, 0, 2)
    assert kept(axes, [a, b], {}) == [bits("0110"), bits("11")]


def test_elements_mark_the_positions_of_every_axis_they_stand_on():
    axes = Axes()
    dims = axes.fresh([3, 4])
    positions = Positions(axes, [dims])
    mark: Tensor = torch.zeros(3, 4, dtype=torch.bool)
    mark[0, 1] = mark[2, 3] = True
    positions.mark(dims, mark)
    assert [positions.mask(dim).tolist() for dim in dims] == [bits("101"), bits("0101")]
