"""Reading one recording for a model that knows its skeleton."""

from pathlib import Path

import numpy as np
import pytest

from bandstop.data.formats.csv_folder import header_of
from bandstop.data.formats.single import read_one
from bandstop.errors import BadInput
from bandstop.skeleton.layouts import HAND21, SBU


def lines(frames: int, fields: int, separator: str) -> str:
    return "".join(
        separator.join([str(f + 1), *(f"{0.01 * k:.2f}" for k in range(fields - 1))]) + "\n"
        for f in range(frames)
    )


def test_an_sbu_recording_is_known_by_its_91_fields_and_comes_in_millimetres(tmp_path: Path):
    path = tmp_path / "anything.txt"
    path.write_text(lines(3, 91, ","))
    s = read_one(path, SBU)
    assert s.positions.shape == (3, 30, 3)
    assert s.label is None
    np.testing.assert_allclose(
        s.positions[0, 1], [2560 * 0.03 - 1280, 960 - 1920 * 0.04, 1280 * 0.05], rtol=1e-5
    )


def test_an_fpha_recording_is_known_by_its_64_fields(tmp_path: Path):
    path = tmp_path / "skeleton.txt"
    path.write_text(lines(4, 64, " "))
    np.testing.assert_allclose(read_one(path, HAND21).positions[3, 20], [0.60, 0.61, 0.62])


def test_one_of_our_csv_files_is_known_by_its_header(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(",".join(header_of(HAND21)) + "\n" + lines(2, 64, ","))
    np.testing.assert_allclose(read_one(path, HAND21).positions[1, 0], [0.0, 0.01, 0.02])


@pytest.mark.parametrize("name", ["a.npy", "positions.npz", "lone.npz"])
def test_arrays_are_read_as_they_are(tmp_path: Path, name: str):
    positions = np.random.default_rng(0).normal(size=(5, 21, 3)).astype(np.float32)
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, positions)
    else:
        np.savez(path, **{name.split(".")[0]: positions})
    np.testing.assert_array_equal(read_one(path, HAND21).positions, positions)


@pytest.mark.parametrize(
    ("content", "skeleton", "fault"),
    [
        (lines(3, 91, ","), HAND21, "recording of SBU .* knows skeleton 'hand21'"),
        (lines(3, 64, " "), SBU, "recording of FPHA .* knows skeleton 'sbu'"),
        (lines(3, 40, ","), SBU, "91 fields between commas, here 40"),
        (lines(1, 91, ","), SBU, "at least 2 frames"),
        (lines(3, 91, ",")[:-20], SBU, "line 3: a frame has 91 fields"),
        (lines(2, 91, ",").replace("0.05", "nan"), SBU, "is not finite"),
        ("frame,x\n1,2\n", SBU, "must name frame, then x, y and z of every node"),
        ("", SBU, "is empty"),
        ("\n \n", SBU, "is empty"),
        (b"\xff\xfe\xfd", SBU, "is not a text file"),
        (b"\x93NUMPY\x01", SBU, "cut short or damaged"),
        (b"PK\x03\x04", SBU, "cut short or damaged"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(tmp_path, content, skeleton, fault):
    path = tmp_path / "recording"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(BadInput, match=fault):
        read_one(path, skeleton)


@pytest.mark.parametrize(
    ("array", "fault"),
    [
        (np.zeros((5, 63)), r"must be \(frames, 21, 3\) for skeleton 'hand21', not \(5, 63\)"),
        (np.zeros((5, 30, 3)), "has 30 nodes and skeleton 'hand21' 21"),
        (np.zeros((1, 21, 3)), "at least 2 frames"),
        (np.full((2, 21, 3), np.inf), "must be finite"),
        (np.full((2, 21, 3), "a"), "must be numbers"),
        (np.array([None, 1], dtype=object), "Python objects, which are never loaded"),
    ],
)
def test_an_array_that_does_not_fit_is_refused(tmp_path: Path, array: np.ndarray, fault: str):
    np.save(tmp_path / "a.npy", array, allow_pickle=True)
    with pytest.raises(BadInput, match=fault):
        read_one(tmp_path / "a.npy", HAND21)


def test_an_npz_of_several_recordings_and_a_missing_file_are_refused(tmp_path: Path):
    np.savez(tmp_path / "a.npz", positions=np.zeros((5, 21, 3)), lengths=[2, 3])
    with pytest.raises(BadInput, match="holds 2 sequences and one is wanted"):
        read_one(tmp_path / "a.npz", HAND21)
    np.savez(tmp_path / "b.npz", first=np.zeros(3), second=np.zeros(3))
    with pytest.raises(BadInput, match="name the recording 'positions'"):
        read_one(tmp_path / "b.npz", HAND21)
    with pytest.raises(BadInput, match="cannot be read"):
        read_one(tmp_path / "c.npz", HAND21)
