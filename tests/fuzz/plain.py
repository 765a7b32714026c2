"""What is done to bytes, to the lines of a text, to JSON."""

from __future__ import annotations

import copy
import json
import re
import struct
from random import Random
from typing import Any

TOKENS = [
    "NaN", "Infinity", "-inf", "nan", "1e999", "-1", "0", "1.0", "1_0", "0x10", "1e-400", "9" * 5000,
    "9" * 19, "٣", "１", "²", "true", "null", "''", '"', ",", ";", "\t", "\r", "\n\n", "\x00", "\x0b",
    "\x1c", "\x85", "\u2028", "\ufeff", "\\ud800", "../canary", "/etc/passwd", "a" * 100_000,
    "[" * 100_000, '{"a":' * 20_000, "," * 50_000, "$x^$", "*/ int x;", "[/red]", "<script>", "|", "`",
    "\u202e", "train", "test", "-", "100000000", "4294967296", "18446744073709551615",
    "-9223372036854775808", "1e308", "3e38", "=1+1",
]  # fmt: skip
RAW = [token.encode() for token in TOKENS] + [
    b"\xff\xfe", b"\x80", b"\xed\xa0\x80", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\x00",
    b"\x93NUMPY\x03\x00", b"\xff" * 8, b"\x00" * 64, struct.pack("<Q", 2**63),
    struct.pack("<Q", 100_000_000),
]  # fmt: skip
ODD: list[Any] = [
    None, True, False, 0, 1, -1, 2, 1.0, 0.5, -0.0, 1.5, 1e308, 1e-320, 2**26, 2**31, 2**53, 2**63,
    10**30, "", "x", "1", "x" * 300, "a\nb", "\u2028", "*/", "$x^$", "\udcff", "\ud800", "../x", [], {},
    [1], [[]], {"a": 1}, "@DEEP@", "@DIGITS@", "@NAN@", "@HUGE@", "@TWICE@", [0] * 5000,
]  # fmt: skip
TEXTUAL = {
    '"@DEEP@"': "[" * 50_000 + "]" * 50_000, '"@DIGITS@"': "7" * 6000, '"@NAN@"': "NaN", '"@HUGE@"': "1e999",
    '"@TWICE@"': '{"a": 1, "a": 2}',
}  # fmt: skip


# --- bytes --------------------------------------------------------------------------------------


def raw(content: bytes, random: Random) -> bytes:
    a, b = sorted(random.randint(0, len(content)) for _ in range(2))
    b = min(b, a + random.choice([1, 4, 64, 10**6]))
    way = random.choice(["flip", "cut", "drop", "twice", "token", "over", "swap", "noise"])
    if way == "flip" and content:
        at = min(a, len(content) - 1)
        return content[:at] + bytes([content[at] ^ (1 << random.randrange(8))]) + content[at + 1 :]
    if way == "cut":
        return content[:a]
    if way == "drop":
        return content[:a] + content[b:]
    if way == "twice":
        return content[:b] + content[a:]
    if way == "token":
        return content[:a] + random.choice(RAW) + content[a:]
    if way == "over":
        token = random.choice(RAW)
        return content[:a] + token + content[a + len(token) :]
    if way == "swap":
        return content[b:] + content[:a] + content[a:b]
    return content[:a] + random.randbytes(random.choice([1, 8, 300])) + content[b:]


# --- lines --------------------------------------------------------------------------------------


def lines(content: bytes, random: Random) -> bytes:
    """A field, a line or the separators of a text."""
    try:
        rows = content.decode().split("\n")
    except UnicodeDecodeError:
        return raw(content, random)
    at = random.randrange(len(rows))
    parts = re.split(r"([,\s=]+)", rows[at])
    field = 2 * random.randrange((len(parts) + 1) // 2)
    way = random.choice(
        ["token", "token", "number", "drop field", "drop", "twice", "swap", "many", "mark", "ends"]
    )
    if way == "token":
        parts[field] = random.choice(TOKENS)
    elif way == "number":
        try:
            value = float(parts[field])
        except ValueError:
            value = 1.0
        parts[field] = str(
            random.choice([-value, value * 1e300, value + 1, int(value), value * 1e-300])
        )
    elif way == "drop field":
        del parts[field : field + 2]
    rows[at] = "".join(parts)
    if way == "drop":
        del rows[at]
    elif way == "twice":
        rows.insert(random.randrange(len(rows)), rows[at])
    elif way == "swap":
        other = random.randrange(len(rows))
        rows[at], rows[other] = rows[other], rows[at]
    elif way == "many":
        rows[at:at] = [rows[at]] * 3000
    elif way == "mark":
        old, new = random.choice(
            [(",", ";"), (".", ","), (" ", "\t"), ("\n", "\x1c"), ("1", "1_1")]
        )
        return "\n".join(rows).replace(old, new).encode(errors="replace")
    end = random.choice(["\r\n", "\r"]) if way == "ends" else "\n"
    return end.join(rows).encode(errors="replace")


# --- JSON ---------------------------------------------------------------------------------------


def json_value(content: bytes, random: Random) -> bytes:
    """One place in the structure: another type, gone, doubled, another number."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return raw(content, random)
    return spelled(changed(value, random))


def json_text(content: bytes, random: Random) -> bytes:
    """What no JSON library writes: a key twice, a token where a value stood."""
    text = content.decode(errors="replace")
    keys = list(re.finditer(r'"[^"]*"\s*:', text))
    if keys and random.random() < 0.5:
        key = random.choice(keys)
        return (text[: key.start()] + key[0] + "1," + text[key.start() :]).encode(errors="replace")
    values = list(re.finditer(r"-?\d+(\.\d+)?", text))
    if not values:
        return raw(content, random)
    found = random.choice(values)
    return (text[: found.start()] + random.choice(TOKENS) + text[found.end() :]).encode(
        errors="replace"
    )


def spelled(value: Any) -> bytes:
    text = json.dumps(value)
    for mark, words in TEXTUAL.items():
        text = text.replace(mark, words)
    return text.encode()


def places(value: Any) -> list[tuple[Any, Any]]:
    """(container, key) of every value in a structure."""
    found = []
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        found.append((value, key))
        found += places(inner)
    return found


def changed(value: Any, random: Random) -> Any:
    value = copy.deepcopy(value)
    every = places(value)
    if not every:
        return random.choice(ODD)
    shallow = [p for p in every if isinstance(p[0], dict)] or every
    holder, key = random.choice(random.choice([every, shallow]))
    old = holder[key]
    way = random.choice(["odd", "odd", "odd", "drop", "number", "twice", "rename", "other", "type"])
    if way == "odd":
        holder[key] = copy.deepcopy(random.choice(ODD))
    elif way == "drop":
        del holder[key]
    elif way == "number" and type(old) in (int, float):
        holder[key] = random.choice(
            [-old, old + 1, old - 1, float(old), old * 2**20, old / 2, old * 1e30]
        )
    elif way == "twice" and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(old))
    elif way == "rename" and isinstance(holder, dict):
        holder[random.choice(["", "x", f"{key}s", "a" * 1000, "../x", "\ud800"])] = holder.pop(key)
    elif way == "other":
        other, place = random.choice(every)
        if other is not old and place in (other if isinstance(other, dict) else range(len(other))):
            holder[key] = copy.deepcopy(other[place])
    else:
        holder[key] = random.choice([str(old), [old], {"value": old}, [old] * 300])
    return value
