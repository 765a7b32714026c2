"""A fingerprint of values: equal values have one, and values that differ in anything have two.

What is hashed is written unambiguously first: every value as its kind, its length and its content, so
that no text can stand for a number, a list, or where the next value begins.

    fingerprint(("ab", "c")) != fingerprint(("a", "bc"))
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass

import numpy as np


def fingerprint(value: object, digits: int = 64) -> str:
    """The first `digits` hexadecimal digits of the SHA-256 of a value.

    value  None, true, false, numbers, texts, bytes, arrays; lists, tuples, mappings and dataclasses of them

    >>> fingerprint(("ab", "c"), 8), fingerprint(("a", "bc"), 8), fingerprint("1", 8), fingerprint(1, 8)
    ('42a3fb26', '711993e2', 'a787488d', 'ee36f666')
    """
    made = hashlib.sha256()
    for part in encoded(value):
        made.update(part)
    return made.hexdigest()[:digits]


def encoded(value: object) -> Iterator[bytes]:
    """The value as bytes from which it could be read back: kind, length, content."""
    match value:
        case np.generic():
            yield from encoded(value.item())
        case None | bool() | int() | float():
            yield _framed(type(value).__name__, repr(value).encode())
        case str():
            yield _framed("str", value.encode("utf-8", "surrogatepass"))
        case bytes():
            yield _framed("bytes", value)
        case np.ndarray():
            yield _framed("array", f"{value.dtype.str} {value.shape}".encode())
            yield np.ascontiguousarray(value).tobytes()
        case list() | tuple():
            yield _framed("list", str(len(value)).encode())
            for item in value:
                yield from encoded(item)
        case Mapping():
            yield _framed("mapping", str(len(value)).encode())
            for key in sorted(value):
                yield from encoded(key)
                yield from encoded(value[key])
        case _ if is_dataclass(value) and not isinstance(value, type):
            yield from encoded({f.name: getattr(value, f.name) for f in fields(value)})
        case _:
            raise TypeError(f"no fingerprint of a {type(value).__name__}")


def _framed(kind: str, content: bytes) -> bytes:
    return f"{kind} {len(content)}:".encode() + content
