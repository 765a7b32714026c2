"""How fast every node moves: closed forms, what must not change it, and both rules that compute it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import SIDED

from bandstop.compile import integral
from bandstop.data import Sequence
from bandstop.data.augment import exchange, mirror, scale
from bandstop.data.describe import (
    Description,
    Recordings,
    chunk_means,
    describe,
    rotate,
)
from bandstop.data.normalise import STILL, Normalisation
from bandstop.data.speed import speeds_of
from bandstop.errors import BadInput

WITH = Description(SIDED, chunks=3, speeds=True)


def walk(seed: int, frames: int = 12, nodes: int = 6) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(frames, nodes, 3)).cumsum(0) * 20


def speeds(positions: np.ndarray, bodies: int = 1) -> np.ndarray:
    """(frames, 2, nodes)"""
    here = np.zeros((len(positions), bodies), dtype=bool)
    return speeds_of(positions, here).reshape(len(positions), 2, -1)


def means(positions: np.ndarray, chunks: int = 3) -> torch.Tensor:
    packed = Recordings.of([Sequence("take", positions)], 2, speeds=True, dtype=torch.float64)
    return chunk_means(packed, torch.tensor([0]), chunks)


def test_a_body_that_is_carried_moves_but_not_relative_to_itself():
    still = np.random.default_rng(0).normal(size=(1, 4, 3)) + np.zeros((5, 1, 1))
    carried = still + np.arange(5.0)[:, None, None] * [3.0, 4.0, 0.0]
    own, relative = speeds(carried).transpose(1, 0, 2)
    assert np.allclose(own, 5)
    assert np.allclose(relative, 0)
    assert not speeds(still).any()


def test_of_two_bodies_each_is_relative_to_itself():
    x = np.zeros((3, 4, 3))
    x[1:, :2, 0] = [[10.0], [20.0]]  # the first body walks, the second stands
    own, relative = speeds(x, bodies=2).transpose(1, 0, 2)
    assert np.allclose(own[:, :2], 10)
    assert not own[:, 2:].any()
    assert np.allclose(relative, 0)


def test_the_first_frame_moves_as_the_second_does():
    x = walk(1)
    assert np.array_equal(speeds(x)[0], speeds(x)[1])


def test_a_frame_that_is_missing_does_not_make_a_node_faster():
    even = np.arange(9.0)[:, None, None] + np.arange(6.0).reshape(1, 2, 3)
    kept = [0, 1, 2, 5, 6, 8]
    takes = [Sequence("all", even), Sequence("gaps", even[kept], times=np.array(kept))]
    packed = Recordings.of(takes, speeds=True, dtype=torch.float64)
    found = chunk_means(packed, torch.arange(2), 2)[..., 3]
    assert torch.allclose(found, torch.tensor(3.0).double().sqrt())


def test_a_body_that_appears_does_not_jump():
    x = walk(2, frames=6)
    x[3, 3:] = 0
    own, relative = (
        speeds_of(x, np.array([[False, i == 3] for i in range(6)]))
        .reshape(6, 2, -1)
        .transpose(1, 0, 2)
    )
    assert not own[3:5, 3:].any()
    assert not relative[3:5, 3:].any()
    assert own[[1, 2, 5]].all()


@given(st.integers(0, 100), st.floats(-3, 3), st.floats(0.2, 5))
def test_turned_mirrored_exchanged_and_scaled(seed, angle, factor):
    averages = means(walk(seed))
    one = torch.ones(1, dtype=torch.float64)
    fast = averages[..., 3:]
    assert torch.equal(rotate(averages, 1, angle * one)[..., 3:], fast)
    assert torch.allclose(scale(averages, factor * one)[..., 3:], factor * fast)
    assert torch.equal(mirror(averages, SIDED)[..., 3:], fast[:, :, [0, 2, 1, 3, 5, 4]])
    assert torch.equal(exchange(averages, SIDED)[..., 3:], fast[:, :, [3, 4, 5, 0, 1, 2]])


@given(st.integers(0, 100), st.integers(2, 40), st.integers(1, 9), st.sampled_from([0.0, 0.1]))
def test_the_rule_of_the_compiler_is_the_rule_of_training(seed, frames, chunks, trim):
    take = walk(seed, frames)
    take[frames // 3 : frames // 2, 3:] = 0
    description = Description(SIDED, chunks, trim=trim, speeds=True)
    x = take.astype(np.float32)
    expected = integral.placed(
        integral.chunk_means(x, chunks, trim, 2, speeds=True), "facing", 2, 3, 1, 0
    )
    found = describe([Sequence("take", x)], description)[0].numpy()
    assert found.shape == description.size
    assert np.allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_speed_s_of_chunk_k_is_feature_3_m_plus_m_s_plus_k():
    x = walk(3)
    averages = means(x)
    signal = describe([Sequence("take", x)], WITH)[0]
    for s in range(2):
        for k in range(3):
            assert torch.allclose(signal[:, 9 + 3 * s + k], averages[0, k, :, 3 + s].float())


def test_a_speed_is_as_many_standard_deviations_as_its_logarithm():
    signals = describe([Sequence(str(i), walk(i)) for i in range(20)], WITH)
    fitted = Normalisation.of(signals, speeds=True)
    normal = fitted(signals)
    assert torch.allclose(normal.mean(dim=0), torch.zeros(WITH.size), atol=1e-4)
    for part in (normal[..., :9], normal[..., 9:12], normal[..., 12:]):
        assert part.square().mean() == pytest.approx(1, abs=1e-3)
    logs = (signals[..., 9:] / fitted.std[0] + STILL).log()
    assert torch.allclose(
        normal[..., 9:12] * fitted.std[1] + fitted.mean[:, 9:12], logs[..., :3], atol=1e-4
    )
    assert torch.allclose(
        normal[..., 12:] * fitted.std[2] + fitted.mean[:, 12:], logs[..., 3:], atol=1e-4
    )


def test_what_stands_still_in_all_recordings_has_no_speed_and_no_noise():
    still = np.random.default_rng(0).normal(size=(8, 1, 6, 3)) + np.zeros((8, 5, 1, 1))
    signals = describe([Sequence(str(i), x) for i, x in enumerate(still)], WITH)
    assert Normalisation.of(signals, speeds=True)(signals)[..., 9:].abs().max() < 1e-3


def test_units_do_not_matter():
    takes = [walk(i) for i in range(5)]
    normal = []
    for unit in (1.0, 1e-3, 1e5):
        signals = describe([Sequence(str(i), x * unit) for i, x in enumerate(takes)], WITH)
        normal.append(Normalisation.of(signals, speeds=True)(signals))
    for other in normal[1:]:
        assert torch.allclose(normal[0], other, atol=1e-3)


def test_std_says_how_many_kinds_there_are():
    with pytest.raises(BadInput, match="std must be one number, or 3 with speeds, not 2"):
        Normalisation(torch.zeros(2, 6), torch.ones(2))
