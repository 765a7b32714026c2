"""The data doctor on healthy recordings, and on one fault at a time."""

import json
from pathlib import Path

import numpy as np
import pytest

from bandstop.data import scan
from bandstop.data.doctor import Examination, detect, examine, lines
from bandstop.data.formats import fpha
from bandstop.data.formats.csv_folder import write_csv
from bandstop.data.formats.npz import write_npz
from bandstop.data.scan import Scan
from bandstop.data.sequence import Dataset, Fold, Sequence
from bandstop.data.synthetic import variants as synthetic
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

ARMS = Skeleton(
    "arms",
    ("chest", "left elbow", "left hand", "right elbow", "right hand"),
    ((0, 1), (1, 2), (0, 3), (3, 4)),
    (0, 3, 4, 1, 2),
)
REST = np.array([[0, 0, 0], [300, 0, 0], [550, 0, 0], [-300, 0, 0], [-550, 0, 0]], float)


def recording(name: str, seed: int, label: int = 0, group: str = "", frames: int = 8) -> Sequence:
    """Arms that drift as a whole, so that every frame differs and every bone keeps its length."""
    drift = np.random.default_rng(seed).normal(0.0, 20.0, (frames, 1, 3)).cumsum(axis=0)
    return Sequence(name, REST + drift, label, group)


def healthy() -> list[Sequence]:
    return [recording(f"r{i}", i, i % 2, f"p{i // 2}") for i in range(8)]


def examined(sequences: list[Sequence], folds: tuple[Fold, ...] = (), **more) -> Examination:
    return examine(Scan("x", more.pop("skeleton", ARMS), ("rest", "lift"), sequences, folds=folds))


def checks(examination: Examination) -> list[str]:
    return [finding.check for finding in examination.findings]


def changed(s: Sequence, frames: slice | int, nodes: slice | int, value: object) -> Sequence:
    positions = s.positions.copy()
    positions[frames, nodes] = value
    return Sequence(s.name, positions, s.label, s.group)


FOLD = (Fold("1", (0, 1, 2, 3), (4, 5, 6, 7)),)


def test_healthy_recordings_have_no_findings_and_are_counted():
    e = examined(healthy(), FOLD)
    assert e.findings == ()
    assert e.problems == ()
    assert e.frames == (8, 8.0, 8)
    assert e.classes == {"rest": 4, "lift": 4}
    assert e.groups == {"p0": 2, "p1": 2, "p2": 2, "p3": 2}
    assert e.folds == (("1", 4, 4),)
    assert e.verdict == "fit to train on"


def test_bones_are_measured_in_the_unit_of_the_skeleton():
    bones = {b.name: b for b in examined(healthy()).bones}
    assert bones["chest - left elbow"].median == pytest.approx(300.0, abs=0.1)
    assert bones["left elbow - left hand"].median == pytest.approx(250.0, abs=0.1)
    assert bones["chest - left elbow"].variation < 1e-3


def test_a_repeated_recording_is_found_and_above_all_across_a_split():
    s = healthy()
    s[6] = Sequence("again", s[0].positions, 1, "p3")
    e = examined(s, FOLD)
    assert checks(e) == ["repeated across a split", "repeated"]
    assert e.findings[0].where == ("r0 = again, labels differ: fold 1",)
    s[6] = Sequence("again", s[4].positions, 0, "p3")
    assert checks(examined(s, FOLD)) == ["repeated"]


def test_a_recording_that_is_cut_out_of_another_is_found_and_a_few_shared_frames_are_not():
    s = healthy()
    s[6] = Sequence("cut", s[0].positions[2:6], 0, "p3")
    e = examined(s, FOLD)
    assert checks(e) == ["repeated across a split", "overlapping"]
    assert e.findings[1].where == ("r0 ~ cut (4 frames in common)",)
    mixed = np.concatenate([s[0].positions[:3], s[7].positions[3:]])
    s[6] = Sequence("mixed", mixed, 0, "p3")
    assert "r0" not in "".join(w for f in examined(s).findings for w in f.where)


def test_frozen_and_lost_frames_are_counted():
    s = healthy()
    s[0] = changed(s[0], slice(3, 5), slice(None), s[0].positions[2])
    assert checks(examined(s)) == ["frozen frames"]
    assert examined(s).findings[0].where == ("r0: 2 of 8",)
    s = healthy()
    s[0] = changed(s[0], 4, slice(None), 0.0)
    assert "lost frames" in checks(examined(s))


def test_a_lost_body_is_found_beside_a_tracked_one():
    pair = Skeleton("pair", ARMS.joints, ARMS.bones, ARMS.mirror, bodies=2)
    positions = np.concatenate([healthy()[0].positions, healthy()[1].positions + 9], axis=1)
    positions[5, 5:] = -1280.0
    e = examined([Sequence("two", positions, 0)], skeleton=pair)
    assert "lost frames" in checks(e)


def test_bones_of_another_unit_are_outside_the_human_range():
    metres = [Sequence(s.name, s.positions / 1000.0, s.label, s.group) for s in healthy()]
    e = examined(metres)
    assert checks(e) == ["bone length"]
    assert "is the unit right?" in e.findings[0].words
    assert "chest - left elbow is 0.3 mm" in e.findings[0].where[0]
    right = Skeleton("arms", ARMS.joints, ARMS.bones, ARMS.mirror, unit="m")
    assert checks(examined(metres, skeleton=right)) == []


def test_an_arm_much_shorter_than_the_other_is_found_and_a_little_shorter_is_not():
    s = healthy()
    s[2] = changed(s[2], slice(None), 4, s[2].positions[:, 3] - np.array([150.0, 0, 0], "f4"))
    e = examined(s)
    assert checks(e) == ["asymmetry"]
    assert e.findings[0].where == (
        "r2: left elbow - left hand 250, right elbow - right hand 150 mm",
    )
    s[2] = changed(s[2], slice(None), 4, s[2].positions[:, 3] - np.array([210.0, 0, 0], "f4"))
    assert checks(examined(s)) == []


def test_a_bone_that_breathes_is_found():
    s = healthy()
    stretch = np.where(np.arange(8) % 2, 120.0, 380.0)[:, None] * np.array([-1.0, 0.0, 0.0])
    s[3] = changed(s[3], slice(None), 4, s[3].positions[:, 3] + stretch)
    assert "bone variation" in checks(examined(s))


def test_a_joint_that_jumps_is_found_and_a_body_that_moves_is_not():
    s = healthy()
    s[1] = changed(s[1], 5, 2, s[1].positions[5, 2] + np.array([0.0, 900.0, 0.0], "f4"))
    e = examined(s)
    assert "jumps" in checks(e)
    assert "r1: left hand by 900 mm after frame" in e.findings[-1].where[0]
    s = healthy()
    walk = 400.0 * np.arange(8)[:, None, None] * np.array([0.0, 0.0, 1.0])
    s[1] = Sequence("r1", s[1].positions + walk, 1, "p0")
    assert checks(examined(s)) == []
    s[1] = Sequence("r1", s[1].positions + 4 * walk, 1, "p0")
    assert checks(examined(s)) == ["jumps"]


def test_a_group_on_both_sides_an_untrained_class_and_an_empty_class_are_found():
    s = healthy()
    e = examined(s, (Fold("1", (0, 2, 4), (1, 3, 6)),))
    assert checks(e) == ["groups on both sides", "untrained classes"]
    assert e.findings[0].where == ("fold 1: p0, p1",)
    assert e.findings[1].where == ("fold 1: 'lift'",)
    assert checks(examined([x for x in s if x.label == 0])) == ["empty classes"]


def test_repeated_names_another_skeletons_recording_and_nothing_at_all_are_problems():
    s = healthy()
    s[1] = Sequence("r0", s[1].positions, 1)
    assert "2 sequences are named 'r0'" in examined(s).problems[0]
    s[1] = Sequence("r1", s[1].positions[:, :4], 1)
    e = examined(s, FOLD)
    assert "has 4 nodes" in e.problems[0]
    assert e.sequences == 7
    assert "holds no sequences" in examined([]).problems[0]


def test_the_verdict_says_what_hinders():
    s = healthy()
    assert "no split" in examined(s).verdict
    assert "at least two classes" in examined([x for x in s if x.label == 0]).verdict
    bad = examine(Scan("x", ARMS, ("rest",), s[:1], problems=["a", "b"]))
    assert bad.verdict.startswith("not usable as it is: 2 problems")


def test_the_examination_is_plain_data_and_reads_from_counts_to_verdict():
    s = healthy()
    s[6] = Sequence("again", s[0].positions, 0, "p3")
    e = examine(Scan("x", ARMS, ("rest", "lift"), s, problems=["f: bad"], notes=["n"], folds=FOLD))
    assert json.loads(json.dumps(e.to_dict()))["classes"] == {"rest": 4, "lift": 4}
    text = lines(e)
    assert text[0] == "x: 8 sequences of 5 nodes (skeleton arms, mm)"
    assert "note: n" in text
    assert "problem: f: bad" in text
    assert any(line.startswith("look at: repeated across a split") for line in text)
    assert text[-1].startswith("verdict: not usable")


def test_long_lists_are_cut_and_say_so():
    s = [Sequence(f"r{i}", healthy()[0].positions, i % 2) for i in range(6)]
    e = examine(Scan("x", ARMS, ("rest", "lift"), s, problems=[f"p{i}" for i in range(12)]))
    text = "\n".join(lines(e))
    assert "… and 12 more" in text
    assert "… and 2 more problems" in text


@pytest.mark.parametrize("variant", sorted(synthetic.VARIANTS))
def test_synthetic_recordings_are_fit_to_train_on(variant: str):
    e = examine(scan(f"synthetic:{variant}"))
    assert e.verdict.startswith("fit to train on")
    assert set(checks(e)) <= {"asymmetry", "bone variation", "jumps"}


def test_the_format_of_a_bare_path_is_detected(tmp_path: Path):
    data = Dataset("x", ARMS, ("rest", "lift"), tuple(healthy()), ())
    write_npz(data, tmp_path / "a.dat")
    write_csv(data, tmp_path / "folder")
    take = tmp_path / "sbu/s01s02/01/001/skeleton_pos.txt"
    take.parent.mkdir(parents=True)
    take.write_text("")
    (tmp_path / "hands" / fpha.POSES).mkdir(parents=True)
    assert detect(tmp_path / "a.dat") == f"npz:{tmp_path / 'a.dat'}"
    assert detect(str(tmp_path / "folder")) == f"csv:{tmp_path / 'folder'}"
    assert detect(tmp_path / "sbu") == f"sbu:{tmp_path / 'sbu'}"
    assert detect(tmp_path / "hands") == f"fpha:{tmp_path / 'hands'}"
    assert detect(tmp_path / "hands" / fpha.POSES).startswith("fpha:")


def test_a_path_in_which_nothing_fits_is_refused_with_what_would(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "empty").mkdir()
    with pytest.raises(
        BadInput, match=r"holds nothing that is known; give a folder with index\.csv"
    ):
        detect(tmp_path / "empty")
    with pytest.raises(BadInput, match=r"is a file, but no \.npz"):
        detect(tmp_path / "notes.txt")
    with pytest.raises(BadInput, match="does not exist"):
        detect(tmp_path / "nowhere")
    write_csv(Dataset("x", ARMS, ("rest", "lift"), tuple(healthy()), ()), tmp_path / "mine")
    with pytest.raises(BadInput, match="mine looks like csv: give csv:"):
        detect(tmp_path)
