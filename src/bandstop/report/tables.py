"""A table as files: Markdown for people, CSV for spreadsheets, Parquet for data frames."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

from bandstop.files import write_atomically
from bandstop.report.comparison import BEST, EQUAL, standing
from bandstop.report.summary import Row, to_csv, to_markdown

MARKS = {BEST: "**{}**", EQUAL: "{} ≈"}
LEGEND = (
    "**Bold**: the best mean at its rate; ≈: not shown to be worse (Wilcoxon over test sequences, seeds "
    "averaged; Holm over the rows of the rate, 0.05)."
)


def marked(rows: Sequence[Row]) -> str:
    """The table in Markdown, the best of each rate marked, and what cannot be told from it; a legend."""
    marks = {place: MARKS[how] for place, how in standing(rows).items()}
    return to_markdown(rows, marks) + (f"\n{LEGEND}\n" if marks else "")


def to_parquet(rows: Sequence[Row]) -> bytes | None:
    """The rows' plain values; None where pyarrow (extra `bandstop[parquet]`) is not installed."""
    try:
        from pyarrow import Table, parquet
    except ImportError:
        return None
    buffer = io.BytesIO()
    parquet.write_table(Table.from_pylist([row.values() for row in rows]), buffer)
    return buffer.getvalue()


def write_tables(rows: Sequence[Row], stem: Path) -> list[Path]:
    """`stem`.md, .csv and, with pyarrow, .parquet; the paths that were written."""
    written = []
    for ending, content in [
        ("md", marked(rows)),
        ("csv", to_csv(rows)),
        ("parquet", to_parquet(rows)),
    ]:
        if content is not None:
            path = stem.with_name(f"{stem.name}.{ending}")
            write_atomically(path, content)
            written.append(path)
    return written
