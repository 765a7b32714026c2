"""Arrays with their axes in another order: the remedy, carried out as it is written, gives the recording."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.data import Sequence, load
from bandstop.data.formats.single import read_one
from bandstop.data.shape import fault
from bandstop.errors import BadInput
from bandstop.skeleton import LAYOUTS, Skeleton

HAND, PAIR = LAYOUTS["hand21"], LAYOUTS["sbu"]


def recording(skeleton: Skeleton, frames: int = 17, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, skeleton.nodes, 3))


def mended(words: str, positions: np.ndarray) -> np.ndarray:
    """What the expression in the message makes of the array."""
    (expression,) = re.findall(r"(positions\.[\w.]+\([^;]*\)|np\.concatenate\(.*\))", words)
    return eval(expression, {"positions": positions, "np": np})


@pytest.mark.parametrize("axes", [a for a in itertools.permutations(range(3)) if a != (0, 1, 2)])
@pytest.mark.parametrize("skeleton", [HAND, PAIR], ids=lambda s: s.name)
def test_any_order_of_the_three_axes_is_put_right_by_the_remedy(axes, skeleton):
    right = recording(skeleton)
    wrong = right.transpose(axes)
    words = fault(wrong, "positions", skeleton)
    assert "reshape" not in words
    np.testing.assert_array_equal(mended(words, wrong), right)


@given(st.integers(2, 60), st.permutations([0, 1, 2]))
def test_whatever_the_number_of_frames_no_remedy_scrambles(frames, axes):
    right = recording(HAND, frames)
    wrong = right.transpose(axes)
    words = fault(wrong, "positions", HAND)
    assert "reshape" not in words
    if not words:
        assert tuple(axes) == (0, 1, 2) or frames in (3, 21)
    elif " or " not in words:
        assert mended(words, wrong).shape == right.shape


def test_channels_first_is_recognised_without_a_skeleton_too():
    right = recording(HAND)
    with pytest.raises(BadInput, match=r"positions.transpose\(1, 2, 0\)"):
        Sequence("x", right.transpose(2, 0, 1))
    with pytest.raises(BadInput, match=r"positions.transpose\(0, 2, 1\)"):
        Sequence("x", right.transpose(0, 2, 1))


def test_x_and_y_alone_get_zeros_as_z():
    right = recording(HAND)
    right[..., 2] = 0
    for wrong in (right[..., :2], right[..., :2].transpose(2, 0, 1)):
        words = fault(wrong, "positions", HAND)
        assert "x and y alone" in words
        np.testing.assert_array_equal(mended(words, wrong), right)


def test_bodies_on_an_axis_of_their_own_are_put_one_after_the_other():
    right = recording(PAIR)
    by_body = right.reshape(17, 2, 15, 3)
    for axes in ((0, 1, 2, 3), (3, 0, 2, 1), (1, 0, 2, 3)):  # the second is (C, T, V, M) of ST-GCN
        wrong = by_body.transpose(axes)
        np.testing.assert_array_equal(mended(fault(wrong, "positions", PAIR), wrong), right)


def test_a_row_a_frame_is_told_what_it_must_hold():
    right = recording(HAND)
    words = fault(right.reshape(17, 63), "positions", HAND)
    assert "where it is xyz of one node after the other" in words
    assert "(17, 63)" in fault(right.reshape(17, 63), "positions")


@pytest.mark.parametrize("shape", [(17, 20, 3), (5,), (2, 2, 2, 2, 2), (17, 21, 4), (17, 40)])
def test_what_no_order_of_axes_mends_is_refused_without_a_wrong_remedy(shape):
    words = fault(np.zeros(shape), "positions", HAND)
    assert words
    assert "reshape(" not in words
    assert "transpose(" not in words


def test_files_are_refused_with_the_same_remedy(tmp_path):
    wrong = recording(HAND).transpose(2, 0, 1)
    np.save(tmp_path / "one.npy", wrong)
    np.savez(tmp_path / "all.npz", positions=wrong, lengths=[17], labels=["a"], skeleton="hand21")
    with pytest.raises(BadInput, match=r"positions.transpose\(1, 2, 0\)"):
        read_one(tmp_path / "one.npy", HAND)
    with pytest.raises(BadInput, match=r"positions.transpose\(1, 2, 0\)"):
        load("npz", tmp_path / "all.npz")
