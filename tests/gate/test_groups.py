"""Channels, rows, columns and entries of any tensor."""

from __future__ import annotations

from math import prod

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import MODELS, model, seeded, shapes

from bandstop.errors import BadInput
from bandstop.gate import prunable
from bandstop.gate.groups import LEVELS, as_blocks, block_shape, group_counts, pooled

tensor_shapes = st.lists(st.integers(1, 4), min_size=2, max_size=5).map(tuple)


@given(tensor_shapes)
def test_every_level_divides_the_whole_tensor_into_groups_of_one_size(shape):
    blocks = torch.randn(block_shape(shape))
    counts = group_counts(shape)
    for level in LEVELS:
        means = pooled(blocks, level)
        assert means.numel() == counts[level]
        assert prod(shape) % counts[level] == 0
        assert torch.allclose(means.mean(), blocks.mean(), atol=1e-5)
    assert counts["entry"] == prod(shape)


@given(tensor_shapes)
def test_seen_as_blocks_the_order_of_the_weights_is_kept(shape):
    tensor = torch.randn(shape)
    assert torch.equal(as_blocks(tensor).flatten(), tensor.flatten())


@given(shapes())
def test_the_attention_gcns_tensors_are_their_own_blocks(shape):
    assert all(block_shape(size) == size for size in shape.tensors.values())


def test_a_group_is_the_mean_of_its_own_weights():
    blocks = torch.randn(2, 3, 4, generator=seeded(0))
    assert torch.allclose(pooled(blocks, "channel")[1, 0, 0], blocks[1].mean())
    assert torch.allclose(pooled(blocks, "row")[1, 2, 0], blocks[1, 2].mean())
    assert torch.allclose(pooled(blocks, "column")[1, 0, 3], blocks[1, :, 3].mean())
    assert torch.equal(pooled(blocks, "entry"), blocks)


def test_a_leading_axis_of_runs_changes_nothing():
    runs = torch.randn(5, 2, 3, 4, generator=seeded(0))
    for level in LEVELS:
        assert torch.equal(pooled(runs, level), torch.stack([pooled(r, level) for r in runs]))


def test_a_tensor_of_one_dimension_has_no_groups():
    with pytest.raises(BadInput, match=r"shape \(3,\) has no channels"):
        block_shape((3,))


@pytest.mark.parametrize("name", MODELS)
def test_every_prunable_tensor_of_every_model_has_groups(name):
    net, _ = model(name)
    for tensor in prunable(net).values():
        assert prod(block_shape(tuple(tensor.shape))) == tensor.numel()
