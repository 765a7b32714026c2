"""What the parts of a file must be, as values: `RECORD.check(values)`.

A check knows nothing of files; it takes what JSON gives and raises BadInput naming the place. True is
no number, 1.0 no whole number, and a key that is not known no part.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bandstop.errors import BadInput, nearest, short
from bandstop.read import LARGEST
from bandstop.text import one_line

LONG = 100_000
"""Characters of a text that is not a name: a note, a path, packed bits have limits of their own."""


class Check(Protocol):
    def check(self, value: Any, where: str = "") -> None:
        """Errors: BadInput for a value that is not as it must be."""


def _not(where: str, words: str, value: Any) -> BadInput:
    return BadInput(f"{where or 'what it holds'} must be {words}, not {short(value)}")


def _within(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


@dataclass(frozen=True)
class Whole:
    """A whole number in [low, high]."""

    low: int = 0
    high: int = LARGEST

    def check(self, value: Any, where: str = "") -> None:
        if type(value) is not int or not self.low <= value <= self.high:
            top = f" to {self.high}" if self.high < LARGEST else ""
            raise _not(where, f"a whole number from {self.low}{top}", value)


@dataclass(frozen=True)
class Number:
    """A finite number in [low, high], or below `high` where it is open."""

    low: float = -1e18
    high: float = 1e18
    open: bool = False

    def check(self, value: Any, where: str = "") -> None:
        within = type(value) in (int, float) and self.low <= value <= self.high  # NaN is not
        if not within or (self.open and value == self.high):
            end = ")" if self.open else "]"
            raise _not(where, f"a number in [{self.low:g}, {self.high:g}{end}", value)


@dataclass(frozen=True)
class Text:
    """A text of at most `longest` characters; a `line`, which may be empty, is seen as it is."""

    longest: int = LONG
    line: bool = False

    def check(self, value: Any, where: str = "") -> None:
        if self.line:
            one_line(value, where, self.longest, empty=True)
        elif not isinstance(value, str) or len(value) > self.longest:
            raise _not(where, f"a text of at most {self.longest} characters", value)


@dataclass(frozen=True)
class OneOf:
    """One of these words, or true or false."""

    choices: tuple[Any, ...]

    def check(self, value: Any, where: str = "") -> None:
        if not any(type(value) is type(choice) and value == choice for choice in self.choices):
            raise _not(where, f"one of {', '.join(map(str, self.choices))}", value)


@dataclass(frozen=True)
class Any_:
    """Anything that JSON can say."""

    def check(self, value: Any, where: str = "") -> None:
        pass


@dataclass(frozen=True)
class Maybe:
    """Null, or what `item` says."""

    item: Check

    def check(self, value: Any, where: str = "") -> None:
        if value is not None:
            self.item.check(value, where)


@dataclass(frozen=True)
class Many:
    """A list of `least` to `most` items, which differ from each other where they are `distinct`."""

    item: Check
    least: int = 0
    most: int = 10**7
    distinct: bool = False

    def check(self, value: Any, where: str = "") -> None:
        if not isinstance(value, list):
            raise _not(where, "a list", value)
        if not self.least <= len(value) <= self.most:
            raise BadInput(
                f"{where} must have {self.least} to {self.most} items, and has {len(value)}"
            )
        for number, item in enumerate(value):
            self.item.check(item, f"{where}[{number}]")
        if self.distinct and len(set(value)) < len(value):
            raise BadInput(f"{where} must hold each item once")


@dataclass(frozen=True)
class Named:
    """A mapping of at most `most` names of any kind to `item`."""

    item: Check
    most: int = 1000

    def check(self, value: Any, where: str = "") -> None:
        if not isinstance(value, dict) or len(value) > self.most:
            raise _not(where, f"a mapping of at most {self.most} names", value)
        for name, item in value.items():
            one_line(name, f"a name in {where}", empty=True)
            self.item.check(item, _within(where, name))


@dataclass(frozen=True)
class Fields:
    """A mapping that has all of `required`, may have `optional`, and more only where it is `open`."""

    required: Mapping[str, Check]
    optional: Mapping[str, Check] = field(default_factory=dict)
    open: bool = False

    def check(self, value: Any, where: str = "") -> None:
        if not isinstance(value, dict):
            raise _not(where, "a mapping", value)
        known = {**self.required, **self.optional}
        for name in self.required:
            if name not in value:
                raise BadInput(f"{where or 'it'} lacks {name} and needs {', '.join(self.required)}")
        for name, item in value.items():
            if name in known:
                known[name].check(item, _within(where, name))
            elif not self.open:
                raise BadInput(
                    f"{where or 'it'} has an unknown part {short(name)}{nearest(name, known)}"
                )


COUNT = Whole(0)
FRACTION = Number(0, 1)
LINE = Text(200, line=True)
