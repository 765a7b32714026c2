"""Text of strangers is one printable line, or it is refused where it enters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.errors import BadInput
from bandstop.text import one_line, printable


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
