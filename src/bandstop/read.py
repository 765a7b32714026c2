"""Reading what somebody else wrote: regular files within a limit, every parser behind one boundary.

Whatever a file holds, a reader gives plain values or BadInput with the file's name: never what a
parser happens to raise, never memory that the file does not have, never a wait for a pipe.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import stat
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from bandstop.errors import BadInput, short


@dataclass(frozen=True)
class Kind:
    """Of a kind of file: the most bytes that are read, and what to do about one that is no good."""

    bytes: int
    remedy: str


KINDS: dict[str, Kind] = {
    "bundle": Kind(2**31, "copy it again or design it anew"),
    "checkpoint": Kind(2**33, "delete it and run again"),
    "record": Kind(2**28, "run it again"),
    "listing": Kind(2**24, "make the table again"),
    "log": Kind(2**28, "run it again"),
    "options": Kind(2**18, "mend the line"),
    "skeleton": Kind(2**20, "mend it"),
    "index": Kind(2**26, "mend it"),
    "recording": Kind(2**28, "record or copy it again"),
    "arrays": Kind(2**36, "write or copy it again"),
    "model": Kind(2**31, "export or copy it again"),
}
DEEPEST = 32
"""Levels of the deepest JSON or TOML that is read; ours has six."""
LARGEST = 2**63 - 1
"""The largest whole number that is read."""


def _handle(path: Path, kind: str) -> tuple[int, int]:
    """The operating system's number of the opened file, and its size in bytes."""
    try:
        # without waiting, where it is a pipe that nobody writes to
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError as error:
        raise BadInput(f"{path} cannot be read: it does not exist; look at its name") from error
    except OSError as error:
        raise _unreadable(path, error) from error
    except ValueError as error:  # a null character
        raise BadInput(f"{str(path)!r} is no name of a file ({error}); look at its name") from error
    found, most = os.fstat(handle), KINDS[kind].bytes
    why = ""
    if stat.S_ISDIR(found.st_mode):
        why = f"{path} cannot be read: it is a folder; give a file"
    elif not stat.S_ISREG(found.st_mode):
        why = f"{path} cannot be read: it is a pipe or a device; copy it into a regular file"
    elif found.st_size > most:
        why = (
            f"{path} has {found.st_size} bytes, and a file of this kind ({kind}) at most {most}; "
            f"{KINDS[kind].remedy}"
        )
    if why:
        os.close(handle)
        raise BadInput(why)
    return handle, found.st_size


def _unreadable(path: Path, error: OSError) -> BadInput:
    return BadInput(f"{path} cannot be read: {error.strerror or error}; look at it and its folder")


@contextlib.contextmanager
def opened(path: Path, kind: str) -> Iterator[tuple[BinaryIO, int]]:
    """The file and its size in bytes. Errors: BadInput for what is missing, a folder, a pipe or a
    device (without waiting for it), longer than its kind may be, or cannot be read."""
    handle, size = _handle(path, kind)
    with open(handle, "rb") as file:
        try:
            yield file, size
        except OSError as error:
            raise _unreadable(path, error) from error


def read_bytes(path: Path, kind: str) -> bytes:
    """The whole file. Errors: as `opened`."""
    handle, size = _handle(path, kind)
    try:
        content = os.read(handle, size)
        while len(content) < size and (more := os.read(handle, size - len(content))):
            content += more
        return content
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(handle)


def read_text(path: Path, kind: str) -> str:
    """The whole file, UTF-8 with or without its mark, every line end as one newline.

    Errors: as `opened`, and BadInput for what is not text.
    """
    content = read_bytes(path, kind)
    if (null := content.find(b"\0")) >= 0:
        raise BadInput(f"{path} is not a text file (byte {null} is 0); {KINDS[kind].remedy}")
    if b"\r" in content:  # bytes know no other line ends than \n, \r and both, and are split faster
        content = b"\n".join(content.splitlines())
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise BadInput(
            f"{path} is not a text file (line {line} is not UTF-8); {KINDS[kind].remedy}"
        ) from error


def parse_json(text: str, what: str, remedy: str) -> Any:
    """The value of a JSON text that is JSON: no NaN, no key twice, nothing deep or huge.

    Errors: BadInput naming `what`.
    """
    try:
        value = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_each_once)
        _tame(value, surrogates="\\u" in text, finite=True)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{what} is not valid JSON: {_why(error)}; {remedy}") from error
    return value


def read_json(path: Path, kind: str) -> Any:
    """The value in a JSON file. Errors: as `read_text` and `parse_json`."""
    return parse_json(read_text(path, kind), str(path), KINDS[kind].remedy)


def read_toml(path: Path, kind: str) -> dict[str, Any]:
    """The table in a TOML file. Errors: as `read_text`, and BadInput for what is no TOML."""
    text = read_text(path, kind)
    try:
        value = tomllib.loads(text)
        _tame(value, surrogates=False, finite=False)  # TOML has words for what is not finite
    except Exception as error:  # on damaged files its parser raises whatever comes
        raise BadInput(f"{path} is not valid TOML: {_why(error)}; {KINDS[kind].remedy}") from error
    return value


def _why(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return f"it is nested deeper than {DEEPEST} levels"
    words = "a number has too many digits" if "int_max_str_digits" in str(error) else str(error)
    return short(words, quoted=False)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {short(twice)} stands there twice")
    return made


def _tame(value: Any, surrogates: bool, finite: bool, left: int = DEEPEST) -> None:
    """Errors: ValueError for a value that is too deep, for numbers beyond 64 bits or infinity, and
    for half characters (but those that stand for a path's bytes) where there may be some."""
    kind = type(value)
    if kind is dict or kind is list:
        if left == 0:
            raise ValueError(f"it is nested deeper than {DEEPEST} levels")
        if kind is dict:
            for key in value:
                if surrogates:
                    _whole_characters(key)
        for item in value.values() if kind is dict else value:
            _tame(item, surrogates, finite, left - 1)
    elif kind is int:
        if not -LARGEST <= value <= LARGEST:
            raise ValueError("a number has too many digits")
    elif kind is float:
        if finite and not math.isfinite(value):
            raise ValueError("a number is not finite")
    elif kind is str and surrogates:
        _whole_characters(value)


_HALF = re.compile("[\ud800-\udc7f\udd00-\udfff]")


def _whole_characters(text: str) -> None:
    if _HALF.search(text):
        raise ValueError(f"{short(text)} holds half a character (a lone surrogate)")


_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def number(text: str) -> float:
    """The number that a text of ASCII digits spells; what Python reads beside that (1_0, nan, ٣) is
    none. Errors: ValueError.

    >>> number("-1.5e3")
    -1500.0
    >>> number("1_0")
    Traceback (most recent call last):
    ValueError: '1_0' is not a number
    """
    plain = text.strip(" \t")
    if not _NUMBER.fullmatch(plain):
        raise ValueError(f"{short(text)} is not a number")
    return float(plain)


def whole(text: str) -> int:
    """The whole number, of at most 18 ASCII digits, that a text spells. Errors: ValueError.

    >>> whole("007")
    7
    """
    plain = text.strip(" \t")
    if not _WHOLE.fullmatch(plain):
        raise ValueError(f"{short(text)} is not a whole number")
    return int(plain)
