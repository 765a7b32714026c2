"""A folder of results: for every table its rows, comparisons and figures, with command, date, machine.

Made from listings and records alone; the same runs give the same files.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from bandstop.errors import BadInput
from bandstop.files import write_atomically
from bandstop.report.chunking import chunking, skeletons
from bandstop.report.collect import Collection, collect
from bandstop.report.comparison import Comparison, against_dense, between_methods
from bandstop.report.figures import png
from bandstop.report.listed import Drawn, Listed, figures_of, listed
from bandstop.report.reproduce import environments
from bandstop.report.summary import Row, to_csv, to_markdown
from bandstop.report.svg import standalone

CHUNKS = 8
LAYOUTS = ("sbu", "hand21")


def write_results(paths: Sequence[Path], folder: Path) -> list[Path]:
    """Write every listed table into `folder`: NAME.md, NAME.csv, figures/NAME-FIGURE.png and .svg.

    Errors: BadInput where there is no record, or no listing of a table.
    """
    collection = collect(paths)
    tables = listed(collection)
    if not tables:
        raise BadInput(
            "there is no listing of a table among these runs; `bandstop table NAME` writes it when it "
            "begins, also when everything is finished already"
        )
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    written = []
    for table in tables:
        written += _write_table(table, folder)
    for drawn in (
        Drawn("chunking", "Temporal chunking", "", chunking(CHUNKS)),
        Drawn("skeletons", "Skeletons", "", skeletons(LAYOUTS)),
    ):
        written += _write_figure(drawn, drawn.name, folder)
    written.append(folder / "README.md")
    write_atomically(written[-1], _index(tables, collection))
    return written


def _write_table(table: Listed, folder: Path) -> list[Path]:
    found, written, shown = table.rows, [], []
    for drawn in figures_of(table.page.figures, table.records, found):
        name = f"{table.name}-{drawn.name}"
        written += _write_figure(drawn, name, folder)
        shown.append((name, drawn))
    for ending, content in (("csv", to_csv(found)), ("md", _markdown(table, found, shown))):
        written.append(folder / f"{table.name}.{ending}")
        write_atomically(written[-1], content)
    return written


def _write_figure(drawn: Drawn, name: str, folder: Path) -> list[Path]:
    stem = folder / "figures" / name
    write_atomically(stem.with_suffix(".png"), png(drawn.figure))
    svg = standalone(drawn.figure, name, drawn.title, adaptive=not drawn.picture)
    write_atomically(stem.with_suffix(".svg"), svg)
    return [stem.with_suffix(".png"), stem.with_suffix(".svg")]


def _markdown(table: Listed, found: list[Row], shown: list[tuple[str, Drawn]]) -> str:
    page = table.page
    lines = [f"# {page.title}", "", page.words, "", *_origin(table), "", to_markdown(found).strip()]
    lines += ["", "Means ± sample standard deviations over folds and seeds.", ""]
    for name, drawn in shown:
        lines += [
            f"## {drawn.title}",
            "",
            drawn.caption,
            "",
            f"![{drawn.title}](figures/{name}.svg)",
            "",
        ]
    for title, made in (
        ("Between methods: first minus second", between_methods(found)),
        ("Against the dense reference: the others minus dense", against_dense(found)),
    ):
        if made:
            lines += [f"## {title}", "", *_comparisons(made), ""]
    return "\n".join(lines)


def _origin(table: Listed) -> list[str]:
    """Command, date, machine; a path to recordings is nobody's business."""
    words = [_without_path(word) for word in table.listing.command]
    lines = ["```", shlex.join(words), "```", ""]
    runs = f"{len(table.records)} runs, table last made on {table.listing.date}"
    if table.missing:
        runs += f"; {table.missing} more of the table are not finished"
    lines.append(runs + ".")
    for machine, count in environments(table.records):
        told = ", ".join(f"{k} {v}" for k, v in machine.items() if k in MACHINE)
        lines.append(f"{count} of them: {told}.")
    return lines


MACHINE = ("bandstop", "python", "torch", "processor", "device", "threads")


def _without_path(word: str) -> str:
    """
    >>> _without_path("sbu:/home/me/SBU"), _without_path("synthetic:gestures"), _without_path("0.9")
    ('sbu:path/to/SBU', 'synthetic:gestures', '0.9')
    """
    kind, colon, path = word.partition(":")
    return f"{kind}:path/to/{Path(path).name}" if colon and "/" in path else word


def _comparisons(made: Sequence[Comparison]) -> list[str]:
    """A Markdown table of paired differences in percentage points."""
    lines = ["| compared | rate | pairs that differ | median | interval | p, Holm | reading |"]
    lines.append("|---|---:|---:|---:|---:|---:|---|")
    for c in made:
        o = c.outcome
        median = f"{100 * o.median:+.1f}"
        interval = (
            f"{100 * o.interval[0]:+.1f} to {100 * o.interval[1]:+.1f}" if o.coverage else "–"
        )
        p = "–" if c.corrected is None else f"{c.corrected:.2g}"
        pair = f"{c.first} − {c.second}"
        cells = [pair, f"{c.rate:g}", f"{o.unequal} of {o.n}", median, interval, p, c.reading]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def _index(tables: Sequence[Listed], collection: Collection) -> str:
    lines = [
        "# Results", "",
        f"Made by `bandstop figures RUNS -o docs/results` (bandstop {version('bandstop')}) from "
        f"{len(collection.records)} records; no recording is in any of it. Each page names its command, "
        "date and machine.", "",
        "| table | question | runs |", "|---|---|---:|",
    ]  # fmt: skip
    if collection.left_out:
        count = len(collection.left_out)
        are = "is" if count == 1 else "are"
        lines[2] += f" {count} more {are} damaged, foreign or another's again, and left out."
    for table in tables:
        lines.append(
            f"| [{table.page.title}]({table.name}.md) | {table.page.words} | {len(table.records)} |"
        )
    lines += [
        "", "## From a recording to a signal", "", "![Skeletons](figures/skeletons.svg)", "",
        "![Temporal chunking](figures/chunking.svg)", "",
    ]  # fmt: skip
    return "\n".join(lines)
