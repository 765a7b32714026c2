"""Text that somebody else wrote: one printable line where it enters, escaped where it goes on.

Names of classes, joints, units, files and people come from data sets, bundles and records of
strangers, and go into C, JavaScript, HTML, Markdown and terminals. What enters is checked by
`one_line`; what goes into another language is escaped by that language's one function below.
"""

from __future__ import annotations

import unicodedata

from bandstop.errors import BadInput

LONGEST = 200
"""Characters of the longest name that is read."""
JOINERS = "\u200c\u200d"
"""Invisible, and yet part of ordinary words and signs: zero-width non-joiner and joiner."""


def one_line(value: object, what: str, longest: int = LONGEST, empty: bool = False) -> str:
    """`value` where it is a text of one printable line.

    No control character, line break, lone surrogate, and nothing that is invisible or turns the
    direction of writing; at most `longest` characters; not empty unless `empty`.

    Errors: BadInput naming `what`, the value and the character.

    >>> one_line("left hand", "a joint's name")
    'left hand'
    >>> one_line("a\\nb", "a unit")
    Traceback (most recent call last):
    bandstop.errors.BadInput: a unit must be one printable line, not 'a\\nb' (U+000A); rename it
    """
    if not isinstance(value, str):
        raise BadInput(f"{what} must be text, not {_short(value)}; put it in quotes")
    if not value.strip() and not empty:
        raise BadInput(f"{what} is empty; give it a name")
    for character in value:
        if not printable(character):
            raise BadInput(
                f"{what} must be one printable line, not {_short(value)} "
                f"(U+{ord(character):04X}); rename it"
            )
    if len(value) > longest:
        raise BadInput(
            f"{what} has {len(value)} characters, more than {longest}: {_short(value)}; shorten it"
        )
    return value


def printable(character: str) -> bool:
    """Whether a character can stand in a line of text and be seen, or joins those that can."""
    return character in JOINERS or unicodedata.category(character) not in (
        "Cc", "Cf", "Cs", "Cn", "Zl", "Zp",
    )  # fmt: skip


def _short(value: object) -> str:
    said = ascii(value) if not isinstance(value, str) else ascii(value[:60])
    return said if len(said) <= 80 else f"{said[:76]}…"
