"""How a spreadsheet wrote a table: which separator, which quotes, decimal points or commas.

The header says the separator and the quotes, for its names are known; the numbers say the decimal mark.
Whatever it was, what is handed on is the plain dialect: commas between the fields, points in the numbers.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bandstop.errors import BadInput, short

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}
QUOTES = ('"', "'")
EXCEL = re.compile(r'"?sep=(.?)"?')
"""A first line by which some spreadsheets name their separator."""
DECIMAL = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")


@dataclass(frozen=True)
class Dialect:
    """How the fields of a line stand."""

    separator: str = ","
    quote: str = '"'
    decimal: str = "."

    @property
    def words(self) -> str:
        """As a note says it; empty for the plain dialect."""
        said = [f"separated by {SEPARATORS[self.separator]}"] * (self.separator != ",")
        said += ["in single quotes"] * (self.quote == "'")
        said += ["with decimal commas"] * (self.decimal == ",")
        return ", ".join(said)

    def rows(self, lines: Sequence[str], path: Path) -> Iterator[tuple[int, list[str]]]:
        """(line number, fields) of every row. Errors: BadInput for what is no CSV."""
        reader = csv.reader(
            (line + "\n" for line in lines),
            delimiter=self.separator,
            quotechar=self.quote,
            strict=True,
        )
        try:
            for row in reader:
                yield reader.line_num, [field.strip() for field in row]
        except csv.Error as error:
            raise BadInput(
                f"{path}, line {reader.line_num}: it is no CSV ({error}); export the file again"
            ) from error


PLAIN = Dialect()


def header_of(
    lines: Sequence[str], path: Path, fits: Callable[[list[str]], bool]
) -> tuple[Dialect, list[str], int]:
    """The dialect in which the header `fits`, else that in which it has the most columns; the header,
    and how many lines it takes."""
    named = EXCEL.fullmatch(lines[0].strip()) if lines else None
    at = 1 if named else 0
    separators = named[1] if named and named[1] in SEPARATORS else SEPARATORS
    best, most = PLAIN, [""]
    for separator in separators:
        for quote in QUOTES:
            dialect = Dialect(separator, quote)
            try:
                _, header = next(dialect.rows(lines[at : at + 1], path), (1, []))
            except BadInput:  # in other quotes it may be one
                continue
            if fits(header):
                return dialect, header, at + 1
            if len(header) > len(most):
                best, most = dialect, header
    return best, most, at + 1


def plain_lines(
    lines: Sequence[str], dialect: Dialect, begin: int, path: Path
) -> tuple[list[str], Dialect]:
    """The lines from `begin` on in the plain dialect, in their places, and the dialect with its decimal mark.

    Errors: BadInput for numbers of which nobody can say what they are.
    """
    body = lines[begin:]
    if dialect == PLAIN and not any('"' in line for line in body):
        return list(lines), dialect
    # twice through the lines, for as fields they would take many times the memory
    fields_of = ((line + begin, f) for line, row in dialect.rows(body, path) for f in row)
    decimal = _decimal(fields_of, path)
    made = [""] * len(lines)
    for line, fields in dialect.rows(body, path):
        whole = [f.replace(",", ".") for f in fields] if decimal == "," else fields
        made[begin + line - 1] = ",".join(whole)
    return made, Dialect(dialect.separator, dialect.quote, decimal)


def _decimal(fields: Iterator[tuple[int, str]], path: Path) -> str:
    """The mark before the decimals: a point, or a comma where commas are certainly that."""
    commas: list[tuple[int, str]] = []
    certain, points = False, False
    for line, field in fields:
        if "," in field:
            if not DECIMAL.fullmatch(field):
                raise BadInput(
                    f"{path}, line {line}: {short(field)} is not a number; write numbers without "
                    "separators of thousands, with a decimal point"
                )
            commas = commas or [(line, field)]
            certain = certain or not THOUSANDS.fullmatch(field)
        points = points or "." in field
    if not commas:
        return "."
    line, field = commas[0]
    if points:
        raise BadInput(
            f"{path}, line {line}: {short(field)} has a comma and other numbers have points; write all "
            "of them with decimal points"
        )
    if not certain:
        raise BadInput(
            f"{path}, line {line}: {short(field)} may be {field.replace(',', '.')} or "
            f"{field.replace(',', '')}, and no other number of the file tells; write decimal points"
        )
    return ","
