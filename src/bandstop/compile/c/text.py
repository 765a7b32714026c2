"""C text: arrays, templates, and what one operation contributes to a file."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from string import Template

import numpy as np

from bandstop.compile.layout import Array
from bandstop.text import in_comment

TYPES = {"float32": "float", "int8": "int8_t", "uint8": "uint8_t", "uint16": "uint16_t",
         "uint32": "uint32_t"}  # fmt: skip
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, eq=False)
class Part:
    """What an operation adds to the file.

    layer   for whom its bytes are counted in the header comment
    arrays  read-only data
    code    functions
    call    the statement that carries it out
    more    read-only bytes that stand in `code`
    """

    layer: str
    arrays: tuple[Array, ...] = ()
    code: str = ""
    call: str = ""
    macs: int = 0
    scratch: int = 0
    more: int = 0
    notes: dict[str, str] = field(default_factory=dict)

    @property
    def bytes(self) -> int:
        return self.more + sum(a.bytes for a in self.arrays)


def filled(template: str, **values: object) -> str:
    """`$name` replaced by its value. Errors: KeyError for a name without one."""
    return Template(template).substitute({k: str(v) for k, v in values.items()})


def named(template: str, **values: object) -> str:
    """$NAME_WORD is the upper-case name before _WORD; everything else as `filled`."""
    return filled(template.replace("$NAME_", "${NAME}_"), **values)


def weights_of(kind: str) -> dict[str, str]:
    """How templates name the type of a weight, and the function that reads a vector of them."""
    return {"weight_type": kind, "load": "load_bytes" if kind == "int8_t" else "load"}


def number(value: float) -> str:
    """A float as C writes it, exact to the last bit.

    >>> number(0.1), number(1.0), number(-3e-9)
    ('0.1f', '1.0f', '-3e-09f')
    """
    text = np.format_float_scientific(np.float32(value), trim="-", unique=True)
    plain = np.format_float_positional(np.float32(value), trim="0", unique=True)
    return (plain if len(plain) <= len(text) + 2 else text) + "f"


def array(a: Array) -> str:
    """A static const array, aligned for the widest vector; one element where there would be none."""
    kind = TYPES[str(a.data.dtype)]
    values = a.data if a.data.size else np.zeros(1, dtype=a.data.dtype)
    words = [number(v) for v in values] if kind == "float" else [str(int(v)) for v in values]
    lines, line = [], "   "
    for word in words:
        if len(line) + len(word) > 98:
            lines.append(line)
            line = "   "
        line += f" {word},"
    lines.append(line)
    body = "\n".join(lines)
    return f"ALIGNED static const {kind} {a.name}[{len(values)}] = {{\n{body}\n}};\n"


def comment(lines: Iterable[str]) -> str:
    """The comment that heads a file."""
    return "/*\n" + "\n".join(f" * {in_comment(line)}".rstrip() for line in lines) + "\n */"


def identifier(name: str) -> str:
    """A file's stem as a C name.

    >>> identifier("my-net.v2"), identifier("3d"), identifier("wave")
    ('my_net_v2', 'net_3d', 'wave')
    """
    made = re.sub(r"[^A-Za-z0-9_]", "_", name)
    return made if NAME.fullmatch(made) else f"net_{made}"
