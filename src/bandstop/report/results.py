"""A folder of results: for every table its rows, comparisons and figures, with command, date, machine.

Made from listings and records alone; the same runs give the same files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from bandstop.errors import BadInput
from bandstop.files import write_atomically
from bandstop.report.chunking import chunking, skeletons
from bandstop.report.collect import Collection, collect
from bandstop.report.comparison import (
    Comparison,
    against_dense,
    between_methods,
    ours_against_comparators,
)
from bandstop.report.figures import png
from bandstop.report.listed import Drawn, Listed, figures_of, listed
from bandstop.report.reproduce import environments
from bandstop.report.style import Note, attempted
from bandstop.report.summary import Row, to_csv
from bandstop.report.svg import standalone
from bandstop.report.tables import marked
from bandstop.text import in_markdown, in_shell

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
        Drawn("chunking", "Temporal chunking", "", partial(chunking, CHUNKS)),
        Drawn("skeletons", "Skeletons", "", partial(skeletons, LAYOUTS)),
    ):
        written += _write(figure_files(drawn, drawn.name), folder / "figures")
    written.append(folder / "README.md")
    write_atomically(written[-1], _index(tables, collection))
    return written


def _write_table(table: Listed, folder: Path) -> list[Path]:
    found, written, shown = table.rows, [], []
    for drawn in figures_of(table.page.figures, table.records, found):
        name = f"{table.name}-{drawn.name}"
        made = attempted(partial(figure_files, drawn, name))
        if isinstance(made, Note):
            shown += ["", f"## {drawn.title}", "", in_markdown(made)]
        else:
            written += _write(made, folder / "figures")
            shown += ["", f"## {drawn.title}", "", drawn.caption, ""]
            shown += [f"![{drawn.title}](figures/{name}.svg)"]
    files = {f"{table.name}.csv": to_csv(found), f"{table.name}.md": _markdown(table, found, shown)}
    return written + _write(files, folder)


def figure_files(drawn: Drawn, name: str) -> dict[str, bytes | str]:
    """File name -> content."""
    figure = drawn.draw()
    return {
        f"{name}.png": png(figure),
        f"{name}.svg": standalone(figure, name, drawn.title, adaptive=not drawn.picture),
    }


def _write(files: Mapping[str, bytes | str], folder: Path) -> list[Path]:
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def _markdown(table: Listed, found: list[Row], shown: list[str]) -> str:
    """shown: the lines of its figures"""
    page = table.page
    lines = [
        f"# {in_markdown(page.title)}",
        "",
        page.words,
        "",
        *_origin(table),
        "",
        marked(found).strip(),
    ]
    lines += ["", "Means ± sample standard deviations over folds and seeds.", *shown, ""]
    for title, made in (
        ("Our best against the comparators' best", ours_against_comparators(found)),
        ("Between methods: first minus second", between_methods(found)),
        ("Against the dense reference: the others minus dense", against_dense(found)),
    ):
        if made:
            lines += [f"## {title}", "", *_comparisons(made), ""]
    return "\n".join(lines)


def _origin(table: Listed) -> list[str]:
    """Command, date, machine; a path to recordings is nobody's business."""
    words = [_without_path(word) for word in table.listing.command]
    lines = ["```", in_shell(words), "```", ""]
    runs = f"{len(table.records)} runs, table last made on {in_markdown(table.listing.date)}"
    if table.missing:
        runs += f"; {table.missing} more of the table are not finished"
    lines.append(runs + ".")
    for machine, count in environments(table.records):
        told = ", ".join(f"{k} {in_markdown(v)}" for k, v in machine.items() if k in MACHINE)
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
    lines = [
        "| compared | rate | pairs that differ | mean | median | interval | p, Holm | reading |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|---|")
    for c in made:
        o = c.outcome
        mean, median = f"{100 * o.mean:+.1f}", f"{100 * o.median:+.1f}"
        interval = (
            f"{100 * o.interval[0]:+.1f} to {100 * o.interval[1]:+.1f}" if o.coverage else "–"
        )
        p = "–" if c.corrected is None else f"{c.corrected:.2g}"
        pair = f"{c.first} − {c.second}"
        cells = [pair, f"{c.rate:g}", f"{o.unequal} of {o.n}", mean, median, interval, p]
        lines.append("| " + " | ".join(map(in_markdown, [*cells, c.reading])) + " |")
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
        title, words = in_markdown(table.page.title), table.page.words
        name = in_markdown(table.name)
        lines.append(f"| [{name}]({table.name}.md): {title} | {words} | {len(table.records)} |")
    lines += [
        "", "## From a recording to a signal", "", "![Skeletons](figures/skeletons.svg)", "",
        "![Temporal chunking](figures/chunking.svg)", "",
    ]  # fmt: skip
    return "\n".join(lines)
