"""Text that somebody else wrote: one printable line where it enters, escaped where it goes on.

Names of classes, joints, units, files and people come from data sets, bundles and records of
strangers, and go into C, JavaScript, HTML, Markdown and terminals. What enters is checked by
`one_line`; what goes into another language is escaped by that language's one function below, whether
it was checked or not: paths may hold anything.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shlex
import unicodedata
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING, Any

from bandstop.errors import BadInput
from bandstop.printable import printable, shown

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "LONGEST", "LONGEST_PATH", "console", "file_word", "in_c_string", "in_comment", "in_csv", "in_html",
    "in_javascript", "in_json", "in_markdown", "in_shell", "one_line", "printable", "shown", "texts",
]  # fmt: skip

LONGEST = 200
"""Characters of the longest name that is read."""
LONGEST_PATH = 4096
"""Characters of the longest text that names a file, or a recording by its file."""
DEEPEST = 20
"""How many lists and mappings may lie in each other where any may."""
LONGEST_WORD = 120
"""Bytes of the longest word that becomes a part of a file's name."""


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
    if not value.isprintable():
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


def texts(value: object, what: str, depth: int = 0) -> None:
    """Checks every text in nested lists and mappings, keys included, by `one_line`.

    Errors: BadInput naming where it stands, or what is nested more than DEEPEST times.
    """
    if depth > DEEPEST:
        raise BadInput(f"{what}: lists or mappings are nested more than {DEEPEST} times")
    if isinstance(value, str):
        one_line(value, what, LONGEST_PATH, empty=True)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            texts(key, f"a key of {what}", depth + 1)
            texts(item, f"{what}, {str(key)[:LONGEST]}" if depth < 2 else what, depth + 1)
    elif isinstance(value, list | tuple):
        for item in value:
            texts(item, what, depth + 1)


WORD = "_.+=-"
"""What may stand in a file's name beside letters and digits."""
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)
"""Names that Windows keeps for itself, whatever their ending."""


def file_word(value: object, what: str) -> str:
    """`value` where it can be a part of a file's name on any system: letters and digits of any
    language and _ . + = -, beginning with none of the last four.

    Errors: BadInput naming `what` and the value.

    >>> file_word("sbu-methods", "a table's name")
    'sbu-methods'
    >>> file_word("../x", "a table's name")
    Traceback (most recent call last):
    bandstop.errors.BadInput: a table's name must be one word of letters, digits and _.+=-, beginning with a letter, a digit or _, not '../x'; rename it
    """  # noqa: E501
    word = one_line(value, what)
    if (
        not all(c in WORD or unicodedata.category(c)[0] in "LNM" for c in word)
        or word[0] in WORD[1:]
        or word.endswith(".")
        or DEVICES.fullmatch(word)
    ):
        raise BadInput(
            f"{what} must be one word of letters, digits and {WORD}, beginning with a letter, a digit "
            f"or _, not {_short(word)}; rename it"
        )
    if len(word.encode()) > LONGEST_WORD:
        raise BadInput(f"{what} is longer than {LONGEST_WORD} bytes: {_short(word)}; shorten it")
    return word


def _short(value: object) -> str:
    said = ascii(value) if not isinstance(value, str) else ascii(value[:60])
    return said if len(said) <= 80 else f"{said[:76]}…"


# ---- one function a language ----


def in_comment(text: object) -> str:
    r"""Within a comment of C, C++ or JavaScript, in ASCII.

    Nothing that ends the comment or opens another, makes the next line a part of this one (a backslash
    at its end, `??/`), or ends the script of a page.

    >>> print(in_comment("mm */ int x; // \u00b5m \\"))
    mm * / int x; // \xb5m \x5c
    """
    plain = shown(text).encode("ascii", "backslashreplace").decode()
    return _LAST_BACKSLASH.sub(r"\\x5c", _PAIRS.sub(r"\g<0> ", plain))


_PAIRS = re.compile(r"\*(?=/)|/(?=\*)|\?(?=\?)|<(?=[/!])")
_LAST_BACKSLASH = re.compile(r"\\(?=\s*$)")


def in_c_string(text: object) -> str:
    r"""As a string of C, quotes included: UTF-8, beyond plain ASCII as octal escapes, which cannot grow
    longer.

    >>> print(in_c_string('say "é"?'))
    "say \042\303\251\042\077"
    """
    plain = (
        chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}"
        for b in shown(text).encode()
    )
    return f'"{"".join(plain)}"'


def in_javascript(value: object) -> str:
    r"""Texts, numbers, lists of them as JavaScript, in ASCII; safe within a page's script as well.

    >>> print(in_javascript(["</script>"]))
    ["\u003c/script>"]
    """
    return in_json(value).replace("<", "\\u003c")


def in_json(value: object) -> str:
    r"""As JSON in ASCII. A text that UTF-8 cannot hold, such as a path with a stray byte, has it shown:
    other readers refuse half characters.

    >>> print(in_json({"é": "net-\udcff"}))
    {"\u00e9": "net-\\xff"}
    """
    return json.dumps(_whole(value))


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return _HALVES.sub(lambda half: shown(half[0]), value)
    if isinstance(value, Mapping):
        return {_whole(key): _whole(item) for key, item in value.items()}
    return [_whole(item) for item in value] if isinstance(value, list | tuple) else value


_HALVES = re.compile("[\ud800-\udfff]")


def in_html(text: object) -> str:
    """As text or as an attribute's value in quotes, of HTML and SVG.

    >>> in_html("<b title='x'>")
    '&lt;b title=&#x27;x&#x27;&gt;'
    """
    return escape(shown(text))


def in_markdown(text: object) -> str:
    """Within a line of Markdown or a cell of its tables: what could be a sign of it is an entity.

    >>> in_markdown("a|b `c` [d](e) pmp-0.9, 5 %")
    'a&#124;b &#96;c&#96; &#91;d&#93;(e) pmp-0.9, 5 %'
    """
    return _SIGNS.sub(lambda sign: f"&#{ord(sign[0])};", shown(text))


_SIGNS = re.compile(r"[\\`*_\[\]<>#!|~$&]|:(?! )")


def in_shell(words: Iterable[object]) -> str:
    r"""A command that a shell reads as these very words, in one printable line.

    >>> print(in_shell(["bandstop", "it's", "a\nb\udcff"]))
    bandstop 'it'"'"'s' $'a\x0ab\xff'
    """
    return " ".join(_quoted(str(word)) for word in words)


def _quoted(word: str) -> str:
    if all(map(printable, word)):
        return f"'{word}'" if re.fullmatch("=[^']*", word) else shlex.quote(word)  # zsh expands =ls
    signs = {"'": r"\'", "\\": r"\\"}
    return f"$'{''.join(signs.get(c) or (c if printable(c) else _bytes(c)) for c in word)}'"


def _bytes(character: str) -> str:
    try:
        held = os.fsencode(character)
    except UnicodeEncodeError:  # half of a character, which no file's name can hold
        held = character.encode("utf-8", "surrogatepass")
    return "".join(f"\\x{byte:02x}" for byte in held)


def in_csv(rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV. A text that a spreadsheet would carry out begins with an apostrophe.

    >>> in_csv([["name", "n"], ["=cmd|x", -1]])
    "name,n\\n'=cmd|x,-1\\n"
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for row in rows:
        writer.writerow([_cell(value) if isinstance(value, str) else value for value in row])
    return text.getvalue()


def _cell(text: str) -> str:
    return f"'{shown(text)}" if text.startswith(_FORMULAS) else shown(text)


_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def console(stderr: bool = False) -> Console:
    """Where people read: no text is markup, an emoji's name or a control sequence, also in tables."""
    from rich.console import Console
    from rich.text import Text

    class Plain(Console):
        def render_str(self, text: str, **options: Any) -> Text:
            return super().render_str(shown(text, keep="\n"), **options)

    return Plain(stderr=stderr, highlight=False, markup=False, emoji=False)
