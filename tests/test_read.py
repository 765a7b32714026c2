"""Whatever a file is and holds, reading it gives plain values or one sentence with its name."""

from __future__ import annotations

import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop import read
from bandstop.errors import SHOWN, BadInput, nearest, several, short
from bandstop.read import DEEPEST, KINDS, Kind, opened, parse_json, read_bytes, read_text


def test_every_kind_of_file_has_a_limit_and_a_remedy():
    assert all(kind.bytes > 0 and kind.remedy for kind in KINDS.values())


@pytest.mark.parametrize("reader", [read_bytes, read_text, read.read_json, read.read_toml])
@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_a_device_a_folder_and_a_missing_file_are_refused_without_waiting(
    reader, kind, tmp_path
):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name, words in [
        (tmp_path / "pipe", "a pipe or a device"),
        (tmp_path / "link", "a pipe or a device"),
        ("/dev/zero", "a pipe or a device"),
        (tmp_path, "it is a folder"),
        (tmp_path / "none", "it does not exist"),
        (tmp_path / "a\0b", "no name of a file"),
        (tmp_path / ("a" * 5000), "cannot be read"),
    ]:
        with pytest.raises(BadInput, match=words):
            reader(name, kind)


def test_a_file_longer_than_its_kind_is_refused_before_it_is_read(tmp_path, monkeypatch):
    path = tmp_path / "long"
    path.write_bytes(b"x" * 101)
    monkeypatch.setitem(KINDS, "log", Kind(100, "run it again"))
    with pytest.raises(BadInput, match=r"has 101 bytes, .* at most 100; run it again"):
        read_bytes(path, "log")
    with pytest.raises(BadInput, match="at most 100"), opened(path, "log"):
        pass
    path.write_bytes(b"x" * 100)
    assert read_bytes(path, "log") == b"x" * 100


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_text_is_utf_8_with_or_without_its_mark_and_any_line_end(mark, end, tmp_path):
    (tmp_path / "t").write_bytes(mark + "a\u2028b".encode() + end + b"c\x0bd")
    assert read_text(tmp_path / "t", "index") == "a\u2028b\nc\x0bd"


@pytest.mark.parametrize("content", [b"a\n\xff", b"\xff\xfe\x41", b"\xed\xa0\x80", b"a\x00b"])
def test_what_is_no_text_is_refused(content, tmp_path):
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(BadInput, match="is not a text file"):
        read_text(tmp_path / "t", "index")


BAD_JSON = {
    "deep": ("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), "nested deeper"),
    "very deep": ("[" * 10**6, "nested deeper|recursion"),
    "deep mappings": ('{"a":' * 10**5, "nested deeper|recursion"),
    "many digits": ("9" * 20, "too many digits"),
    "very many digits": ("[1, " + "9" * 10**5 + "]", "too many digits"),
    "NaN": ("[NaN]", "NaN is no number"),
    "infinity": ('{"a": -Infinity}', "Infinity is no number"),
    "a number beyond doubles": ("[1e999]", "not finite"),
    "a key twice": ('{"a": {"b": 1, "c": 2, "b": 3}}', "'b' stands there twice"),
    "half a character": ('["\\ud800"]', "half a character"),
    "half a character as a key": ('{"a\\udfff": 1}', "half a character"),
    "nothing": ("", "not valid JSON"),
    "cut": ('{"a": ', "not valid JSON"),
}


@pytest.mark.parametrize("kind", BAD_JSON)
def test_json_that_is_no_good_is_refused_in_a_short_sentence(kind):
    text, words = BAD_JSON[kind]
    with pytest.raises(BadInput, match=words) as error:
        parse_json(text, "the file", "mend it")
    assert str(error.value).startswith("the file is not valid JSON")
    assert len(str(error.value)) < 300


FINITE = st.floats(allow_nan=False, allow_infinity=False)
WORDS = st.text(st.characters(codec="utf-8"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**62), 2**62) | FINITE | WORDS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner),
    max_leaves=20,
)


@given(PLAIN, st.booleans())
def test_json_that_is_good_is_read_as_the_library_reads_it(value, ascii_):
    assert parse_json(json.dumps(value, ensure_ascii=ascii_), "it", "") == value


def test_bytes_of_a_path_that_are_no_utf_8_are_kept():
    path = os.fsdecode(b"runs/\xff")
    assert parse_json(json.dumps(path), "it", "") == path


@pytest.mark.parametrize(
    "text",
    ["a = " + "[" * 10**5, "a = " + "9" * 10**5, "a = " + "9" * 30, "a = 1\na = 2",
     "a." * 3000 + "b = 1", "x = {a = " * 5000, 'a = "\\ud800"', "=", "\x01"],
)  # fmt: skip
def test_toml_that_is_no_good_is_refused_in_a_short_sentence(text, tmp_path):
    (tmp_path / "o.toml").write_text(text)
    with pytest.raises(BadInput, match=r"o\.toml is not valid TOML") as error:
        read.read_toml(tmp_path / "o.toml", "options")
    assert len(str(error.value)) < 400


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["{!r}", "{:.9g}", "{:e}", "{:+.3f}"]),
)
def test_every_way_to_write_a_number_is_read_as_python_reads_it(value, how):
    text = how.format(value)
    assert read.number(f" {text}\t") == float(text)


ALPHABET = st.sampled_from("0123456789+-.eE_ xXnainfbj٣１²\u2003\n\r\t,")


@given(st.text(ALPHABET, max_size=8))
def test_what_is_read_as_a_number_is_ascii_digits_and_means_what_it_means_to_python(text):
    try:
        value = read.number(text)
    except ValueError:
        return
    assert set(text.strip(" \t")) <= set("0123456789+-.eE")
    assert value == float(text)
    assert not math.isnan(value)


@given(st.text(ALPHABET, max_size=8))
def test_what_is_read_as_a_whole_number_is_ascii_digits(text):
    try:
        value = read.whole(text)
    except ValueError:
        return
    assert set(text.strip(" \t")) <= set("0123456789+-")
    assert value == int(text)


@given(
    st.text() | st.integers() | st.lists(st.integers()) | st.dictionaries(st.text(), st.integers())
)
def test_a_value_in_a_message_is_one_short_line(value):
    assert "\n" not in short(value)
    assert len(short(value)) <= SHOWN + 10


def test_messages_stay_short_and_quick_whatever_the_file_names():
    names = [f"class {'x' * 500} {n}" for n in range(100_000)]
    assert len(several(names)) < 2000
    assert nearest("class", names) == ""
    assert nearest("y" * 10**6, ["y" * 10**6]) == ""
    assert len(short(10**100_000)) < 100
