"""FPHA's released layout, made by hand in a temporary folder."""

from pathlib import Path

import numpy as np
import pytest

from bandstop.data import load
from bandstop.data.formats import fpha
from bandstop.errors import BadInput

TRAIN = [
    ("Subject_1/open_juice/1", 0),
    ("Subject_1/pour_milk/1", 1),
    ("Subject_2/open_juice/1", 0),
]
TEST = [("Subject_1/open_juice/2", 0), ("Subject_2/pour_milk/1", 1)]


def frames(count: int, seed: int = 0) -> str:
    values = np.random.default_rng(seed).normal(0.0, 50.0, (count, 63))
    return "".join(
        f"{i} " + " ".join(f"{v:.4f}" for v in row) + "\n" for i, row in enumerate(values)
    )


def split_text(train=TRAIN, test=TEST, promised: tuple[int, int] | None = None) -> str:
    counts = promised or (len(train), len(test))
    parts = zip(("Training", "Test"), counts, (train, test), strict=True)
    return "".join(
        f"{word} {count}\n" + "".join(f"{name} {label}\n" for name, label in lines)
        for word, count, lines in parts
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for k, (name, _) in enumerate(TRAIN + TEST):
        file = tmp_path / fpha.POSES / name / fpha.FILE
        file.parent.mkdir(parents=True)
        file.write_text(frames(3 + k, seed=k))
    (tmp_path / fpha.SPLIT).write_text(split_text())
    return tmp_path


def test_the_official_list_becomes_one_fold_and_classes_in_the_order_of_labels(root: Path):
    data = load("fpha", root)
    assert data.classes == ("open_juice", "pour_milk")
    assert [s.name for s in data.sequences] == [name for name, _ in TRAIN + TEST]
    assert [s.label for s in data.sequences] == [label for _, label in TRAIN + TEST]
    assert [(f.name, f.train, f.test) for f in data.folds] == [("1", (0, 1, 2), (3, 4))]
    assert data.skeleton.name == "hand21"
    assert data.notes == ()


def test_coordinates_are_read_as_they_stand_joint_by_joint(root: Path):
    file = root / fpha.POSES / TRAIN[0][0] / fpha.FILE
    file.write_text("".join(f"{i} " + " ".join(map(str, range(63))) + "\n" for i in range(2)))
    positions = load("fpha", root).sequences[0].positions
    np.testing.assert_array_equal(positions[1, 20], [60.0, 61.0, 62.0])


def test_the_poses_folder_itself_may_be_given(root: Path):
    assert len(load("fpha", root / fpha.POSES).sequences) == 5


def test_takes_that_the_list_does_not_name_are_left_out_and_said_so(root: Path):
    extra = root / fpha.POSES / "Subject_6" / "pour_milk" / "9" / fpha.FILE
    extra.parent.mkdir(parents=True)
    extra.write_text(frames(3))
    data = load("fpha", root)
    assert len(data.sequences) == 5
    assert "1 takes on disk are left out" in data.notes[0]
    assert "Subject_6/pour_milk/9" in data.notes[0]


def test_a_named_take_that_is_missing_is_a_problem_and_the_others_are_still_read(root: Path):
    (root / fpha.POSES / TRAIN[1][0] / fpha.FILE).unlink()
    found = fpha.scan(root)
    assert len(found.sequences) == 4
    assert len(found.problems) == 1
    assert "is missing" in found.problems[0]
    assert "line 3" in found.problems[0]
    with pytest.raises(BadInput, match="is missing"):
        found.dataset()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (split_text(promised=(4, 2)), "promises 4 sequences under 'Training' and 3 lines follow"),
        (split_text(promised=(3, 9)), "promises 9 sequences under 'Test' and 2 lines follow"),
        (split_text(train=[*TRAIN, ("Subject_1/open_juice/2", 0)]), "is named twice"),
        (
            split_text(test=[TEST[0], ("Subject_2/pour_milk/1", 0)]),
            "label 0 stands for 'pour_milk'",
        ),
        (split_text(test=[TEST[0], ("Subject_2/pour_milk/1", 2)]), "'pour_milk' has label 2 here"),
        (split_text(test=[("Subject_1/open_juice/2", 7)]), "'open_juice' has label 7"),
        (split_text().replace("pour_milk/1 1", "pour_milk/1 3"), "1 is missing"),
        (split_text() + "nonsense\n", "line 8: 'nonsense' is neither"),
        (split_text() + "Subject_1/pour_milk/1\n", "is neither"),
        ("Subject_1/open_juice/1 0\n" + split_text(), "line 1"),
        (split_text() + "Test 2\n", "a second header 'Test'"),
        (split_text().replace("Test 2\n", ""), "lacks the header 'Test'"),
        ("", "lacks the header 'Training'"),
    ],
)
def test_a_list_that_contradicts_itself_is_a_problem(root: Path, text: str, fault: str):
    (root / fpha.SPLIT).write_text(text)
    assert any(fault in p for p in fpha.scan(root).problems)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "holds no frames"),
        (frames(1), "at least 2 frames"),
        (frames(3)[:-30], "line 3: a frame has 64 fields"),
        (frames(2).replace(" ", ","), "64 fields"),
        (frames(2).replace("\n", " 1\n"), "this line has 65"),
        (frames(2)[:-8] + "abc\n", "not a number"),
        ("0 " + "nan " * 63 + "\n" + frames(1), "is not finite"),
    ],
)
def test_a_broken_take_is_a_problem_that_names_the_fault(root: Path, content: str, fault: str):
    (root / fpha.POSES / TEST[0][0] / fpha.FILE).write_text(content)
    found = fpha.scan(root)
    assert len(found.sequences) == 4
    assert fault in found.problems[0]


def test_a_folder_without_list_or_poses_is_refused_with_what_to_give(root: Path, tmp_path: Path):
    (root / fpha.SPLIT).unlink()
    with pytest.raises(BadInput, match="does not hold data_split_action_recognition"):
        fpha.scan(root)
    with pytest.raises(BadInput, match="does not hold Hand_pose_annotation_v1"):
        fpha.scan(root / fpha.POSES / "Subject_1")
    with pytest.raises(BadInput, match="does not exist"):
        fpha.scan(tmp_path / "nowhere")
