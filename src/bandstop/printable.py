"""What can be printed, and what stands for the rest: below errors, which say everything in it."""

from __future__ import annotations

import unicodedata

JOINERS = "\u200c\u200d"
"""Invisible, and yet part of ordinary words and signs: zero-width non-joiner and joiner."""
HIDDEN = ("Cc", "Cf", "Cs", "Cn", "Zl", "Zp")
"""Controls, invisible signs, half characters, nothing at all, ends of lines and paragraphs."""


def printable(character: str) -> bool:
    """Whether a character can stand in a line of text and be seen, or joins those that can."""
    return character in JOINERS or unicodedata.category(character) not in HIDDEN


def shown(value: object, keep: str = "") -> str:
    r"""`str(value)` with an escape for every character that is not printable, but those of `keep`.

    A byte of a file's name that is not UTF-8 is shown as that byte.

    >>> print(shown("a\nb\x1b[31m\u202e"), shown("net-\udcff.c"))
    a\nb\x1b[31m\u202e net-\xff.c
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c in keep or printable(c) else _escape(c) for c in text)


def _escape(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds such a byte
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
