"""Text of strangers is one printable line, or it is refused where it enters."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from hostile import ANYTHING
from hypothesis import given, settings
from hypothesis import strategies as st

from bandstop.errors import BadInput, Failure, listed
from bandstop.text import console, file_word, in_json, in_shell, one_line, printable, shown, texts


@given(st.text())
def test_what_passes_is_one_line_that_can_be_written_anywhere(text):
    said = refusal(text)
    if said is not None:
        assert len(said.splitlines()) == 1
        assert said.isprintable()
        return
    assert len(text.splitlines()) == 1
    assert all(printable(c) for c in text)
    text.encode()


def refusal(text: str) -> str | None:
    try:
        assert one_line(text, "a name") == text
    except BadInput as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "text", ["mm", "linke Hand", "左手", "يد", "क्‍ष", "👩‍🚀", "a]b$<c>*/", "a b"]
)
def test_words_of_any_language_pass(text):
    assert one_line(text, "a name") == text


@pytest.mark.parametrize(
    "value",
    ["", "  ", "a\n", "\t", "a\0", "a\x1b[31m", "\ud800", "a\u2028b", "a\u202eb", "\ufeffa",
     "x" * 201],
)  # fmt: skip
def test_what_is_no_line_or_cannot_be_seen_is_refused(value):
    with pytest.raises(BadInput, match="a name"):
        one_line(value, "a name")


@pytest.mark.parametrize("value", [None, 3, ["a"], {"a": 1}, b"a", True])
def test_what_is_no_text_is_refused(value):
    with pytest.raises(BadInput, match="must be text"):
        one_line(value, "a name")


# ---- one function a language ----

TREE = {"a": ["\ud800", {"b\udcff": "\U0001f469"}], "c": ("x\n", 1, None)}


@given(st.text(), st.sampled_from(["", "\n"]))
def test_what_is_shown_is_printable_and_stays_when_shown_again(text, keep):
    said = shown(text, keep)
    assert all(printable(c) or c in keep for c in said)
    assert shown(said, keep) == said
    if all(map(printable, text)):
        assert said == text


@given(ANYTHING)
def test_an_error_is_one_printable_line_or_a_list(text):
    for said in (str(BadInput(text)), str(Failure(f"{text}: {listed([text, text])}"))):
        first, *items = said.split("\n")
        assert all(map(printable, first))
        assert all(item.startswith("  ") and all(map(printable, item)) for item in items)


@given(st.lists(ANYTHING.filter(lambda t: "\0" not in t and not HALVES.search(t)), min_size=1))
@settings(max_examples=40)
def test_a_shell_reads_the_very_words(words):
    command = in_shell(["printf", "%s\\0", *words])
    assert all(map(printable, command))
    done = subprocess.run(["bash", "-c", command.encode()], capture_output=True)
    assert done.stdout == b"".join(os.fsencode(w) + b"\0" for w in words)


HALVES = re.compile("[\ud800-\udc7f\udd00-\udfff]")
"""What no file's name can hold."""


def test_json_can_be_read_by_readers_that_refuse_half_characters():
    written = in_json(TREE)
    assert written.isascii()
    json.dumps(json.loads(written), ensure_ascii=False).encode()
    assert json.loads(written)["c"] == ["x\n", 1, None]
    assert json.loads(written)["a"][1] == {"b\\xff": "\U0001f469"}


def printed(text: str, terminal: bool = False) -> str:
    """A line, a table with a title, headings and cells, a list of progress."""
    from rich.table import Table

    people = console()
    people.file, people.width = io.StringIO(), 4000
    people._force_terminal = terminal
    table = Table(text, text, title=text, caption=text)
    table.add_row(text, "b")
    people.print(f"name {text}!", soft_wrap=True)
    people.print(table)
    return people.file.getvalue()


@given(ANYTHING)
def test_on_a_terminal_a_text_is_what_it_is_and_neither_markup_nor_control(text):
    said = printed(text)
    assert all(printable(c) or c == "\n" for c in said)
    assert said.startswith(f"name {shown(text, keep=chr(10))}!")
    line = shown(text, keep="\n").split("\n")[0].rstrip()
    assert said.count(line) >= 4


@given(ANYTHING)
def test_the_only_control_sequences_on_a_terminal_are_ours(text):
    ours = set(re.findall("\x1b[^m]*m", printed("plain", terminal=True)))
    assert set(re.findall("\x1b[^m]*m?", printed(text, terminal=True))) <= ours


def test_a_console_of_rich_itself_fails_this(monkeypatch):
    """The planted fault: what these tests would say of it."""
    from rich.console import Console
    from rich.errors import MarkupError

    monkeypatch.setitem(printed.__globals__, "console", Console)
    assert "[red]" not in printed("[red]stop")
    assert ":fire:" not in printed(":fire:")
    assert "\x1b" in printed("\x1b[31m")
    with pytest.raises(MarkupError):
        printed("[/] end")


@given(st.text())
def test_a_word_for_a_file_stays_in_its_folder_whatever_it_is(text):
    try:
        word = file_word(text, "a name")
    except BadInput:
        return
    assert Path("/a/b") / f"{word}.md" == Path(f"/a/b/{word}.md")
    assert Path(f"/a/b/{word}.md").parent == Path("/a/b")
    assert re.fullmatch(r"[^\s/\\:<>|?*\"'$`&;()\[\]{}~#!^]+", word)
    assert len(word.encode()) <= 120


@pytest.mark.parametrize(
    "text", ["..", ".", "-rf", "a/b", "a\\b", "CON", "aux.txt", "com1", "a b", "x.", "a:b"]
)
def test_what_means_something_else_to_a_file_system_or_a_shell_is_no_word(text):
    with pytest.raises(BadInput, match="one word"):
        file_word(text, "a name")


@pytest.mark.parametrize("text", ["sbu-methods", "v1.2", "_x", "हिन्दी", "conte", "a=b+c"])
def test_ordinary_words_of_any_language_are_words_for_files(text):
    assert file_word(text, "a name") == text


def test_texts_are_checked_wherever_they_lie_and_not_endlessly_deep():
    texts({"a": [1, None, ("b", {"c": 2.0})], 3: "x"}, "facts")
    for wrong in ({"a": ["b\n"]}, {"b\x1b": 1}, [[["\ud800"]]], "\u202e"):
        with pytest.raises(BadInput, match="facts"):
            texts(wrong, "facts")
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(BadInput, match="nested"):
        texts(deep, "facts")
