"""Temporal chunking: any duration and any frame rate give the same averages."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import SIDED, recordings, seeded

from bandstop.data import Sequence
from bandstop.data.describe import (
    Description,
    Recordings,
    centre,
    chunk_means,
    describe,
    face,
    rotate,
)
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

ONE = Skeleton("one", ("a", "b"), ((0, 1),), (0, 1))
SMALL = st.integers(1, 13)


def walk(frames: int, seed: int, nodes: int = 2) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(frames, nodes, 3)).cumsum(0).astype(np.float32)


def of(*positions: np.ndarray) -> Recordings:
    return Recordings.of([Sequence(str(i), p) for i, p in enumerate(positions)])


def oversampled_means(positions: np.ndarray, chunks: int) -> np.ndarray:
    """Every frame repeated once a chunk: then each chunk holds whole samples, as many as frames."""
    centred = positions.astype(np.float64) - positions.astype(np.float64).mean((0, 1))
    fine = np.repeat(centred, chunks, axis=0)
    return fine.reshape(chunks, len(positions), *positions.shape[1:]).mean(1)


@given(st.lists(st.integers(2, 40), min_size=1, max_size=4), SMALL, st.integers(0, 99))
def test_chunk_means_are_those_of_a_naive_oversampled_average(durations, chunks, seed):
    takes = [walk(frames, seed + i) for i, frames in enumerate(durations)]
    means = chunk_means(of(*takes), torch.arange(len(takes)), chunks)
    for row, take in enumerate(takes):
        assert means[row].numpy() == pytest.approx(oversampled_means(take, chunks), abs=2e-4)


def test_with_fewer_frames_than_chunks_each_frame_fills_several_chunks():
    take = np.array([[[1.0, 0, 0]], [[3.0, 0, 0]]])
    means = chunk_means(of(take), torch.tensor([0]), 4)
    assert means[0, :, 0, 0].tolist() == [-1, -1, 1, 1]
    means = chunk_means(of(take), torch.tensor([0]), 3)
    assert means[0, :, 0, 0].tolist() == pytest.approx([-1, 0, 1], abs=1e-6)


@given(st.integers(2, 30), st.integers(2, 4), SMALL, st.integers(0, 99))
def test_another_frame_rate_gives_the_same_means(frames, repeats, chunks, seed):
    take = walk(frames, seed)
    recorded = of(take, np.repeat(take, repeats, axis=0))
    slow, fast = chunk_means(recorded, torch.arange(2), chunks)
    assert torch.allclose(slow, fast, atol=2e-4)


@given(st.integers(2, 30), SMALL, st.integers(0, 99))
def test_a_crop_of_the_whole_is_the_whole(frames, chunks, seed):
    recorded = of(walk(frames, seed), walk(frames + 3, seed + 1))
    rows = torch.arange(2)
    whole = chunk_means(recorded, rows, chunks)
    assert torch.equal(chunk_means(recorded, rows, chunks, torch.zeros(2), torch.ones(2)), whole)


@given(st.integers(4, 40), SMALL, st.data())
def test_a_crop_at_whole_frames_is_what_these_frames_alone_give(frames, chunks, data):
    first = data.draw(st.integers(0, frames - 2))
    last = data.draw(st.integers(first + 2, frames))
    take = walk(frames, 5)
    cropped = chunk_means(
        of(take), torch.tensor([0]), chunks,
        torch.tensor([first / frames]), torch.tensor([last / frames]),
    )  # fmt: skip
    alone = chunk_means(of(take[first:last]), torch.tensor([0]), chunks)
    assert torch.allclose(centre(cropped), centre(alone), atol=2e-3)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=9))
def test_rows_may_be_picked_in_any_order_and_repeatedly(rows):
    recorded = of(*(walk(5 + 7 * i, i) for i in range(5)))
    every = chunk_means(recorded, torch.arange(5), 3)
    assert torch.equal(chunk_means(recorded, torch.tensor(rows), 3), every[rows])


@given(st.integers(2, 30), st.integers(0, 99))
def test_the_average_of_all_chunks_is_the_average_of_all_frames(frames, seed):
    take = walk(frames, seed)
    means = chunk_means(of(take), torch.tensor([0]), 7)[0].mean(0).numpy()
    assert means == pytest.approx((take - take.mean((0, 1))).mean(0), abs=1e-3)


def test_long_recordings_far_from_the_origin_keep_their_precision():
    """Ten minutes in millimetres, three metres from the sensor."""
    take = walk(18_000, 0) * 5 + 3000
    means = chunk_means(of(take), torch.tensor([0]), 8)
    assert means[0].numpy() == pytest.approx(oversampled_means(take, 8), abs=0.5)


# --- signals -----------------------------------------------------------------------------------


def test_feature_3_k_plus_c_is_coordinate_c_in_chunk_k():
    description = Description(ONE, chunks=4)
    (take,) = recordings(1, ONE)
    positions = centre(chunk_means(Recordings.of([take]), torch.tensor([0]), 4))
    signal = describe([take], description)
    assert signal.shape[1:] == description.size == (2, 12)
    for k in range(4):
        for c in range(3):
            assert torch.allclose(signal[0, :, 3 * k + c], positions[0, k, :, c], atol=1e-3)


@pytest.mark.parametrize("view", ["facing", "camera"])
def test_where_the_group_stands_does_not_matter(view):
    description = Description(SIDED, chunks=3, view=view)
    takes = recordings()
    moved = [Sequence(t.name, t.positions + np.array([5.0, -3.0, 9.0])) for t in takes]
    assert torch.allclose(describe(takes, description), describe(moved, description), atol=1e-3)


def test_how_the_group_moves_from_chunk_to_chunk_is_kept():
    positions = torch.zeros(1, 3, 2, 3)
    positions[0, :, :, 0] = torch.tensor([4.0, 5.0, 9.0])[:, None]
    assert centre(positions)[0, :, 0, 0].tolist() == [-2, -1, 3]


@pytest.mark.parametrize("up", [0, 1, 2])
@pytest.mark.parametrize("side", [0, 1, 2])
@given(seed=st.integers(0, 99))
def test_facing_puts_the_second_body_on_the_positive_side_axis_from_the_first(up, side, seed):
    if up == side:
        return
    skeleton = Skeleton("pair", ("a", "b"), ((0, 1),), (0, 1), bodies=2, up=up, side=side)
    positions = torch.randn(5, 3, 4, 3, generator=seeded(seed))
    turned = face(positions, skeleton)
    first, second = turned[:, :, :2].mean((1, 2)), turned[:, :, 2:].mean((1, 2))
    between = second - first
    (depth,) = {0, 1, 2} - {up, side}
    assert between[:, depth].abs().max() < 1e-5
    assert (between[:, side] > 0).all()
    assert torch.allclose(turned[..., up], positions[..., up])


@given(st.integers(0, 99), st.floats(-180, 180))
def test_in_the_facing_view_it_does_not_matter_where_the_camera_stood(seed, degrees):
    positions = torch.randn(4, 3, 6, 3, generator=seeded(seed))
    angle = torch.full((4,), degrees * torch.pi / 180)
    seen_from_there = rotate(positions, SIDED.up, angle)
    assert torch.allclose(face(seen_from_there, SIDED), face(positions, SIDED), atol=1e-4)
    assert torch.allclose(
        Description(SIDED, 3).signal(seen_from_there),
        Description(SIDED, 3).signal(positions),
        atol=1e-4,
    )


def test_one_body_is_seen_as_it_was_recorded_in_either_view():
    takes = recordings(4, ONE)
    facing, camera = (describe(takes, Description(ONE, 3, view)) for view in ("facing", "camera"))
    assert torch.equal(facing, camera)


def test_two_bodies_are_not_seen_the_same_in_both_views():
    facing, camera = (
        describe(recordings(), Description(SIDED, 3, view)) for view in ("facing", "camera")
    )
    assert not torch.allclose(facing, camera, atol=0.1)


def test_bodies_right_above_each_other_stay_finite():
    positions = torch.zeros(1, 2, 6, 3)
    positions[:, :, 3:, 1] = 1.0
    assert face(positions, SIDED).isfinite().all()


@pytest.mark.parametrize(("chunks", "view"), [(0, "facing"), (-1, "facing"), (3, "above")])
def test_a_description_that_cannot_be_is_refused(chunks, view):
    with pytest.raises(BadInput, match=r"description: (chunks|view) must be"):
        Description(SIDED, chunks, view)


# --- normalisation -----------------------------------------------------------------------------


def test_normalised_training_signals_have_mean_0_everywhere_and_variance_1_over_all():
    signals = 3 + 5 * torch.randn(200, 4, 6, generator=seeded(0))
    normal = Normalisation.of(signals)(signals)
    assert normal.mean(0).abs().max() < 1e-5
    assert float(normal.square().mean()) == pytest.approx(1, rel=1e-5)


def test_normalisation_keeps_the_proportions():
    signals = torch.randn(50, 2, 3, generator=seeded(0))
    signals[:, 0] *= 10
    normal = Normalisation.of(signals)(signals)
    before, after = (x[:, 0, 0].std() / x[:, 1, 1].std() for x in (signals, normal))
    assert float(before) > 5
    assert float(after) == pytest.approx(float(before), rel=1e-4)


def test_an_element_that_never_varies_is_0_and_finite():
    signals = torch.randn(50, 2, 3, generator=seeded(0))
    signals[:, 1, 2] = 7.0
    assert Normalisation.of(signals)(signals)[:, 1, 2].abs().max() < 1e-5


def test_signals_that_are_all_equal_cannot_be_learned_from():
    with pytest.raises(BadInput, match="all equal"):
        Normalisation.of(torch.ones(5, 2, 3))


TWO = Skeleton(
    "two", ("head", "left", "right", "foot"), ((0, 1), (0, 2), (0, 3)), (0, 2, 1, 3), bodies=2
)


def turned(take: np.ndarray, angle: float, up: int = 1) -> np.ndarray:
    a, b = (up + 1) % 3, (up + 2) % 3
    out = take.astype(np.float64).copy()
    out[..., a] = np.cos(angle) * take[..., a] - np.sin(angle) * take[..., b]
    out[..., b] = np.sin(angle) * take[..., a] + np.cos(angle) * take[..., b]
    return out


def signal_of(take: np.ndarray, view: str = "facing") -> np.ndarray:
    return describe([Sequence("take", take)], Description(TWO, 3, view))[0].numpy()


def close_together(distance: float, seed: int, height: float = 0.0) -> np.ndarray:
    """Two bodies of a size of about 1 whose roots lie `distance` apart on the ground."""
    random = np.random.default_rng(seed)
    body = random.normal(size=(12, 1, 3)).cumsum(0) * 0.1 + random.normal(size=(1, 4, 3))
    angle = random.uniform(0, 6)
    shift = np.array([distance * np.cos(angle), height, distance * np.sin(angle)])
    return np.concatenate([body, body + shift], axis=1)


@given(
    st.sampled_from([0.0, 1e-9, 1e-6, 1e-5]),
    st.integers(0, 99),
    st.sampled_from([0.0, 1.0]),
    st.sampled_from([0.0, 1.0, -30.0, 1000.0]),
)
def test_bodies_that_coincide_or_stand_right_above_each_other_have_no_side(
    distance, seed, height, moved
):
    """Nothing is turned, however rounding falls: moved, the recording gives what it gave."""
    take = close_together(distance, seed, height)
    as_seen = signal_of(take, "camera")
    assert np.abs(signal_of(take) - as_seen).max() <= 1e-6
    assert np.abs(signal_of(take + moved) - as_seen).max() <= 1e-6 * max(1, abs(moved))


@given(st.floats(0.05, 3), st.integers(0, 99), st.floats(0, 6), st.sampled_from([0.0, 5.0]))
def test_bodies_apart_give_the_same_signal_wherever_they_are_and_however_they_are_turned(
    distance, seed, angle, moved
):
    take = close_together(distance, seed)
    first, other = signal_of(take), signal_of(turned(take, angle) + moved)
    assert np.abs(first - other).max() <= 1e-4


@pytest.mark.parametrize("factor", [1e-20, 1e-6, 1.0, 1e6, 1e15])
def test_whether_bodies_touch_does_not_depend_on_the_unit(factor):
    for distance, turns in [(1e-5, False), (0.1, True)]:
        take = close_together(distance, 3) * factor
        assert (np.abs(signal_of(take) - signal_of(take, "camera")).max() > 1e-3 * factor) == turns
