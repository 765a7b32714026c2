"""The synthetic recordings: what a user, and every benchmark without data, relies on."""

from pathlib import Path

import numpy as np
import pytest

from bandstop.data import load
from bandstop.data.formats import sbu
from bandstop.data.scan import Scan
from bandstop.data.synthetic import variants as synthetic
from bandstop.data.synthetic.kinematics import bump, limb, ramp, turned
from bandstop.errors import BadInput

VARIANTS = sorted(synthetic.VARIANTS)


@pytest.fixture(scope="module", params=VARIANTS)
def clean(request: pytest.FixtureRequest) -> Scan:
    return getattr(synthetic, request.param)(clean=True)


@pytest.fixture(scope="module", params=VARIANTS)
def sensed(request: pytest.FixtureRequest) -> Scan:
    return getattr(synthetic, request.param)()


def bone_lengths(scan: Scan, positions: np.ndarray) -> np.ndarray:
    parents, children = np.array(scan.skeleton.node_bones).T
    return np.linalg.norm(
        positions[:, children].astype(float) - positions[:, parents].astype(float), axis=-1
    )


def test_the_same_seed_gives_the_same_recordings_and_another_seed_gives_others():
    first, again = synthetic.gestures(seed=3).dataset(), synthetic.gestures(seed=3).dataset()
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != synthetic.gestures(seed=4).dataset().fingerprint


@pytest.mark.parametrize(
    ("variant", "first", "last"),
    [
        ("interactions", (26, [771.0, 110.25, 2467.5625]), (19, [-610.75, -1235.25, 2143.75])),
        ("gestures", (21, [32.9375, 33.3125, 366.5]), (22, [59.8125, -47.25, 549.0])),
    ],
)
def test_every_machine_makes_these_recordings(variant: str, first: tuple, last: tuple):
    sequences = synthetic.VARIANTS[variant]().sequences
    assert (sequences[0].frames, sequences[-1].frames) == (first[0], last[0])
    np.testing.assert_allclose(sequences[0].positions[0, 0], first[1], atol=0.1)
    np.testing.assert_allclose(sequences[-1].positions[-1, -1], last[1], atol=0.1)


def test_without_the_sensor_every_bone_keeps_one_length_in_all_recordings_of_a_group(clean: Scan):
    seen: dict[str, list[np.ndarray]] = {}
    for s in clean.sequences:
        seen.setdefault(s.group, []).append(bone_lengths(clean, s.positions))
    for lengths in seen.values():
        everything = np.concatenate(lengths)
        np.testing.assert_allclose(everything, everything[:1].repeat(len(everything), 0), atol=0.02)


def test_groups_differ_in_size(clean: Scan):
    means = {s.group: bone_lengths(clean, s.positions)[0].mean() for s in clean.sequences}
    assert np.ptp(list(means.values())) > 0.05 * np.mean(list(means.values()))


def test_the_sensor_adds_noise_but_the_median_bone_stays_as_long_as_the_clean_one(sensed: Scan):
    quiet = getattr(synthetic, sensed.name.split("-")[1])(clean=True)
    for noisy, exact in list(zip(sensed.sequences, quiet.sequences, strict=True))[::25]:
        measured = np.median(bone_lengths(sensed, noisy.positions), axis=0)
        true = np.median(bone_lengths(quiet, exact.positions), axis=0)
        assert np.all(np.abs(measured - true) < 0.35 * true + 15.0)
        assert np.any(measured != true)


def test_every_class_is_performed_by_every_group(sensed: Scan):
    groups = {s.group for s in sensed.sequences}
    pairs = {(s.group, s.label) for s in sensed.sequences}
    assert pairs == {(g, c) for g in groups for c in range(len(sensed.classes))}


def test_five_folds_test_every_sequence_once_and_nobody_is_on_both_sides(sensed: Scan):
    tested = sorted(i for fold in sensed.folds for i in fold.test)
    assert [fold.name for fold in sensed.folds] == ["1", "2", "3", "4", "5"]
    assert tested == list(range(len(sensed.sequences)))
    for fold in sensed.folds:
        groups = [{sensed.sequences[i].group for i in side} for side in (fold.train, fold.test)]
        assert not groups[0] & groups[1]
        assert {sensed.sequences[i].label for i in fold.test} == set(range(len(sensed.classes)))


def test_interactions_have_the_frames_classes_and_axes_of_sbu():
    scan = synthetic.interactions()
    frames = [s.frames for s in scan.sequences]
    assert min(frames) >= 10
    assert max(frames) <= 46
    assert scan.classes == sbu.CLASSES
    head, foot = 0, 11
    for s in scan.sequences:
        assert s.positions[:, head, 1].mean() > s.positions[:, foot, 1].mean() + 800.0
        assert 1200.0 < s.positions[..., 2].mean() < 3600.0


def test_people_stand_apart_with_the_left_side_where_a_camera_would_see_it():
    for s in synthetic.interactions(clean=True).sequences:
        if s.name.split("/")[1] != "shaking hands":
            continue
        first, left, right = s.positions[0, 2], s.positions[0, 3], s.positions[0, 6]
        forward = s.positions[0, 17] - first
        across = (left - right).astype(float)
        assert np.hypot(forward[0], forward[2]) > 500.0
        assert across[0] * forward[2] - across[2] * forward[0] < 0.0


def test_swipes_go_the_way_their_class_says():
    scan = synthetic.gestures()
    for label, sign in ((0, -1.0), (1, 1.0)):
        moved = [
            s.positions[s.frames // 2 :, 0, 0].mean() - s.positions[: s.frames // 3, 0, 0].mean()
            for s in scan.sequences
            if s.label == label
        ]
        assert sign * np.median(moved) > 20.0


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("synthetic", "synthetic-interactions"),
        ("synthetic:interactions", "synthetic-interactions"),
        ("synthetic:gestures", "synthetic-gestures"),
    ],
)
def test_a_spec_names_the_variant_and_the_first_is_the_default(spec: str, name: str):
    assert load(spec).name == name


def test_an_unknown_variant_is_refused_with_the_nearest_name():
    with pytest.raises(BadInput, match="'gesture'; did you mean 'gestures'"):
        load("synthetic:gesture")
    with pytest.raises(BadInput, match="there are interactions, gestures"):
        synthetic.scan(Path("xyz"))


def test_a_limb_reaches_a_target_in_reach_and_points_at_one_out_of_reach():
    root = np.zeros((2, 3))
    target = np.array([[300.0, 0.0, 0.0], [900.0, 0.0, 0.0]])
    middle, end = limb(root, target, 250.0, 200.0, np.array([0.0, 1.0, 0.0]))
    np.testing.assert_allclose(end[0], target[0], atol=1e-9)
    assert 400.0 < end[1, 0] < 450.0
    np.testing.assert_allclose(np.linalg.norm(middle, axis=1), 250.0)
    np.testing.assert_allclose(np.linalg.norm(end - middle, axis=1), 200.0)
    assert np.all(middle[:, 1] > 0.0)


def test_curves_stay_between_nothing_and_everything():
    t = np.linspace(-1.0, 2.0, 50)
    assert ramp(t, 0.0, 1.0)[0] == 0.0
    assert ramp(t, 0.0, 1.0)[-1] == 1.0
    assert np.all((bump(t, 0.0, 0.3, 0.5, 0.9) >= 0.0) & (bump(t, 0.0, 0.3, 0.5, 0.9) <= 1.0))
    assert bump(np.array([0.4]), 0.0, 0.3, 0.5, 0.9)[0] == 1.0


def test_turning_by_a_quarter_takes_z_to_x_and_keeps_height():
    np.testing.assert_allclose(
        turned(np.array([0.0, 7.0, 2.0]), np.pi / 2), [2.0, 7.0, 0.0], atol=1e-12
    )
