"""What is done to a good file: to its bytes, its lines, its JSON, its arrays, its tensors.

Everything is drawn from one `random.Random`, so a number makes the same file again.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzz.containers import npy, tensors, tensors_header, zip_header, zip_members
from fuzz.plain import json_text, json_value, lines, raw

LARGE = 2**25
"""A file that has grown beyond is left as it is."""


def mutate(files: dict[str, bytes], random: Random) -> dict[str, bytes]:
    """The same files with one of them, rarely two, mutated once to four times."""
    files = dict(files)
    for _ in range(random.choice([1, 1, 1, 2])):
        name = random.choice(sorted(files))
        content = files[name]
        for _ in range(random.choice([1, 1, 1, 2, 4])):
            if len(content) > LARGE:
                break
            try:
                content = random.choice(ways(content))(content, random)
            except RecursionError:  # it was nested deeply by the step before
                content = raw(content, random)
        files[name] = content
    if random.random() < 0.02:
        del files[random.choice(sorted(files))]
    return files


def ways(content: bytes) -> list[Callable[[bytes, Random], bytes]]:
    """The mutations that a content of this kind can undergo; those of its structure thrice as often."""
    own: list[Callable[[bytes, Random], bytes]] = []
    if content[:4] == b"PK\x03\x04":
        own = [zip_members, zip_members, zip_header]
    elif content[:6] == b"\x93NUMPY":
        own = [npy]
    elif content[8:9] == b"{":
        own = [tensors, tensors, tensors_header]
    elif content[:1] in (b"{", b"[", b'"'):
        own = [json_value, json_value, json_text]
    elif content.count(b"\n") and b"\x00" not in content[:200]:
        own = [lines, lines, lines]
    return [*own, *own, raw]
