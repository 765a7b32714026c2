"""Recordings as running integrals: as small as they are, with frames missing, with bodies absent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from making import SIDED, recordings

from bandstop.data import Sequence
from bandstop.data.describe import (
    Description,
    Recordings,
    centre,
    chunk_means,
    describe,
    frame_bounds,
)
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

ONE = Skeleton("one", ("a", "b", "c"), ((0, 1), (1, 2)), (0, 1, 2))
PAIR = Skeleton("pair", ONE.joints, ONE.bones, ONE.mirror, bodies=2)
SKELETONS = {"one body": ONE, "two bodies": PAIR}
SEEDS = st.integers(0, 999)


def means_of(sequences, chunks=4, bodies=1, start=None, end=None):
    rows = torch.arange(len(sequences))
    return chunk_means(Recordings.of(sequences, bodies), rows, chunks, start, end)


def signal(*sequences: Sequence, skeleton: Skeleton = PAIR, view: str = "facing", **more):
    return describe(list(sequences), Description(skeleton, 4, view, **more))


# --- memory --------------------------------------------------------------------------------------


def padded_means(sequences, chunks, lo, hi):
    """As it was computed before: every sequence padded to the longest."""
    longest, nodes = max(s.frames for s in sequences), sequences[0].positions.shape[1]
    table = torch.zeros(len(sequences), longest + 1, nodes * 3, dtype=torch.float64)
    for i, s in enumerate(sequences):
        positions = torch.from_numpy(s.positions.copy()).double()
        positions -= positions.mean(dim=(0, 1))
        table[i, 1 : s.frames + 1] = positions.flatten(1).cumsum(dim=0)
    table = table.float()
    frames = torch.tensor([s.frames for s in sequences])
    time = (lo[:, None] + (hi - lo)[:, None] * torch.linspace(0, 1, chunks + 1)) * frames[:, None]
    floor = torch.minimum(time.floor().long(), frames[:, None] - 1)
    index = (torch.arange(len(sequences))[:, None] * (longest + 1) + floor).flatten()
    flat = table.view(-1, nodes * 3)
    part = (time - floor).view(-1, 1)
    integral = torch.lerp(flat.index_select(0, index), flat.index_select(0, index + 1), part)
    integral = integral.view(len(sequences), chunks + 1, -1)
    length = (hi - lo) * frames / chunks
    means = (integral[:, 1:] - integral[:, :-1]) / length[:, None, None]
    return means.view(len(sequences), chunks, -1, 3)


@given(SEEDS, st.integers(1, 9), st.booleans())
def test_packed_recordings_give_bit_for_bit_what_padded_ones_gave(seed, chunks, uneven_too):
    takes = recordings(6, PAIR, seed)
    random = torch.Generator().manual_seed(seed)
    lo = 0.4 * torch.rand(6, generator=random)
    hi = 1 - 0.4 * torch.rand(6, generator=random)
    expected = padded_means(takes, chunks, lo, hi)
    more = []
    if (
        uneven_too
    ):  # one with missing frames and one with an absent body change nothing for the rest
        gone = np.zeros((5, 6, 3))
        gone[:, :3] = np.random.default_rng(seed).normal(size=(5, 3, 3))
        more = [Sequence("gaps", gone + 1, times=np.array([1, 2, 5, 6, 7])), Sequence("gone", gone)]
    packed = Recordings.of([*more, *takes], 2)
    rows = torch.arange(len(more), len(more) + 6)
    assert torch.equal(chunk_means(packed, rows, chunks, lo, hi), expected)


def test_one_long_recording_takes_no_more_room_than_it_has_frames():
    takes = [
        *recordings(300, ONE),
        Sequence("long", np.random.default_rng(0).normal(size=(4000, 3, 3))),
    ]
    rows = sum(s.frames + 1 for s in takes)
    assert Recordings.of(takes).integral.shape == (rows, 9)


def test_described_at_once_or_one_by_one_signals_are_the_same():
    takes = recordings(200, SIDED)
    every = describe(takes, Description(SIDED, 3))
    for i in (0, 63, 64, 199):
        assert torch.equal(describe([takes[i]], Description(SIDED, 3))[0], every[i])


# --- missing frames ------------------------------------------------------------------------------


def moving(frames: int = 60, skeleton: Skeleton = PAIR, seed: int = 0) -> Sequence:
    """A slow movement, so that neighbouring frames are alike."""
    random = np.random.default_rng(seed)
    phase, size, place = random.uniform(0, 6, (3, 1, skeleton.nodes, 3))
    time = np.arange(frames)[:, None, None] / frames
    return Sequence("moving", 50 * size * np.sin(6 * time + phase) + 100 * place)


def kept(s: Sequence, which: np.ndarray, numbered: bool = True) -> Sequence:
    return Sequence("kept", s.positions[which], times=which if numbered else None)


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=list(SKELETONS))
@given(seed=SEEDS)
def test_with_half_of_the_frames_and_their_numbers_the_signal_is_nearly_that_of_all(skeleton, seed):
    whole = moving(skeleton=skeleton, seed=seed)
    middle = np.random.default_rng(seed).choice(np.arange(1, 59), 28, replace=False)
    some = np.array([0, *sorted(middle), 59])
    expected = signal(whole, skeleton=skeleton, view="camera")
    numbered = signal(kept(whole, some), skeleton=skeleton, view="camera")
    size = expected.square().mean().sqrt()
    assert (numbered - expected).square().mean().sqrt() < 0.1 * size


def test_frames_that_are_missing_at_one_end_count_at_their_numbers():
    whole = moving()
    late = np.array([*range(0, 30, 10), *range(30, 60)])
    expected = signal(whole)
    errors = [
        float((signal(kept(whole, late, numbered)) - expected).square().mean())
        for numbered in (True, False)
    ]
    assert errors[0] < 0.05 * errors[1]


@given(st.integers(2, 40), st.floats(1e-3, 1e3), st.integers(-1000, 1000))
def test_frames_that_follow_evenly_have_no_times_whatever_they_are_counted_in(frames, step, first):
    s = moving(frames)
    assert Sequence("s", s.positions, times=np.arange(frames) + first).times is None
    counted = Sequence("s", s.positions, times=first + step * np.arange(frames))  # but for rounding
    assert torch.allclose(signal(counted), signal(s), rtol=1e-4, atol=1e-2)


@given(
    st.lists(st.integers(1, 9), min_size=1, max_size=20), st.floats(0.01, 100), st.integers(-9, 9)
)
def test_neither_the_unit_nor_the_start_of_the_time_matters(steps, unit, first):
    times = np.cumsum([0, *steps])
    bounds = frame_bounds(times.astype(float))
    assert np.allclose(frame_bounds(first + unit * times), bounds)
    assert bounds[0] == 0
    assert bounds[-1] == pytest.approx(len(times))
    assert (np.diff(bounds) > 0).all()


@given(SEEDS, st.integers(1, 7))
def test_a_frame_counts_from_halfway_before_to_halfway_after(seed, chunks):
    """Against every frame repeated as often as it counts, in half steps."""
    random = np.random.default_rng(seed)
    steps = 2 * random.integers(1, 4, size=8)
    assume(np.ptp(steps) > 0)
    take = Sequence("t", random.normal(size=(9, 3, 3)), times=np.cumsum([0, *steps]))
    half = int(np.median(steps)) if float(np.median(steps)).is_integer() else 0
    assume(half and half % 2 == 0)
    counts = (np.array([half, *steps]) + np.array([*steps, half])) // 2
    repeated = Sequence("r", np.repeat(take.positions, counts, axis=0))
    found, expected = means_of([take], chunks), means_of([repeated], chunks)
    assert torch.allclose(centre(found), centre(expected), atol=1e-4)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ([1, 2, 2], "frame 2 follows frame 2; frame numbers must grow"),
        ([3, 2, 1], "frame 2 follows frame 3"),
        ([1, 2], r"times must be one a frame, \(3,\), not \(2,\)"),
        ([1, float("nan"), 3], "the time of frame 2 is nan"),
        ([1, 2, float("inf")], "the time of frame 3 is inf"),
        ([-1e308, 2, 3], "the time of frame 1 is -1e.308; it must be a number within 9.0072e.15"),
    ],
)
def test_times_that_do_not_grow_are_refused(times, said):
    with pytest.raises(BadInput, match=said):
        Sequence("s", np.zeros((3, 2, 3)), times=np.array(times))


def test_recordings_of_different_times_are_not_the_same():
    s = moving(5)
    gaps = replace(s, times=np.array([0, 1, 2, 3, 9]))
    assert s.digest != gaps.digest
    assert s.digest == replace(s, times=np.arange(5)).digest


@given(st.lists(st.floats(-(2.0**53), 2.0**53), min_size=2, max_size=9, unique=True), SEEDS)
def test_any_growing_times_give_finite_averages_between_the_extremes(times, seed):
    take = Sequence(
        "t", np.random.default_rng(seed).normal(size=(len(times), 3, 3)), times=np.sort(times)
    )
    found = means_of([take], 5)
    assert found.isfinite().all()
    centred = take.positions - take.positions.mean((0, 1))
    assert found.abs().max() <= np.abs(centred).max() * 1.01 + 1e-3
