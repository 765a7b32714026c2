"""The two ways a command can end badly. Everything else that is raised is a defect of ours.

A message is one sentence: the rule, the name, the value, the remedy.
"""

from __future__ import annotations

import difflib
import re
import reprlib
from collections.abc import Iterable
from itertools import islice

from bandstop.printable import shown

SHOWN = 80
"""Characters of a file's value that a message repeats."""
COMPARED = 100
"""How many names a wrong one is compared with, and how long they may be: a file may hold any number."""


class BandstopError(Exception):
    r"""Base of the errors that a user can do something about; `exit_code` is the process's.

    The sentence can be printed anywhere, whatever names and paths are in it: it is one line, or a list
    as `listed` makes it.

    >>> print(BadInput("a\nb\x1b[31m is not a folder"))
    a\nb\x1b[31m is not a folder
    """

    exit_code = 1

    def __init__(self, sentence: str) -> None:
        super().__init__(_NO_LIST.sub(r"\\n", shown(sentence, keep="\n")))


_NO_LIST = re.compile(r"\n(?!  \S)")
"""A line break that `listed` did not make."""


class BadInput(BandstopError, ValueError):
    """What was handed in breaks a rule: a file, a line, an option, a shape (exit code 2)."""

    exit_code = 2


class OtherVersion(BadInput):
    """A file of ours that another version of bandstop wrote: not damaged, and not to be overwritten."""


class Failure(BandstopError, RuntimeError):
    """The input was right and yet it did not work: a full disk, a failed verification (exit code 1)."""

    exit_code = 1


class Missing(Failure):
    """A package or a program is needed that is not installed; the message says how to get it."""


def listed(problems: list[str], limit: int = 10) -> str:
    """All problems in one message: one as it is, several as an indented list, cut after `limit`.

    >>> listed(["rate is 2"])
    'rate is 2'
    >>> print(listed(["a", "b"]))
    2 problems:
      a
      b
    """
    if len(problems) == 1:
        return problems[0]
    lines = [f"{len(problems)} problems:", *(f"  {p}" for p in problems[:limit])]
    if len(problems) > limit:
        lines.append(f"  … and {len(problems) - limit} more")
    return "\n".join(lines)


def nearest(name: str, names: Iterable[str]) -> str:
    """`; did you mean 'pmp'?` for a near miss, else nothing: the end of an error about a wrong name.

    >>> nearest("pmpp", ["dense", "pmp"])
    "; did you mean 'pmp'?"
    >>> nearest("SBU", ["sbu", "fpha"])
    "; did you mean 'sbu'?"
    >>> nearest("zzz", ["dense", "pmp"])
    ''
    """
    known = {each.lower(): each for each in islice(names, COMPARED) if len(each) <= COMPARED}
    lower = name.lower() if len(name) <= COMPARED else ""
    close = difflib.get_close_matches(lower, list(known), n=1, cutoff=0.5)
    return f"; did you mean {known[close[0]]!r}?" if close else ""


def several(names: Iterable[str], limit: int = 10) -> str:
    """Names in one line, cut after `limit`: those of a file may be any number, and of any length.

    >>> several(["wave", "push"]), several("abcd", 2)
    ('wave, push', 'a, b, … and 2 more')
    """
    every = [*names]
    shown = ", ".join(short(name, quoted=False) for name in every[:limit])
    return shown + (f", … and {len(every) - limit} more" if len(every) > limit else "")


def short(value: object, quoted: bool = True) -> str:
    """A value from a file as it may stand in a message: one line, cut after SHOWN characters.

    >>> short("a\\nb"), short([1, 2]), len(short("x" * 1000)) < 100
    ("'a\\\\nb'", '[1, 2]', True)
    """
    if type(value) is int and value.bit_length() > 1000:
        return "a number of very many digits"
    if isinstance(value, str) and not quoted:
        words = " ".join(value[: SHOWN + 1].split())
    else:
        words = _BRIEF.repr(value)
    return words if len(words) <= SHOWN + 2 else f"{words[:SHOWN]}…"


_BRIEF = reprlib.Repr()
_BRIEF.maxstring = _BRIEF.maxother = SHOWN
