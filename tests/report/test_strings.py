"""Names of strangers in pages, pictures and tables: they stand there as they are, and are nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from hostile import ANYTHING, NAMES, TRICKS
from hypothesis import assume, given, settings
from markdown_it import MarkdownIt

from bandstop.cli.main import run
from bandstop.errors import BadInput
from bandstop.record import Listing, write_listing, write_record
from bandstop.report import FIGURES, draw_all, html, results, style, summary, svg
from bandstop.report.collect import Collection, LeftOut
from bandstop.report.facts import clipped
from bandstop.report.html import page
from bandstop.report.style import Note
from bandstop.report.summary import Row, rows, to_csv, to_markdown
from bandstop.report.svg import inline
from bandstop.text import shown

from .conftest import make_record

PLAIN = "plain"


class Tree(HTMLParser):
    """Every tag with its attributes' names, and all text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple] = []
        self.words = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag):
        self.tags.append((f"/{tag}",))

    def handle_comment(self, data):
        self.tags.append(("comment",))

    def handle_decl(self, decl):
        self.tags.append(("declaration",))

    def unknown_decl(self, data):
        self.tags.append(("declaration",))

    def handle_pi(self, data):
        self.tags.append(("instruction",))

    def handle_data(self, data):
        self.words += data


def forged(text: str):
    """A record that says `text` wherever text may stand, past its checks."""
    record = make_record(classes=3)
    record.data.update(name=text, classes=[text, "b", "c"], fingerprint=text)
    record.skeleton.update(name=text, unit=text, source=text)
    record.skeleton["joints"] = [text, *record.skeleton["joints"][1:]]
    record.environment.update(processor=text)
    record.result.update(run=text, method=text, note=text)
    record.config["data"] = text.replace("\0", "")
    record.history[0][text] = 1.0
    return record


def page_of(text: str) -> str:
    out = (LeftOut(text, text),)
    return page(Collection((forged(text),), out, (text,), 1))


def table_of(text: str) -> list[Row]:
    (row,) = rows([make_record()])
    return [replace(row, data=text, options={"exempt": (text,)}, folds=(text,))]


def picture_of(text: str) -> str:
    return inline(FIGURES["confusion"](forged(text)), "one", text)


def tree_of_picture(text: str) -> list:
    return [(e.tag, *sorted(e.attrib)) for e in ElementTree.fromstring(picture_of(text)).iter()]


def tree_of_markdown(text: str) -> list:
    found = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    return [
        (t.type, *(child.type for child in t.children or ()))
        for t in found.parse(to_markdown(table_of(text)))
    ]


def shape_of_csv(text: str) -> list:
    read = list(csv.reader(io.StringIO(to_csv(table_of(text)))))
    return [[cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row] for row in read]


KINDS = {
    "page": lambda text: Tree(page_of(text)).tags,
    "picture": tree_of_picture,
    "Markdown": tree_of_markdown,
    "CSV": shape_of_csv,
}


@pytest.fixture(autouse=True)
def without_pictures(request, monkeypatch):
    """Pages have their pictures where a test is about them: they take their time."""
    if not {"whole", "fails"} & set(request.node.name.split("_")):
        monkeypatch.setattr(html, "_figure", lambda *a: html.Shown("x", "", "", "", False, False))


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(text=ANYTHING)
def test_what_is_written_has_the_same_shape_whatever_the_texts_are(kind, text):
    text = text.replace("\n", "\r") if kind == "picture" else text  # a line more is no harm there
    assume(kind != "Markdown" or text.strip())  # nor an empty cell
    assert KINDS[kind](text) == KINDS[kind](PLAIN)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "picture"])
@pytest.mark.parametrize("text", TRICKS)
def test_no_known_trick_changes_the_shape(kind, text):
    assert KINDS[kind](text) == KINDS[kind](PLAIN)


PLANTED = {
    "the page": ("page", html, "_printed", lambda value: html_safe(value)),
    "the picture's title": ("picture", svg, "in_html", str),
    "the table's cells": ("Markdown", summary, "in_markdown", str),
    "the spreadsheet's cells": ("CSV", summary, "in_csv", lambda table: bare_csv(table)),
}


def html_safe(value):
    from markupsafe import Markup

    return Markup(value) if isinstance(value, str) else value


def bare_csv(table) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(table)
    return text.getvalue()


@pytest.mark.parametrize("where", PLANTED)
def test_with_any_one_escape_taken_away_a_trick_changes_the_shape(where, monkeypatch):
    kind, module, name, instead = PLANTED[where]
    monkeypatch.setattr(module, name, instead)

    def changed(text: str) -> bool:
        try:
            return KINDS[kind](text) != KINDS[kind](PLAIN)
        except (ElementTree.ParseError, UnicodeError):
            return True

    assert any(changed(text) for text in TRICKS if kind != "picture" or "\n" not in text)


@given(text=NAMES)
@settings(max_examples=25)
def test_texts_are_read_in_a_page_and_in_a_table_as_they_are(text):
    text = shown(text)
    assert text in Tree(page_of(text)).words
    assert text in unescape(re.sub(r"\s*\n", "\n", to_markdown(table_of(text))))
    cells = [cell for row in csv.reader(io.StringIO(to_csv(table_of(text)))) for cell in row]
    assert any(text in (cell, cell.removeprefix("'")) for cell in cells)


@pytest.mark.parametrize(
    "text",
    ["$x^$", "$\\frac{1$", "#0072b2", 'id="x"', "url(#a)", "<b>", "a & b", "_x", "\\n", "左手"],
)
def test_a_name_in_a_picture_is_no_formula_no_colour_and_no_reference(text):
    words = [e.text for e in ElementTree.fromstring(picture_of(text)).iter() if e.text]
    assert clipped(text, 16) in [word.strip() for word in words]


def test_without_the_rule_a_formula_that_is_none_stops_a_figure(monkeypatch):
    monkeypatch.setitem(style.HOUSE, "text.parse_math", True)
    with pytest.raises(ValueError, match="ParseSyntaxException"):
        picture_of("$x^$")


def test_whole_pages_and_pictures_are_made_of_every_trick_at_once():
    for text in (" ".join(TRICKS).replace("\n", "\r"), "$x^$", "\ud800", "\x1b"):
        content = page_of(text)
        content.encode()
        notes = re.findall("<h4>(.*?)</h4>[^<]*<figcaption>it cannot be drawn", content)
        assert {*notes} <= {"skeleton"}  # which checks its names itself
        for drawing in re.findall("<svg.*?</svg>", content, re.DOTALL):
            ElementTree.fromstring(drawing)


def broken(*args):
    raise ZeroDivisionError("planted\n\x1b[31m")


def test_a_figure_that_fails_is_a_note_and_the_others_are_there(make, tmp_path, monkeypatch):
    monkeypatch.setitem(FIGURES, "confusion", broken)
    said: list[str] = []
    paths = draw_all(make(), tmp_path / "figures", said.append)
    assert [p.stem for p in paths] == [name for name in FIGURES if name != "confusion"]
    assert said == [r"figure confusion: it cannot be drawn (ZeroDivisionError: planted\n\x1b[31m)"]


def test_in_the_page_a_figure_that_fails_is_a_note(make, monkeypatch):
    monkeypatch.setitem(FIGURES, "training", broken)
    made = page(Collection((make(),)))
    assert "it cannot be drawn (ZeroDivisionError: planted" in made
    assert 'aria-label="confusion' in made


def test_among_the_results_a_figure_that_fails_is_a_note(make, tmp_path, monkeypatch):
    def failing(drawn, name):
        return broken() if drawn.name == "accuracy-rate" else real(drawn, name)

    real = results.figure_files
    monkeypatch.setattr(results, "figure_files", failing)
    record = make(rate=0.9)
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    write_record(folder / "record.json", record)
    name = record.result["run"].rpartition("/")[2]
    write_listing(tmp_path / "runs", Listing("mine", ("x",), "2026-11-21", (0.9,), (name,)))
    results.write_results([tmp_path / "runs"], tmp_path / "out")
    said = (tmp_path / "out" / "mine.md").read_text(encoding="utf-8")
    assert "it cannot be drawn (ZeroDivisionError: planted" in said
    assert not list((tmp_path / "out" / "figures").glob("mine-accuracy-rate*"))
    assert list((tmp_path / "out" / "figures").glob("mine-accuracy-bytes.svg"))


def test_notes_are_printable():
    assert style.attempted(broken).isprintable()
    assert isinstance(style.attempted(broken), Note)


@pytest.mark.parametrize("name", ["../../x", "/x", "..", ".x", "a/b", "a\\b", "a\0b", "con", "a b", "",
                                  "x" * 300, "-o", "a\nb", "C:x", "a|b", "nul.md", 7, None])  # fmt: skip
def test_a_table_whose_name_is_no_word_is_left_out_and_nothing_is_written_outside(
    name, make, tmp_path, capsys
):
    inner = tmp_path / "a" / "b"
    record = make(rate=0.9)
    (inner / "runs" / "one").mkdir(parents=True)
    write_record(inner / "runs" / "one" / "record.json", record)
    run_name = record.result["run"].rpartition("/")[2]
    good = Listing("mine", ("x",), "2026-11-21", (0.9,), (run_name,))
    path = write_listing(inner / "runs", good)
    values = json.loads(path.read_text(encoding="utf-8")) | {"table": name}
    path.write_text(json.dumps(values), "utf-8")
    before = sorted(tmp_path.rglob("*"))
    assert run(["figures", str(inner / "runs"), "-o", str(inner / "out")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert sorted(tmp_path.rglob("*")) == before
    with pytest.raises(BadInput, match="table"):
        replace(good, table=name)
    assert run(["report", str(inner / "runs"), "-o", str(inner / "r.html")]) == 0
    assert "name" in capsys.readouterr().err
