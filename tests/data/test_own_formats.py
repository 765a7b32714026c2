"""The two formats for users' own recordings: npz and a folder of CSV files."""

import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bandstop.data import load
from bandstop.data.folds import five_folds
from bandstop.data.formats import csv_folder, npz
from bandstop.data.formats.csv_folder import write_csv
from bandstop.data.formats.npz import write_npz
from bandstop.data.sequence import Dataset, Fold, Sequence
from bandstop.data.synthetic import variants as synthetic
from bandstop.errors import BadInput, Failure
from bandstop.files import beside
from bandstop.skeleton import Skeleton

ARM = Skeleton("arm", ("shoulder", "elbow", "hand"), ((0, 1), (1, 2)), (0, 1, 2), unit="cm")
CLASSES = ("rest", "lift")


def positions(frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 30.0, (frames, 3, 3)).astype(np.float32)


def dataset(folds: tuple[Fold, ...] = ()) -> Dataset:
    sequences = tuple(Sequence(f"s/{i}", positions(3 + i, i), i % 2, f"p{i}") for i in range(6))
    return Dataset("arm", ARM, CLASSES, sequences, folds)


ONE = (Fold("1", (0, 2, 5), (1, 3)),)
THREE = (
    Fold("2", (2, 3, 4, 5), (0, 1)),
    Fold("10", (0, 1, 4, 5), (2, 3)),
    Fold("x", (0, 1, 2, 3), (4, 5)),
)


def arrays(**changes: object) -> dict[str, object]:
    """What a user writes with three lines of numpy; `None` takes an array away."""
    values: dict[str, object] = {
        "positions": positions(12),
        "lengths": [3, 4, 5],
        "labels": ["rest", "lift", "rest"],
        "skeleton_json": json.dumps(ARM.to_dict()),
    } | changes
    return {key: value for key, value in values.items() if value is not None}


def saved(path: Path, **changes: object) -> Path:
    np.savez(path, **arrays(**changes))
    return path


def csv_text(frames: int = 3, skeleton: Skeleton = ARM) -> str:
    rows = [csv_folder.header_of(skeleton)]
    rows += [[str(k + 0.5 * f) for k in range(len(rows[0]))] for f in range(frames)]
    return "\n".join(",".join(row) for row in rows) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "own"
    (root / "take").mkdir(parents=True)
    (root / "index.csv").write_text(
        "file,label,group,split\na.csv,rest,ann,train\ntake/b.csv,lift,bob,test\n"
    )
    (root / "skeleton.json").write_text(json.dumps(ARM.to_dict()))
    (root / "a.csv").write_text(csv_text(2))
    (root / "take/b.csv").write_text(csv_text(3))
    return root


# --- both ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "write"), [("npz", write_npz), ("csv", write_csv)])
@pytest.mark.parametrize("folds", [(), ONE, THREE], ids=["no folds", "one fold", "three folds"])
def test_what_is_written_is_read_back_equal(
    tmp_path: Path, kind: str, write: Callable[[Dataset, Path], None], folds: tuple[Fold, ...]
):
    data = dataset(folds)
    write(data, tmp_path / "arm.npz")
    back = load(kind, tmp_path / "arm.npz")
    assert back.fingerprint == data.fingerprint
    assert back.skeleton == data.skeleton
    assert back.folds == data.folds


@pytest.mark.parametrize(("kind", "write"), [("npz", write_npz), ("csv", write_csv)])
def test_synthetic_recordings_survive_the_round_trip(
    tmp_path: Path, kind: str, write: Callable[[Dataset, Path], None]
):
    data = synthetic.gestures().dataset()
    write(data, tmp_path / "gestures")
    assert load(kind, tmp_path / "gestures").fingerprint == data.fingerprint


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.floats(-(2.0**90), 2.0**90, width=32), min_size=18, max_size=18),
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8),
)
def test_any_coordinate_and_any_printable_name_survive_both_formats(
    tmp_path_factory: pytest.TempPathFactory, values: list[float], name: str
):
    s = Sequence(name, np.array(values).reshape(2, 3, 3), None, name)
    data = Dataset("one", ARM, (name, name + "2"), (s,), ())
    folder = tmp_path_factory.mktemp("round")
    write_npz(data, folder / "one.npz")
    write_csv(data, folder / "one")
    assert load("npz", folder / "one.npz").fingerprint == data.fingerprint
    assert load("csv", folder / "one").fingerprint == data.fingerprint


@pytest.mark.parametrize("write", [write_npz, write_csv])
@pytest.mark.parametrize(
    "folds",
    [
        (Fold("test", (0,), (1,)),),
        (Fold("a", (0, 1), (2,)), Fold("b", (0, 1), (3,))),
        (Fold("a", (0, 1), (2,)), Fold("b", (0, 1, 3), (2,))),
    ],
)
def test_folds_that_no_column_can_describe_are_not_written(
    tmp_path: Path, write: Callable[[Dataset, Path], None], folds: tuple[Fold, ...]
):
    with pytest.raises(BadInput, match="cannot be written as a column"):
        write(dataset(folds), tmp_path / "arm")
    assert list(tmp_path.iterdir()) == []


def test_without_split_five_groups_give_five_folds_and_fewer_give_none_and_a_note(tmp_path: Path):
    five = ["a", "b", "c", "d", "e"]
    many = {"positions": positions(20), "lengths": [4] * 5, "labels": ["rest"] * 5}
    data = load("npz", saved(tmp_path / "five.npz", **many, groups=five))
    assert [f.name for f in data.folds] == ["1", "2", "3", "4", "5"]
    data = load("npz", saved(tmp_path / "four.npz", **many, groups=["a", "b", "c", "d", "d"]))
    assert data.folds == ()
    assert "there is no split" in data.notes[0]
    with pytest.raises(BadInput, match="no split"):
        data.fold("1")


def test_groups_are_dealt_evenly_and_unlabelled_ones_prevent_folds():
    sizes = {"g0": 9, "g1": 4, "g2": 4, "g3": 4, "g4": 4, "g5": 4}
    sequences = [
        Sequence(f"{g}/{i}", positions(2), 0, g) for g, n in sizes.items() for i in range(n)
    ]
    assert sorted(len(f.test) for f in five_folds(sequences)) == [4, 4, 4, 8, 9]
    assert five_folds([*sequences, Sequence("x", positions(2), None, "g1")]) == ()
    assert len(five_folds([*sequences, Sequence("x", positions(2), None, "")])) == 5


@pytest.mark.parametrize(
    ("split", "fault"),
    [
        (["test", "test", "test"], "nothing to train on"),
        (["train", "test", "fold3"], "no other word"),
        (["1", "1", "1"], "one fold only"),
    ],
)
def test_a_split_that_says_nothing_usable_is_a_problem(tmp_path: Path, split: list, fault: str):
    found = npz.scan(saved(tmp_path / "x.npz", split=split))
    assert fault in found.problems[0]


def test_a_sequence_without_label_cannot_be_in_a_split(tmp_path: Path):
    path = saved(tmp_path / "x.npz", labels=["rest", "", "lift"], split=["train", "test", "train"])
    assert "2 has no label" in npz.scan(path).problems[0]
    path = saved(tmp_path / "x.npz", labels=["rest", "", "lift"], split=["train", "-", "test"])
    assert load("npz", path).sequences[1].label is None


# --- writing ------------------------------------------------------------------------------------


def test_a_failed_write_leaves_the_old_file_and_no_part(tmp_path: Path):
    target = tmp_path / "x"
    target.write_text("old")

    def fail() -> None:
        with beside(target) as part:
            part.write_text("half")
            raise RuntimeError("boom")

    with pytest.raises(RuntimeError, match="boom"):
        fail()
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_writing_into_a_full_folder_a_missing_one_or_against_the_disk_is_refused(tmp_path: Path):
    write_csv(dataset(), tmp_path / "new")
    with pytest.raises(BadInput, match="something in it; give a new name"):
        write_csv(dataset(), tmp_path / "new")
    with pytest.raises(BadInput, match="is not a folder; make it first"):
        write_npz(dataset(), tmp_path / "nowhere" / "x.npz")
    with pytest.raises(Failure, match="cannot be written"), beside(tmp_path / "x"):
        raise OSError(28, os.strerror(28))


def test_an_existing_npz_is_replaced(tmp_path: Path):
    (tmp_path / "x.npz").write_text("old")
    write_npz(dataset(), tmp_path / "x.npz")
    assert len(load("npz", tmp_path / "x.npz").sequences) == 6


# --- npz ----------------------------------------------------------------------------------------


def test_three_arrays_and_a_skeleton_are_enough(tmp_path: Path):
    data = load("npz", saved(tmp_path / "x.npz"))
    assert data.classes == ("lift", "rest")
    assert [s.label for s in data.sequences] == [1, 0, 1]
    assert [s.frames for s in data.sequences] == [3, 4, 5]
    np.testing.assert_array_equal(data.sequences[1].positions, positions(12)[3:7])


def test_labels_may_be_indices_and_minus_one_is_not_known(tmp_path: Path):
    data = load("npz", saved(tmp_path / "x.npz", labels=[1, -1, 0], classes=list(CLASSES)))
    assert data.classes == CLASSES
    assert [s.label for s in data.sequences] == [1, None, 0]


def test_a_known_layout_is_named(tmp_path: Path):
    hand = np.zeros((12, 21, 3))
    path = saved(tmp_path / "x.npz", positions=hand, skeleton="hand21", skeleton_json=None)
    assert load("npz", path).skeleton.name == "hand21"


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"positions": None}, "array 'positions' is missing"),
        ({"lengths": None}, "array 'lengths' is missing"),
        ({"labels": None}, "array 'labels' is missing"),
        ({"skeleton_json": None}, "array 'skeleton' is missing"),
        ({"skeleton_json": None, "skeleton": "hand12"}, "did you mean 'hand21'"),
        ({"skeleton_json": None, "skeleton": "sbu"}, "3 nodes and skeleton 'sbu' 30"),
        ({"skeleton_json": "{"}, "not valid JSON"),
        (
            {"skeleton_json": '{"name": "x"}'},
            "skeleton lacks joints and needs name, joints, bones, mirror",
        ),
        ({"group": ["a", "b", "c"]}, "unknown array 'group'; did you mean 'groups'"),
        ({"positions": positions(12).reshape(12, 9)}, r"positions.reshape\(-1, 3, 3\)"),
        ({"positions": positions(12).reshape(4, 9, 3)}, "9 nodes and skeleton 'arm' 3"),
        ({"positions": positions(11)}, "add up to 12 frames and positions has 11"),
        ({"positions": positions(12).astype(str)}, "positions' must hold numbers"),
        ({"lengths": [3, 4]}, "lengths has 2 sequences and labels 3"),
        ({"lengths": [3, 4, 6]}, "lengths add up to 13 frames and positions has 12"),
        ({"lengths": [3, 10, -1]}, r"lengths\[2\] is -1"),
        ({"lengths": [3.0, 4.0, 5.0]}, "lengths' must hold whole numbers"),
        ({"lengths": [[3, 4, 5]]}, "lengths must be a list"),
        ({"labels": [0, 1, 0]}, "array 'classes' must name them"),
        ({"names": ["a"]}, "names 1"),
        ({"labels": np.array([{"a": 1}], dtype=object)}, "Python objects, which are never loaded"),
        (
            {"positions": positions(0), "lengths": np.array([], int), "labels": np.array([], "U1")},
            "there are no sequences",
        ),
    ],
)
def test_an_npz_that_cannot_be_used_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, object], fault: str
):
    with pytest.raises(BadInput, match=fault):
        npz.scan(saved(tmp_path / "x.npz", **changes))


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"classes": ["rest", "lifting"]}, "unknown class 'lift'; did you mean 'lifting'"),
        ({"classes": ["rest", "lift"], "labels": [0, 2, 1]}, "label 2 is outside 0..1"),
        ({"positions": np.where(np.arange(12) == 4, np.nan, 1.0)[:, None, None] * np.ones((3, 3))},
         "frame 2, node 0, x is nan"),
        ({"lengths": [6, 1, 5]}, "at least 2 frames and has 1"),
        ({"lengths": [7, 0, 5]}, "at least 2 frames and has 0"),
    ],
)  # fmt: skip
def test_a_bad_sequence_is_a_problem_with_its_index_and_the_others_are_read(
    tmp_path: Path, changes: dict[str, object], fault: str
):
    found = npz.scan(saved(tmp_path / "x.npz", **changes))
    assert len(found.sequences) == 2
    assert len(found.problems) == 1
    assert "x.npz, sequence 1 (from 0)" in found.problems[0]
    assert fault in found.problems[0]


def test_what_is_no_npz_is_refused(tmp_path: Path):
    path = saved(tmp_path / "x.npz")
    whole = path.read_bytes()
    for content, fault in [
        (b"frame,x\n1,2\n", "is not an npz file"),
        (b"", "is not an npz file"),
        (whole[: len(whole) // 2], "cut short or damaged"),
        (whole[:-4], "cut short or damaged"),
    ]:
        path.write_bytes(content)
        with pytest.raises(BadInput, match=fault):
            npz.scan(path)
    with pytest.raises(BadInput, match="does not exist"):
        npz.scan(tmp_path / "y.npz")
    with pytest.raises(BadInput, match="is a folder"):
        npz.scan(tmp_path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_byte_never_ends_in_anything_but_data_or_a_stated_error(
    tmp_path_factory: pytest.TempPathFactory, where: int, value: int
):
    path = saved(tmp_path_factory.mktemp("damage") / "x.npz")
    content = bytearray(path.read_bytes())
    content[where % len(content)] = value
    path.write_bytes(content)
    with contextlib.suppress(BadInput):
        assert load("npz", path).sequences


# --- csv ----------------------------------------------------------------------------------------


def test_a_folder_as_a_spreadsheet_writes_it_is_read(folder: Path):
    data = load("csv", folder)
    assert data.name == "own"
    assert data.classes == ("lift", "rest")
    assert [(s.name, s.label, s.group) for s in data.sequences] == [
        ("a", 1, "ann"),
        ("take/b", 0, "bob"),
    ]
    assert [(f.train, f.test) for f in data.folds] == [((0,), (1,))]
    np.testing.assert_allclose(data.sequences[1].positions[2, 1], [5.0, 6.0, 7.0])


def test_the_columns_of_a_sequence_may_stand_in_any_order(folder: Path):
    expected = load("csv", folder).sequences[0].positions
    rows = [line.split(",")[::-1] for line in csv_text(2).splitlines()]
    (folder / "a.csv").write_text("\r\n".join(",".join(row) for row in rows))
    np.testing.assert_array_equal(load("csv", folder).sequences[0].positions, expected)


def test_a_classes_file_fixes_the_order(folder: Path):
    (folder / "classes.txt").write_text("rest\nlift\nwave\n")
    assert load("csv", folder).classes == ("rest", "lift", "wave")


def test_a_layout_may_be_named_as_skeleton(folder: Path):
    (folder / "skeleton.json").write_text('"hand21"')
    hand = load("synthetic:gestures").skeleton
    for file in ("a.csv", "take/b.csv"):
        (folder / file).write_text(csv_text(2, hand))
    assert load("csv", folder).skeleton == hand


def test_csv_files_that_the_index_does_not_name_are_left_out_and_said_so(folder: Path):
    (folder / "take/c.csv").write_text("what")
    assert "1 CSV files are left out" in load("csv", folder).notes[0]


@pytest.mark.parametrize(
    ("index", "fault"),
    [
        ("file,group\na.csv,x\n", "column 'label' is missing"),
        ("file,label,grup\na.csv,rest,x\n", "unknown column 'grup'; did you mean 'group'"),
        ("file,label,label\na.csv,rest,x\n", "column 'label' appears twice"),
        ("file,label\na.csv,rest,more\n", "line 2: 3 fields, but the header has 2"),
        ("file,label\n", "names no sequences"),
        ("", "column 'file' is missing"),
    ],
)
def test_an_index_that_cannot_be_used_is_refused(folder: Path, index: str, fault: str):
    (folder / "index.csv").write_text(index)
    with pytest.raises(BadInput, match=fault):
        csv_folder.scan(folder)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("missing.csv,lift", "does not exist"),
        ("../own/a.csv,lift", "must be a path within the folder"),
        (",lift", "must be a path within the folder"),
        ("take/b.csv,lifting", "unknown class 'lifting'; did you mean 'lift'"),
    ],
)
def test_a_bad_line_of_the_index_is_a_problem_with_its_number(folder: Path, row: str, fault: str):
    (folder / "classes.txt").write_text("rest\nlift\n")
    (folder / "index.csv").write_text(f"file,label\na.csv,rest\n{row}\n")
    found = csv_folder.scan(folder)
    assert len(found.sequences) == 1
    assert "index.csv, line 3" in found.problems[0]
    assert fault in found.problems[0]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (csv_text(3).replace("elbow.y", "elbow.why"), "the first is 'elbow.y' (unknown: 'elbow.why')"),
        (csv_text(3).replace(",", "|"), "the header must name frame"),
        (csv_text(3).replace("\n", ",9\n").replace("hand.z,9", "hand.z,foot.x"), "unknown column 'foot.x'"),
        (csv_text(3).replace("\n", ",9\n").replace("hand.z,9", "hand.z,hand.z"), "appears twice"),
        (csv_text(3)[:-12], "line 4: a frame has 10 fields"),
        (csv_text(1), "at least 2 frames"),
        (csv_text(0), "holds no frames"),
        (csv_text(3).replace("4.5", "nan"), "is not finite"),
        (csv_text(3).replace("4.5", ""), "'' is not a number"),
        (csv_text(3).replace("\n1.0,", "\n0.5,"), "frame 0.5 follows frame 0.5"),
        ("", "are missing"),
    ],
)  # fmt: skip
def test_a_bad_sequence_file_is_a_problem_that_names_the_fault(
    folder: Path, content: str, fault: str
):
    (folder / "take/b.csv").write_text(content)
    found = csv_folder.scan(folder)
    assert len(found.sequences) == 1
    assert "take/b" in found.problems[0]
    assert fault in found.problems[0]


def test_what_is_no_text_is_a_problem(folder: Path):
    (folder / "a.csv").write_bytes(b"\xff\xfe\x00")
    assert "is not a text file" in csv_folder.scan(folder).problems[0]


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("skeleton.json", '"sbo"', "did you mean 'sbu'"),
        ("skeleton.json", "{oops", "not valid JSON"),
        ("skeleton.json", None, "does not hold skeleton.json"),
        ("index.csv", None, "does not hold index.csv"),
    ],
)
def test_a_folder_without_usable_skeleton_or_index_is_refused(
    folder: Path, file: str, content: str | None, fault: str
):
    if content is None:
        (folder / file).unlink()
    else:
        (folder / file).write_text(content)
    with pytest.raises(BadInput, match=fault):
        csv_folder.scan(folder)


def test_names_that_a_text_file_cannot_keep_are_not_written(tmp_path: Path):
    s = Sequence("two words ", positions(2), 0)
    with pytest.raises(BadInput, match="rename it for CSV"):
        write_csv(Dataset("x", ARM, CLASSES, (s,), ()), tmp_path / "x")
