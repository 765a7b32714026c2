"""Three ways to store a tensor with zeros; all give the same numbers back."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop.bundle.storage import STORAGES, bytes_of, restore, store


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    shape = draw(st.lists(st.integers(0, 7), min_size=1, max_size=3))
    generator = seeded(draw(st.integers(0, 2**20)))
    tensor = torch.randn(shape, generator=generator)
    keep = draw(st.sampled_from([0.0, 0.02, 0.3, 0.8, 1.0]))
    tensor = tensor * (torch.rand(shape, generator=generator) < keep)
    if tensor.numel() and draw(st.booleans()):  # numbers at the ends of what a float can be
        ends = torch.tensor([torch.inf, -torch.inf, 1e-45, -3.4e38, -0.0, 1.0])
        tensor.view(-1)[: len(ends)] = ends[: tensor.numel()]
    return tensor


@given(tensors(), st.sampled_from(sorted(STORAGES)))
def test_every_storage_gives_the_same_numbers_back(tensor, kind):
    parts = STORAGES[kind].encode(tensor.flatten())
    again = restore(kind, parts, tuple(tensor.shape))
    assert again.shape == tensor.shape
    assert torch.equal(again, tensor)


@given(tensors())
def test_the_smallest_storage_is_taken(tensor):
    kind, parts = store(tensor)
    sizes = {name: bytes_of(s.encode(tensor.flatten())) for name, s in STORAGES.items()}
    assert bytes_of(parts) == sizes[kind] == min(sizes.values())
    assert torch.equal(restore(kind, parts, tuple(tensor.shape)), tensor)


@pytest.mark.parametrize(("keep", "kind"), [(1.0, "whole"), (0.3, "bits"), (0.01, "index")])
def test_dense_thin_and_very_thin_tensors_are_stored_differently(keep, kind):
    tensor = torch.randn(100, 100, generator=seeded(0))
    tensor *= torch.rand(100, 100, generator=seeded(1)) < keep
    assert store(tensor)[0] == kind


@pytest.mark.parametrize("count", [65535, 65536, 65537, 70000])
def test_the_last_entry_of_a_long_tensor_is_found_again_by_its_index(count):
    tensor = torch.zeros(count)
    tensor[-1], tensor[0] = 2.0, 1.0
    kind, parts = store(tensor)
    assert kind == "index"
    assert parts["index"].dtype == (torch.uint16 if count <= 65536 else torch.int32)
    assert torch.equal(restore(kind, parts, (count,)), tensor)


def test_weights_in_double_precision_are_rounded_to_single_precision():
    tensor = torch.randn(5, dtype=torch.float64, generator=seeded(0))
    kind, parts = store(tensor)
    assert torch.equal(restore(kind, parts, (5,)), tensor.float())


def test_bits_have_the_order_that_the_format_promises():
    """docs/bundle.md: entry i is bit i mod 8, of value 2^(i mod 8), of byte i // 8."""
    tensor = torch.zeros(10)
    tensor[[0, 3, 8]] = torch.tensor([5.0, 6.0, 7.0])
    parts = STORAGES["bits"].encode(tensor)
    assert parts["bits"].tolist() == [1 + 8, 1]
    assert parts["values"].tolist() == [5, 6, 7]
