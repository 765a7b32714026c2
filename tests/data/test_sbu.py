"""SBU's released layout: made by hand in a temporary folder, and the real recordings where they are."""

from pathlib import Path

import numpy as np
import pytest

from bandstop.data import load, scan
from bandstop.data.doctor import detect, examine
from bandstop.data.formats import sbu
from bandstop.data.formats.single import read_one
from bandstop.data.protocols import SBU_FOLDS
from bandstop.errors import BadInput
from bandstop.skeleton.layouts import SBU

REAL = Path(__file__).parents[2].parent / "shared" / "data" / "SBU"
here = pytest.mark.skipif(
    not REAL.is_dir(), reason="the real SBU recordings are not beside the checkout"
)


def frames(count: int, seed: int = 0) -> str:
    values = np.random.default_rng(seed).uniform(0.1, 0.9, (count, 90))
    return "".join(
        ",".join([str(i + 1), *(f"{v:.6f}" for v in row)]) + "\n" for i, row in enumerate(values)
    )


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for k, take in enumerate(["s01s02/01/001", "s01s02/08/001", "s02s03/03/001"]):
        file = tmp_path / take / sbu.FILE
        file.parent.mkdir(parents=True)
        file.write_text(frames(3 + k, seed=k))
    return tmp_path


def test_takes_become_sequences_with_label_and_pair(root: Path):
    data = load("sbu", root)
    assert [(s.name, s.label, s.group, s.frames) for s in data.sequences] == [
        ("s01s02/01/001", 0, "s01s02", 3),
        ("s01s02/08/001", 7, "s01s02", 4),
        ("s02s03/03/001", 2, "s02s03", 5),
    ]
    assert [(f.name, f.train, f.test) for f in data.folds] == [
        ("1", (2,), (0, 1)),
        ("2", (0, 1), (2,)),
    ]


def test_coordinates_come_out_in_millimetres_with_up_positive(root: Path):
    path = root / "s01s02/01/001" / sbu.FILE
    path.write_text("".join(f"{i}," + ",".join(["0.5,0.25,0.5"] * 30) + "\n" for i in (1, 2)))
    np.testing.assert_allclose(load("sbu", root).sequences[0].positions[0, 7], [0.0, 480.0, 640.0])


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "holds no frames"),
        (frames(1), "at least 2 frames and has 1"),
        (frames(3)[:-40], "line 3: a frame has 91 fields"),
        (frames(3).replace(",", " "), "91 fields and this line has 1"),
        (frames(3).replace("1,", "1,x", 1), "is not a number"),
        (frames(2) + "3" + ",nan" * 90 + "\n", "line 3, field 2: 'nan' is not finite"),
    ],
)
def test_a_broken_take_is_a_problem_and_the_others_are_read(root: Path, content: str, fault: str):
    (root / "s01s02/08/001" / sbu.FILE).write_text(content)
    found = sbu.scan(root)
    assert len(found.sequences) == 2
    assert fault in found.problems[0]
    assert examine(found).verdict.startswith("not usable as it is: 1 problem")
    with pytest.raises(BadInput, match="sbu: "):
        found.dataset()


@pytest.mark.parametrize(
    ("take", "fault"),
    [
        ("s09s09/01/001", "unknown participant pair 's09s09'"),
        ("s01s02/09/001", "class folder '09'"),
    ],
)
def test_folders_that_the_protocol_does_not_know_are_problems(root: Path, take: str, fault: str):
    (root / take).mkdir(parents=True)
    (root / take / sbu.FILE).write_text(frames(3))
    assert fault in sbu.scan(root).problems[0]


def test_a_folder_without_takes_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="is empty"):
        sbu.scan(tmp_path)
    (tmp_path / "x").mkdir()
    with pytest.raises(BadInput, match="holds no <pair>"):
        sbu.scan(tmp_path)


@here
@pytest.mark.sbu
def test_the_real_recordings_have_the_published_counts_and_folds():
    e = examine(scan(detect(REAL)))
    assert e.sequences == 282
    assert list(e.classes.values()) == [42, 43, 40, 41, 18, 21, 39, 38]
    assert [test for _, _, test in e.folds] == [55, 52, 56, 54, 65]
    assert len(e.groups) == 21 == sum(map(len, SBU_FOLDS.values()))
    assert e.frames == (10, 23.0, 46)


@here
@pytest.mark.sbu
def test_the_real_recordings_have_human_bones_and_no_repeats():
    e = examine(scan(detect(REAL)))
    bones = {b.name: b.median for b in e.bones}
    assert 380.0 < bones["left hip - left knee"] < 460.0
    assert e.problems == ()
    assert not {"repeated", "repeated across a split", "lost frames"} & {
        f.check for f in e.findings
    }
    assert e.verdict.startswith("fit to train on")


@here
@pytest.mark.sbu
def test_one_real_recording_is_read_alone_as_within_its_folder():
    data = load("sbu", REAL)
    path = REAL / data.sequences[0].name / sbu.FILE
    np.testing.assert_array_equal(read_one(path, SBU).positions, data.sequences[0].positions)
