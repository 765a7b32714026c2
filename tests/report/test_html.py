"""The page from hand-made records: whole, self-contained, honest about what is missing."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from bandstop.cli.main import run
from bandstop.record import write_record
from bandstop.report import FIGURES
from bandstop.report.collect import Collection, LeftOut
from bandstop.report.curves import CURVES
from bandstop.report.html import page
from bandstop.report.svg import VARIABLES, inline

VOID = {"meta", "link", "br", "img", "input", "hr"}


class Tree(HTMLParser):
    """Ids, attributes and text; complains of tags that do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: Counter[str] = Counter()
        self.open: list[str] = []
        self.words = ""
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags[tag] += 1
        self.open += [] if tag in VOID else [tag]
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "xlink:href", "src"):
                self.links.append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words += data


@pytest.fixture(scope="module")
def text(sweep) -> str:
    """The page of the sweep."""
    return page(Collection(tuple(sweep)))


def test_the_page_is_well_formed_and_every_id_is_there_once(text):
    tree = Tree(text)
    assert [i for i, count in Counter(tree.ids).items() if count > 1] == []
    inner = {link[1:] for link in tree.links if link.startswith("#")}
    assert inner <= set(tree.ids)


def test_nothing_comes_from_outside_and_nothing_runs(text):
    tree = Tree(text)
    assert tree.tags["script"] == tree.tags["iframe"] == tree.tags["object"] == 0
    assert all(link.startswith(("#", "data:")) for link in tree.links)
    for address in re.findall(r"url\(([^)]*)\)", text):
        assert address.startswith("#")
    assert "@import" not in text


def test_every_figure_and_every_section_is_there(sweep, text):
    tree = Tree(text)
    wanted = {f"d1-{name}" for name in CURVES if name != "side-by-side"}
    wanted |= {f"d1-best-{name}" for name in FIGURES}
    assert wanted <= set(tree.ids)
    for words in ("Best small net", "Make it again", "Between methods", "Against the dense"):
        assert words in tree.words
    assert "98.0" not in tree.words
    assert "94.5 %" in tree.words
    assert tree.words.count("bandstop design --data") == len(sweep) + 1


def test_the_same_records_give_the_same_page(sweep, text):
    assert page(Collection(tuple(sweep))) == text


PARTIAL = {
    "dense alone": (lambda make: [make("dense")], "No pruned run is among these"),
    "one mp run, which has no history": (lambda make: [make("mp")], "Best small net: mp"),
    "one pmp run": (lambda make: [make()], "Best small net: pmp"),
    "nothing stays": (lambda make: [make(empty=True, epochs=0)], "Best small net: pmp"),
    "rate 0 and nearly 1": (lambda make: [make(rate=0.0), make(rate=0.9995)], "Best small net"),
    "thirty variants": (
        lambda make: [make(heads=h, rate=r) for h in range(1, 16) for r in (0.5, 0.9)],
        "heads 15",
    ),
}


@pytest.mark.parametrize("kind", PARTIAL)
def test_sections_without_data_are_left_out_or_say_so(kind, make):
    records, words = PARTIAL[kind]
    tree = Tree(page(Collection(tuple(records(make)))))
    assert words in " ".join(tree.words.split())
    has_pmp = any(r.options.method == "pmp" for r in records(make))
    assert ("d1-observed-rate" in tree.ids) == has_pmp


def test_what_was_left_out_is_named_in_the_page(sweep):
    left = LeftOut("runs/x/record.json", "is damaged <here>")
    text = page(Collection(tuple(sweep), (left,), ("runs/y",), 2))
    assert "is damaged &lt;here&gt;" in text
    words = " ".join(Tree(text).words.split())
    assert "1 record left out" in words
    assert "1 run directory without a record" in words
    assert "2 records found more than once" in words


def test_names_with_markup_in_them_stay_text(make):
    hostile = '<script>alert("x")</script>'
    record = make(classes=2)
    record = replace(
        record, data=record.data | {"name": hostile, "classes": [hostile, "a & b"]},
        environment={"torch": hostile},
    )  # fmt: skip
    tree = Tree(page(Collection((record,))))
    assert tree.tags["script"] == 0
    assert hostile in tree.words


def test_an_adaptive_figure_holds_no_colour_of_the_house_but_variables(make):
    svg = inline(FIGURES["training"](make()), "one", "a & b")
    assert not any(colour in svg for colour in VARIABLES)
    assert "var(--ink)" in svg
    assert "<title>a &amp; b</title>" in svg
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(re.findall(r'id="([^"]*)"', svg))


def test_every_variable_of_the_figures_has_a_value_in_light_and_dark(text):
    light, dark = re.findall(r":root \{(.*?)\}", text, re.DOTALL)
    for name in VARIABLES.values():
        assert f"{name}: #" in light
        assert f"{name}: #" in dark


def test_the_command_writes_the_page_and_says_what_it_left_out(tmp_path, sweep, capsys):
    for number, record in enumerate(sweep[:4]):
        (tmp_path / f"run{number}").mkdir()
        write_record(tmp_path / f"run{number}" / "record.json", record)
    (tmp_path / "run3" / "record.json").write_text("{")
    out = tmp_path / "r.html"
    assert run(["report", str(tmp_path), "-o", str(out)]) == 0
    said = capsys.readouterr()
    assert said.out.strip() == str(out)
    assert "left out" in said.err
    assert "run3" in said.err
    assert run(["report", str(tmp_path), "-o", str(out), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert (values["report"], values["runs"]) == (str(out), 3)
    assert [each["path"] for each in values["left_out"]] == [str(tmp_path / "run3/record.json")]
    assert out.read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("where", "words"),
    [("", "is a folder; name a file"), ("missing/r.html", "is not a folder; make it first")],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(
    where, words, tmp_path, capsys
):
    assert run(["report", str(tmp_path), "-o", str(tmp_path / where)]) == 2
    assert words in capsys.readouterr().err


def test_nothing_to_report_on_is_an_error_and_leaves_no_file(tmp_path, capsys):
    out = tmp_path / "r.html"
    assert run(["report", str(tmp_path), "-o", str(out)]) == 2
    assert "no record to report on" in capsys.readouterr().err
    assert not out.exists()
