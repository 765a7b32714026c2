"""Augmentation: what each operation keeps, and that they may be done before or after averaging."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import SIDED, recordings, seeded

from bandstop.data import Sequence
from bandstop.data.augment import (
    LARGEST,
    NONE,
    Augmentation,
    Draws,
    augmented_signal,
    exchange,
    mirror,
    reorder,
    rotations,
    scale,
)
from bandstop.data.describe import Description, Recordings, centre, chunk_means, describe, rotate
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

HAND = Skeleton("hand", ("wrist", "tip"), ((0, 1),), (0, 1))
SKELETONS = [SIDED, HAND, Skeleton("z up", ("a", "b", "c"), (), (0, 2, 1), up=2, side=1)]
CAMERA = Description(SIDED, 4, "camera")


def positions(skeleton: Skeleton = SIDED, batch: int = 5, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, 3, skeleton.nodes, 3, generator=seeded(seed))


def distances(p: torch.Tensor) -> torch.Tensor:
    """Between any two nodes in a chunk."""
    return torch.cdist(p, p)


def varied(
    settings: Augmentation, seed: int = 0, description: Description = CAMERA
) -> torch.Tensor:
    takes = recordings(skeleton=description.skeleton)
    return augmented_signal(
        Recordings.of(takes), torch.arange(len(takes)), description,
        Normalisation.of(describe(takes, description)), settings,
        Draws.of((len(takes),), seeded(seed)),
    )  # fmt: skip


def plain(description: Description = CAMERA) -> torch.Tensor:
    signals = describe(recordings(skeleton=description.skeleton), description)
    return Normalisation.of(signals)(signals)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda s: s.name)
@pytest.mark.parametrize("operation", [mirror, exchange])
def test_mirroring_and_exchanging_twice_changes_nothing(operation, skeleton):
    p = positions(skeleton)
    assert torch.equal(operation(operation(p, skeleton), skeleton), p)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=lambda s: s.name)
@pytest.mark.parametrize("operation", [mirror, exchange])
def test_mirroring_and_exchanging_keep_every_distance_up_to_the_nodes_names(operation, skeleton):
    p = positions(skeleton)
    before, after = distances(p).flatten(2), distances(operation(p, skeleton)).flatten(2)
    assert torch.allclose(before.sort().values, after.sort().values, atol=1e-4)


def test_a_mirrored_left_hand_is_the_right_hand_with_the_side_negated():
    p = positions()
    m = mirror(p, SIDED)
    side = torch.tensor([-1.0, 1.0, 1.0])
    assert torch.equal(m[:, :, 1], p[:, :, 2] * side)
    assert torch.equal(m[:, :, 4], p[:, :, 5] * side)
    assert torch.equal(m[:, :, 0], p[:, :, 0] * side)


def test_exchanged_bodies_change_places_joint_by_joint():
    p = positions()
    assert torch.equal(exchange(p, SIDED), torch.cat([p[:, :, 3:], p[:, :, :3]], dim=2))


def test_where_there_is_one_body_exchanging_changes_nothing():
    p = positions(HAND)
    assert torch.equal(exchange(p, HAND), p)


def test_only_the_chosen_samples_are_reordered():
    p = positions()
    mirrored = torch.tensor([True, False, True, False, False])
    exchanged = torch.tensor([True, False, False, True, False])
    got = reorder(p, SIDED, mirrored, exchanged)
    expected = [
        exchange(mirror(p[:1], SIDED), SIDED), p[1:2], mirror(p[2:3], SIDED),
        exchange(p[3:4], SIDED), p[4:],
    ]  # fmt: skip
    assert torch.equal(got, torch.cat(expected))


@pytest.mark.parametrize("up", [0, 1, 2])
@given(degrees=st.floats(-360, 360), seed=st.integers(0, 99))
def test_rotation_keeps_distances_the_vertical_and_handedness(up, degrees, seed):
    p = positions(seed=seed)
    angle = torch.full((5,), degrees * math.pi / 180)
    r = rotate(p, up, angle)
    assert torch.allclose(r[..., up], p[..., up])
    assert torch.allclose(r.norm(dim=-1), p.norm(dim=-1), atol=1e-4)
    assert torch.allclose((r[:, :, 1:] - r[:, :, :-1]).norm(dim=-1),
                          (p[:, :, 1:] - p[:, :, :-1]).norm(dim=-1), atol=1e-4)  # fmt: skip
    volume = [torch.linalg.det(x[:, 0, :3]) for x in (p, r)]
    assert torch.allclose(volume[0], volume[1], atol=1e-3)


@given(st.floats(-180, 180), st.floats(-180, 180))
def test_rotations_add_up_and_a_full_turn_changes_nothing(one, other):
    p = positions()

    def turned(p, degrees):
        return rotate(p, 1, torch.full((5,), degrees * math.pi / 180))

    assert torch.allclose(turned(turned(p, one), other), turned(p, one + other), atol=1e-4)
    assert torch.allclose(turned(p, 360.0), p, atol=1e-4)


def test_each_sample_is_turned_by_its_own_angle():
    p = positions(batch=2)
    r = rotate(p, 1, torch.tensor([0.0, math.pi]))
    assert torch.allclose(r[0], p[0])
    assert torch.allclose(r[1], p[1] * torch.tensor([-1.0, 1.0, -1.0]), atol=1e-5)


def test_scaling_scales_every_distance_by_its_samples_factor():
    p, factor = positions(), torch.tensor([0.5, 1.0, 2.0, 1.1, 0.9])
    expected = distances(p) * factor[:, None, None, None]
    assert torch.allclose(distances(scale(p, factor)), expected, rtol=1e-4, atol=1e-4)


@given(st.integers(0, 99), st.floats(-180, 180), st.floats(0.5, 2), st.booleans(), st.booleans())
def test_what_is_done_to_averages_could_be_done_to_every_frame(
    seed, degrees, size, mirrored, exchanged
):
    (take,) = recordings(1, seed=seed)
    one = torch.ones(1)

    def vary(p: torch.Tensor) -> torch.Tensor:
        p = reorder(p, SIDED, (one * mirrored).bool(), (one * exchanged).bool())
        return scale(rotate(p, SIDED.up, one * degrees * math.pi / 180), one * size)

    def means(t: Sequence) -> torch.Tensor:
        return chunk_means(Recordings.of([t]), torch.tensor([0]), 4)

    frames = vary(torch.from_numpy(take.positions.copy())[None])[0]
    before, after = means(Sequence("varied", frames.numpy())), vary(means(take))
    assert torch.allclose(centre(before), centre(after), atol=5e-3)


# --- the recipe ------------------------------------------------------------------------------


def test_with_every_setting_at_zero_signals_are_as_they_are():
    assert torch.allclose(varied(NONE), plain(), atol=1e-5)


def test_the_same_generator_gives_the_same_signals_and_another_others():
    full = Augmentation()
    assert torch.equal(varied(full, 3), varied(full, 3))
    assert not torch.allclose(varied(full, 3), varied(full, 4), atol=1e-2)


@pytest.mark.parametrize("name", LARGEST)
def test_each_setting_alone_changes_signals(name):
    alone = dict.fromkeys(LARGEST, 0.0) | {
        name: LARGEST[name] / 2 if LARGEST[name] > 1 else LARGEST[name]
    }
    assert not torch.allclose(varied(Augmentation(**alone)), plain(), atol=1e-2)


def test_noise_has_the_standard_deviation_that_was_asked_for():
    noise = varied(Augmentation(0, 0, 0, 0, 0.3, 0, 0)) - plain()
    assert float(noise.std()) == pytest.approx(0.3, rel=0.15)


def test_sizes_spread_as_much_as_was_asked_for_and_about_1():
    takes = recordings(1) * 500
    ratios = augmented_signal(
        Recordings.of(takes), torch.arange(500), CAMERA,
        Normalisation(torch.zeros(6, 12), torch.tensor([1.0])),
        Augmentation(0, 0, 0, 0.2, 0, 0, 0), Draws.of((500,), seeded(0)),
    ).flatten(1).norm(dim=1)  # fmt: skip
    alone = describe(takes[:1], CAMERA).flatten(1).norm(dim=1)
    spread = (ratios / alone).log()
    assert float(spread.std()) == pytest.approx(0.2, rel=0.15)
    assert float(spread.mean()) == pytest.approx(0, abs=0.04)


def test_about_as_many_are_mirrored_as_was_asked_for():
    takes = recordings(1) * 400
    description = CAMERA
    normal = Normalisation(torch.zeros(6, 12), torch.tensor([1.0]))
    got = augmented_signal(
        Recordings.of(takes), torch.arange(400), description, normal,
        Augmentation(0.25, 0, 0, 0, 0, 0, 0), Draws.of((400,), seeded(0)),
    )  # fmt: skip
    unchanged = torch.isclose(got, describe(takes[:1], description), atol=1e-4).flatten(1).all(1)
    assert float(unchanged.float().mean()) == pytest.approx(0.75, abs=0.07)


def test_crops_never_reach_beyond_what_was_asked_for():
    """A coordinate that is time itself shows where the crop began and ended."""
    frames = 1000
    positions = np.zeros((frames, 6, 3), dtype=np.float32)
    positions[:, 0, 0] = np.arange(frames) / frames
    take = Sequence("clock", positions)
    many = augmented_signal(
        Recordings.of([take]), torch.zeros(300, dtype=torch.long), Description(SIDED, 10, "camera"),
        Normalisation(torch.zeros(6, 30), torch.tensor([1.0])),
        Augmentation(0, 0, 0, 0, 0, crop=0.2, tilt=0), Draws.of((300,), seeded(0)),
    )  # fmt: skip
    # node 0 against node 1 undoes the centring; chunk averages are the middles of tenths
    first, last = ((many[:, 0, 3 * k] - many[:, 1, 3 * k]) for k in (0, 9))
    duration = (last - first) / 0.9
    assert float(duration.min()) >= 0.6 - 1e-3
    assert float(duration.max()) <= 1 + 1e-3
    assert float(duration.max() - duration.min()) > 0.2


def test_hands_are_never_mirrored():
    description = Description(HAND, 4, "camera")
    only_mirror = Augmentation(1, 0, 0, 0, 0, 0, 0)
    assert torch.allclose(
        varied(only_mirror, description=description), plain(description), atol=1e-5
    )


def test_settings_out_of_range_are_all_named_at_once():
    with pytest.raises(BadInput) as error:
        Augmentation(mirror=2, rotation=-1, crop=0.5, noise=math.nan)
    assert all(
        word in str(error.value) for word in ("4 problems", "mirror", "rotation", "crop", "noise")
    )


@given(st.integers(0, 2), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_tilt_turns_about_a_horizontal_axis_by_at_most_its_angle(up, angle, tilt, way):
    settings = Augmentation(rotation=0.0, tilt=20.0)
    one = torch.ones(1, dtype=torch.float64)
    matrix = rotations(up, settings, angle * one, tilt * one, way * one)[0]
    identity = torch.eye(3, dtype=torch.float64)
    assert torch.allclose(matrix @ matrix.T, identity, atol=1e-9)
    assert torch.det(matrix) == pytest.approx(1)
    turned_by = math.degrees(math.acos(min(1.0, max(-1.0, (float(matrix.trace()) - 1) / 2))))
    assert turned_by == pytest.approx(20 * abs(2 * tilt - 1), abs=1e-4)
    assert float(matrix[up, up]) == pytest.approx(math.cos(math.radians(turned_by)), abs=1e-9)


def test_without_a_tilt_the_vertical_stays():
    draws = torch.rand(3, 50, dtype=torch.float64)
    matrix = rotations(1, Augmentation(tilt=0.0), *draws)
    assert torch.allclose(matrix[:, 1, 1], torch.ones(50, dtype=torch.float64))
