"""CSV as spreadsheets write it: found out, said, and read as if it were plain."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.data import load
from bandstop.data.formats import csv_folder
from bandstop.data.formats.csv_folder import header_of
from bandstop.data.formats.npz import write_npz
from bandstop.data.formats.single import read_one
from bandstop.data.sequence import Dataset, Sequence
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

ARM = Skeleton("arm", ("shoulder", "elbow", "hand"), ((0, 1), (1, 2)), (0, 1, 2))
HEADER = header_of(ARM)


def table(
    values: np.ndarray, separator: str, quote: str = "", decimal: str = ".", first: str = ""
) -> str:
    """A table with its header; every field in `quote` where there is one."""
    rows = [HEADER, *([f"{v:.9g}".replace(".", decimal) for v in row] for row in values)]
    lines = [separator.join(f"{quote}{field}{quote}" for field in row) for row in rows]
    return "\n".join([*([first] if first else []), *lines]) + "\n"


def numbers(seed: int, frames: int = 4) -> np.ndarray:
    values = np.random.default_rng(seed).normal(0, 50, (frames, len(HEADER))).astype(np.float32)
    values[:, 0] = np.arange(frames) + 1
    return values


def read(folder: Path, text: str) -> Sequence:
    (folder / "a.csv").write_text(text)
    return csv_folder.read_sequence(folder / "a.csv", ARM, "a")


DIALECTS = [
    (separator, quote, decimal)
    for separator in (",", ";", "\t")
    for quote in ("", '"', "'")
    for decimal in (".", ",")
    if not (separator == "," and decimal == "," and not quote)
]


@pytest.mark.parametrize(("separator", "quote", "decimal"), DIALECTS)
@pytest.mark.parametrize("first", ["", "sep="])
@given(seed=st.integers(0, 99))
def test_every_dialect_gives_the_numbers_of_the_plain_one(
    tmp_path_factory, separator, quote, decimal, first, seed
):
    folder, values = tmp_path_factory.mktemp("t"), numbers(seed)
    first = first and first + separator
    expected = read(folder, table(values, ",")).positions
    found = read(folder, table(values, separator, quote, decimal, first)).positions
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(read_one(folder / "a.csv", ARM).positions, expected)


@pytest.mark.parametrize("quote", ['"', "'"])
@given(seed=st.integers(0, 99), data=st.data())
def test_a_file_cut_short_within_quotes_is_refused(tmp_path_factory, quote, seed, data):
    text = table(numbers(seed), ",", quote)
    marks = [at for at, letter in enumerate(text) if letter == quote][::2]
    at = data.draw(st.sampled_from([m for m in marks if m > text.index("\n")]))
    with pytest.raises(BadInput, match="no CSV"):
        read(tmp_path_factory.mktemp("t"), text[: at + data.draw(st.integers(1, 2))])
    with pytest.raises(BadInput, match="no CSV"):
        read(tmp_path_factory.mktemp("t"), text + quote)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("12.5", "12,345.5"), "without separators of thousands"),
        (("12.5", "1,234,567"), "without separators of thousands"),
        (("12.5", "12,5"), "has a comma and other numbers have points"),
    ],
)
def test_numbers_with_two_kinds_of_marks_are_refused(tmp_path, change, said):
    text = table(np.where(numbers(0) > 30, 12.5, numbers(0)), ";").replace(*change, 1)
    with pytest.raises(BadInput, match=said):
        read(tmp_path, text)


def test_a_comma_that_may_be_of_thousands_is_refused_and_one_other_number_decides(tmp_path):
    rows = ["1;" + ";".join(["12,345"] * 9), "2;" + ";".join(["23,456"] * 9)]
    text = ";".join(HEADER) + "\n" + "\n".join(rows)
    with pytest.raises(BadInput, match=r"'12,345' may be 12.345 or 12345"):
        read(tmp_path, text)
    found = read(tmp_path, text.replace("23,456", "23,45", 1))
    assert found.positions[0, 0, 0] == np.float32(12.345)


def test_decimal_commas_between_commas_are_refused_with_a_way_out(tmp_path):
    with pytest.raises(BadInput, match="separate by semicolons"):
        read(tmp_path, table(numbers(0) + 0.5, ",", decimal=","))


def test_a_line_number_in_an_error_is_the_files_own(tmp_path):
    text = table(numbers(0), ";", first="sep=;").replace("\n2;", "\ntwo;", 1)
    with pytest.raises(BadInput, match="line 4, field 1: 'two' is not a number"):
        read(tmp_path, text)


# --- the index -------------------------------------------------------------------------------------


def folder_with(root: Path, index: str, sequences: str | None = None) -> Path:
    (root / "take").mkdir(parents=True)
    (root / "index.csv").write_text(index)
    (root / "skeleton.json").write_text(
        '{"name": "arm", "joints": ["shoulder", "elbow", "hand"], "bones": [[0, 1], [1, 2]], '
        '"mirror": [0, 1, 2]}'
    )
    for i, file in enumerate(("a.csv", "take/b.csv")):
        (root / file).write_text(sequences or table(numbers(i), ","))
    return root


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("quote", ["", '"', "'"])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_an_index_is_read_in_any_dialect_and_what_it_was_is_said(tmp_path, separator, quote, slash):
    rows = [
        ["file", "label", "group", "split"],
        ["a.csv", "shaking, hands", "ann", "train"],
        [f"take{slash}b.csv", "a;b", "bob", "test"],
    ]
    if quote:
        text = "".join(separator.join(f"{quote}{f}{quote}" for f in row) + "\n" for row in rows)
    else:
        out = io.StringIO()
        csv.writer(out, delimiter=separator, lineterminator="\n").writerows(rows)
        text = out.getvalue()
    data = load("csv", folder_with(tmp_path / "x", text))
    assert data.classes == ("a;b", "shaking, hands")
    assert [s.name for s in data.sequences] == ["a", "take/b"]
    assert [(f.train, f.test) for f in data.folds] == [((0,), (1,))]
    notes = " ".join(data.notes)
    assert ("index.csv is separated by" in notes) == (separator != ",")
    assert ("in single quotes" in notes) == (quote == "'")
    assert ("1 files with backslashes" in notes) == (slash == "\\")
    assert "left out" not in notes


def test_a_dialect_of_the_sequences_is_said_once_with_how_many(tmp_path):
    index = "file,label\na.csv,rest\ntake/b.csv,lift\n"
    data = load("csv", folder_with(tmp_path / "x", index, table(numbers(0), ";", decimal=",")))
    assert "2 sequence files are separated by semicolons, with decimal commas" in data.notes


def test_a_file_whose_name_holds_a_backslash_is_that_file(tmp_path):
    root = folder_with(tmp_path / "x", "file,label\na.csv,rest\ntake\\b.csv,lift\n")
    (root / "take\\b.csv").write_text(table(numbers(5), ","))
    data = load("csv", root)
    np.testing.assert_array_equal(
        data.sequences[1].positions, read(tmp_path, table(numbers(5), ",")).positions
    )


@pytest.mark.parametrize("file", ["..\\x\\a.csv", "C:\\x\\a.csv", "\\\\host\\a.csv"])
def test_a_path_out_of_the_folder_is_refused_with_backslashes_too(tmp_path, file):
    found = csv_folder.scan(folder_with(tmp_path / "x", f"file,label\na.csv,rest\n{file},lift\n"))
    assert len(found.sequences) == 1
    assert "line 3" in found.problems[0]


# --- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["npz", "csv"])
@given(
    steps=st.lists(st.integers(1, 5), min_size=2, max_size=9), unit=st.sampled_from([1, 0.1, 33.3])
)
def test_times_survive_both_formats(tmp_path_factory, form, steps, unit):
    folder = tmp_path_factory.mktemp("t")
    times = 7 + unit * np.cumsum([0, *steps])
    positions = np.random.default_rng(0).normal(size=(len(times), 3, 3))
    both = (Sequence("gaps", positions, 0, times=times), Sequence("even", positions, 0))
    data = Dataset("arm", ARM, ("rest",), both, ())
    write = write_npz if form == "npz" else csv_folder.write_csv
    write(data, folder / "arm")
    back = load(form, folder / "arm")
    assert back.fingerprint == data.fingerprint
    gaps, even = back.sequences
    if both[0].times is None:
        assert gaps.times is None
    else:
        np.testing.assert_array_equal(gaps.times, times)
    assert even.times is None


def test_one_recording_keeps_its_times(tmp_path):
    values = numbers(0)
    values[:, 0] = [1, 2, 5, 6]
    assert read(tmp_path, table(values, ",")).times.tolist() == [1, 2, 5, 6]
    np.savez(tmp_path / "a.npz", positions=values[:, 1:].reshape(4, 3, 3), times=values[:, 0])
    assert read_one(tmp_path / "a.npz", ARM).times.tolist() == [1, 2, 5, 6]


def test_times_of_another_length_are_refused(tmp_path):
    np.savez(
        tmp_path / "a.npz", positions=np.zeros((4, 21, 3)), times=[1, 2, 3], lengths=[4],
        labels=["a"], skeleton="hand21",
    )  # fmt: skip
    with pytest.raises(BadInput, match="times has 3 entries and positions 4 frames"):
        load("npz", tmp_path / "a.npz")
