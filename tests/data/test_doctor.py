"""The data doctor on healthy recordings, and on one fault at a time."""

import json
from pathlib import Path

import numpy as np
import pytest

from bandstop.data import scan
from bandstop.data.doctor import Examination, detect, examine, lines, orders
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


# --- what there is to learn from -------------------------------------------------------------------

PAIR = Skeleton("pair", ARMS.joints, ARMS.bones, ARMS.mirror, bodies=2)


def pairs(second: str = "there") -> list[Sequence]:
    """Two bodies; the second somewhere else, or zeros, or the first again."""
    found = []
    for i, s in enumerate(healthy()):
        other = {"there": healthy()[i - 1].positions + np.float32(900), "same": s.positions,
                 "zeros": np.zeros_like(s.positions),
                 "elsewhere": np.full_like(s.positions, -1280)}  # fmt: skip
        found.append(Sequence(s.name, np.concatenate([s.positions, other[second]], 1), i % 2))
    return found


def test_two_bodies_that_are_there_are_nothing_to_look_at():
    assert checks(examined(pairs(), skeleton=PAIR)) == []


@pytest.mark.parametrize("where", ["zeros", "elsewhere"])
def test_an_absent_body_is_named_and_is_no_question_of_units_or_bones(where):
    e = examined(pairs(where), skeleton=PAIR)
    assert checks(e) == ["absent body"]
    assert "body 2 is absent" in e.findings[0].words
    assert "in 8 sequences" in e.findings[0].words
    assert e.bones[0].median == pytest.approx(300.0, abs=0.1)
    assert "unit" not in " ".join(lines(e)[6:])


def test_a_body_that_is_absent_now_and_then_is_lost_in_those_frames_and_makes_no_jumps():
    s = pairs()
    s[3] = changed(s[3], slice(2, 5), slice(5, 10), 0.0)
    e = examined(s, skeleton=PAIR)
    assert "absent body" not in checks(e)
    assert "jumps" not in checks(e)
    assert ("lost frames", ("r3: 3 of 8",)) in [(f.check, f.where) for f in e.findings]


def test_two_bodies_that_are_one_and_the_same_are_found():
    e = examined(pairs("same"), skeleton=PAIR)
    assert checks(e) == ["twin bodies"]
    assert e.findings[0].where[0] == "r0: bodies 1 and 2"


@pytest.mark.parametrize("value", ["zeros", "ones", "one pose", "one pose at many places"])
def test_where_nothing_moves_and_all_are_alike_the_data_is_unfit(value):
    rng = np.random.default_rng(0)
    pose = {"zeros": np.zeros((5, 3)), "ones": np.ones((5, 3))}.get(value, REST)
    places = rng.integers(0, 99, (8, 3)) if "many" in value else np.zeros((8, 3))
    s = [Sequence(f"r{i}", np.tile(pose + places[i], (6, 1, 1)), i % 2) for i in range(8)]
    e = examined(s)
    assert any("nothing moves" in problem for problem in e.problems)
    assert e.verdict.startswith("not usable as it is")


def test_held_poses_that_differ_are_looked_at_and_not_refused():
    rng = np.random.default_rng(0)
    s = [
        Sequence(f"r{i}", np.tile(REST + 9 * rng.normal(size=(5, 3)), (6, 1, 1)), i % 2)
        for i in range(8)
    ]
    e = examined(s)
    assert e.problems == ()
    assert "still" in checks(e)


@pytest.mark.parametrize(
    ("counts", "said"), [((30, 2, 2), True), ((10, 3, 2), True), ((10, 9, 3), False)]
)
def test_classes_far_rarer_than_others_are_named_with_a_remedy(counts, said):
    labels = [k for k, n in enumerate(counts) for _ in range(n)]
    s = [recording(f"r{i}", i, k) for i, k in enumerate(labels)]
    e = examine(Scan("x", ARMS, ("a", "b", "c"), s))
    found = [f for f in e.findings if f.check == "imbalance"]
    assert bool(found) == said
    if said:
        assert "--class-weights balanced" in found[0].words
        assert found[0].where[-1].startswith(("b", "c"))


def test_a_recording_far_longer_than_the_rest_is_pointed_at():
    s = [*healthy(), recording("endless", 9, 0, frames=400)]
    e = examined(s)
    assert ("length", ("endless: 400 frames",)) in [(f.check, f.where) for f in e.findings]
    s[-1] = recording("longer", 9, 0, frames=80)
    assert "length" not in checks(examined(s))


def test_a_confidence_in_place_of_a_depth_is_recognised():
    rng = np.random.default_rng(0)
    s = []
    for h in healthy():
        p = h.positions.copy()
        p[..., 2] = rng.uniform(0.4, 1, p.shape[:2])
        s.append(Sequence(h.name, p, h.label))
    e = examined(s)
    assert "positions[..., 2] = 0" in next(f.words for f in e.findings if f.check == "confidence")
    assert "confidence" not in checks(examined(healthy()))


def test_every_repeated_pair_across_a_split_is_shown_and_of_the_others_how_many_more():
    s = [recording(f"r{i}", i % 20, i // 20, f"p{i // 20}") for i in range(40)]
    folds = (Fold("1", tuple(range(20)), tuple(range(20, 40))),)
    text = lines(examined(s, folds))
    assert sum(line.endswith(": fold 1") for line in text) == 20
    assert "  … and 17 more, all of them with --json" in text


# --- the order of the joints -----------------------------------------------------------------------

KNOWN = {"sbu": "synthetic:interactions", "hand21": "synthetic:gestures"}


def reordered(found: Scan, order: np.ndarray, count: int = 60) -> Scan:
    bodies, n = found.skeleton.bodies, len(order)
    nodes = np.concatenate([b * n + order for b in range(bodies)])
    some = [Sequence(s.name, s.positions[:, nodes], s.label) for s in found.sequences[:count]]
    return Scan("x", found.skeleton, found.classes, some)


def order_finding(found: Scan) -> str:
    return next((f.words for f in examine(found).findings if f.check == "joint order"), "")


@pytest.mark.parametrize("layout", KNOWN)
def test_joints_in_the_right_order_are_not_suspected(layout):
    found = scan(KNOWN[layout])
    assert found.skeleton.name == layout
    assert order_finding(reordered(found, np.arange(len(found.skeleton.joints)))) == ""


@pytest.mark.parametrize("layout", KNOWN)
@pytest.mark.parametrize("seed", range(8))
def test_joints_in_any_other_order_are_suspected_and_the_unit_is_not(layout, seed):
    found = scan(KNOWN[layout])
    order = np.random.default_rng(seed).permutation(len(found.skeleton.joints))
    e = examine(reordered(found, order, 20))
    words = {f.check: f.words for f in e.findings}
    assert "the joints do not hang together" in words["joint order"]
    assert "unit" not in words.get("bone length", "")


@pytest.mark.parametrize("named", [o for o in orders.ORDERS if o.to])
def test_a_known_order_is_named_with_the_way_back(named):
    for layout, there in named.to.items():
        if there == tuple(range(len(there))):
            continue
        found = scan(KNOWN[layout])
        theirs = np.argsort(there)  # the recording as it would be in their order
        words = order_finding(reordered(found, theirs))
        assert f"in the order of {named.name} they do" in words
        back = reordered(reordered(found, theirs), np.array(there))
        np.testing.assert_array_equal(back.sequences[0].positions, found.sequences[0].positions)
        if found.skeleton.bodies == 1:
            assert f"positions[:, {list(there)}]" in words


def test_every_known_order_is_a_tree_over_its_joints():
    for named in orders.ORDERS:
        bones = tuple((p, j) for j, p in enumerate(named.parents) if p >= 0)
        count = len(named.parents)
        assert len(bones) == count - 1
        Skeleton("x", tuple(map(str, range(count))), bones, tuple(range(count)))
        for there in named.to.values():
            assert sorted(there) == list(range(count))
