"""A body that is not there moves nothing: not the centre, not the turn, in Python and in generated C."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import SIDED, bundle, recordings, seeded

from bandstop.compile.integral import chunk_means as chunk_means_of_c
from bandstop.data import Sequence
from bandstop.data.augment import Augmentation, Draws, augmented_signal
from bandstop.data.describe import Description, Recordings, centre, describe
from bandstop.data.normalise import Normalisation
from bandstop.data.sequence import absent
from bandstop.skeleton import Skeleton

JOINTS = len(SIDED.joints)
SIGNAL = Description(SIDED, 4)
SHIFTS = st.tuples(*[st.floats(-4000, 4000)] * 3).map(np.array)
FRAMES = st.lists(st.booleans(), min_size=12, max_size=12)
VIEWS = ("facing", "camera")


def take(away: list[list[bool]], shift=0.0, where=0.0, seed: int = 0, frames: int = 12) -> Sequence:
    """Two bodies that walk, moved by `shift` while they are there; absent in some frames, `where` all
    their joints are then."""
    random = np.random.default_rng(seed)
    bodies = 100 * random.normal(size=(frames, 2, JOINTS, 3)).cumsum(0)
    bodies[:, 1] += [900, 0, 300]
    bodies = bodies + shift
    for b, gone in enumerate(away):
        bodies[np.array(gone, dtype=bool), b] = where
    return Sequence("t", bodies.reshape(frames, -1, 3))


def signal(*takes: Sequence, view: str = "facing") -> torch.Tensor:
    return describe(list(takes), Description(SIDED, 4, view, 0.05))


NONE, ALL = [False] * 12, [True] * 12


@pytest.mark.parametrize("view", VIEWS)
@given(first=FRAMES, second=FRAMES, shift=SHIFTS, seed=st.integers(0, 99))
def test_where_the_present_stand_does_not_matter_whenever_others_are_absent(
    view, first, second, shift, seed
):
    """The bodies that are there move, the zeros of those that are not stay zeros."""
    here, moved = (take([first, second], s, seed=seed) for s in (0.0, shift))
    assert torch.allclose(signal(here, view=view), signal(moved, view=view), atol=0.2)


@given(second=FRAMES, where=SHIFTS, seed=st.integers(0, 99))
def test_what_a_sensor_writes_for_an_absent_body_does_not_matter(second, where, seed):
    zeros, elsewhere = (take([NONE, second], where=w, seed=seed) for w in (0.0, where))
    assert torch.allclose(signal(zeros), signal(elsewhere), atol=0.2)


@given(shift=SHIFTS, seed=st.integers(0, 99))
def test_with_the_second_body_away_the_first_is_described_as_if_it_were_alone(shift, seed):
    alone = Skeleton("alone", SIDED.joints, SIDED.bones, SIDED.mirror)
    both = take([NONE, ALL], shift, seed=seed)
    expected = describe(
        [Sequence("a", both.positions[:, :JOINTS])], Description(alone, 4, trim=0.05)
    )
    found = signal(both)
    assert torch.allclose(found[:, :JOINTS], expected, atol=0.2)
    assert found[:, JOINTS:].abs().max() < 0.2, "an absent body is at the centre"


def test_recordings_without_an_absent_body_are_described_bit_for_bit_as_beside_none():
    whole = recordings()
    alone = describe(whole, SIGNAL)
    beside = describe([take([NONE, ALL]), *whole], SIGNAL)
    assert torch.equal(beside[1:], alone)


def test_a_recording_in_which_nobody_is_ever_there_is_finite():
    assert signal(take([ALL, ALL])).isfinite().all()


def test_a_body_of_one_joint_is_always_there():
    positions = np.zeros((5, 2, 3))
    assert not absent(positions, 2).any()
    assert absent(np.zeros((5, 4, 3)), 2).all()


@given(st.integers(1, 5), st.floats(0, 0.3), FRAMES, FRAMES, st.integers(0, 99))
def test_the_rule_of_the_generated_c_is_the_same(chunks, trim, first, second, seed):
    s = take([first, second], 500.0, seed=seed)
    expected = chunk_means_of_c(s.positions, chunks, trim, 2)
    found = describe([s], Description(SIDED, chunks, "camera", trim))[0]
    expected -= expected.mean(axis=(0, 1))
    assert found.numpy() == pytest.approx(expected.transpose(1, 0, 2).reshape(6, -1), abs=0.2)


@given(FRAMES, st.integers(0, 99))
def test_varying_a_recording_before_or_after_it_is_cut_into_chunks_is_the_same(second, seed):
    """Exchanged bodies take their absence with them."""
    s = take([NONE, second], seed=seed)
    normal = Normalisation(torch.zeros(6, 12), torch.tensor([1.0]))
    exchanged = np.concatenate([s.positions[:, JOINTS:], s.positions[:, :JOINTS]], axis=1)
    always = Augmentation(mirror=0, exchange=1, rotation=0, scale=0, noise=0, crop=0, tilt=0)
    found = augmented_signal(
        Recordings.of([s], 2), torch.tensor([0]), SIGNAL, normal, always, Draws.of((1,), seeded(0))
    )
    expected = describe([Sequence("x", exchanged)], SIGNAL)
    assert torch.allclose(found, expected, atol=0.2)


def test_an_absent_body_is_seen_by_the_property_above():
    """The guard: as zeros that count, it moves the centre."""
    means = [
        centre(torch.from_numpy(take([NONE, ALL], shift).positions.copy())[None]).mean(1)
        for shift in (0.0, 1000.0)
    ]
    assert not torch.allclose(*means, atol=100)


@given(first=FRAMES, second=FRAMES, shift=SHIFTS)
def test_a_network_says_the_same_of_a_moved_recording_and_so_does_its_c(
    ready, first, second, shift
):
    b, native = ready
    takes = [take([first, second], s) for s in (0.0, shift)]
    with torch.no_grad():
        logits = [b.net(b.signal([t]))[0].numpy() for t in takes]
    compiled = [native.frames(t.positions).logits for t in takes]
    scale = 1 + np.abs(logits[0]).max()
    for found in (logits[1], *compiled):
        assert np.abs(found - logits[0]).max() <= 2e-3 * scale


@pytest.fixture(scope="module")
def ready(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BANDSTOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        b = bundle(keep=0.8)
        yield b, b.compile()
