"""Liveness against a path-by-path enumeration on tiny networks."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import FUSIONS, masks_for, shapes

from bandstop.nn import Shape
from bandstop.prune import live


@st.composite
def cases(draw: st.DrawFn):
    shape = draw(shapes(3))
    return shape, draw(masks_for(shape))


def by_enumeration(masks, shape):
    """Walk every path from input (j, s) by head k, output i and filter f to class c."""
    alive = {name: torch.zeros_like(mask) for name, mask in masks.items()}
    ranges = (shape.heads, shape.outputs, shape.nodes, shape.features, shape.filters, shape.classes)
    for k, i, j, s, f, c in product(*map(range, ranges)):
        channel = f if shape.fusion == "sum" else k * shape.filters + f
        steps = {"attention": (k, i, j), "filters": (k, s, f), "dense": (channel, i, c)}
        if all(masks[name][at] for name, at in steps.items()):
            for name, at in steps.items():
                alive[name][at] = True
    return alive


@given(cases())
def test_what_lives_is_what_lies_on_some_path(case):
    shape, masks = case
    alive = live(masks, shape)
    expected = by_enumeration(masks, shape)
    assert all(torch.equal(alive[name], expected[name]) for name in masks)


@given(cases())
def test_what_lives_goes_on_living_without_the_dead(case):
    shape, masks = case
    once = live(masks, shape)
    twice = live(once, shape)
    assert all(torch.equal(once[name], twice[name]) for name in masks)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_head_whose_filters_are_gone_is_dead_and_the_other_is_not(fusion):
    shape = Shape(heads=2, nodes=3, features=2, filters=2, classes=2, fusion=fusion)
    masks = {name: torch.ones(size, dtype=torch.bool) for name, size in shape.tensors.items()}
    masks["filters"][1] = False
    alive = live(masks, shape)
    assert alive["attention"][0].all()
    assert not alive["attention"][1].any()
    # with concatenated heads the dense weights of that head's channels are dead too
    dead = (~alive["dense"]).any(2).any(1).nonzero().flatten().tolist()
    assert dead == ([] if fusion == "sum" else [2, 3])
