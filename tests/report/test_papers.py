"""The figures of the papers: each is drawn where its runs are there, and left out where they are not."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import torch
from crowding import crowded, texts

from bandstop.cli.main import run
from bandstop.data.describe import Recordings, chunk_means
from bandstop.gate.band_stop import band_stop
from bandstop.record import Record, write_listing, write_record
from bandstop.report.chunking import chunk_means as drawn_means
from bandstop.report.chunking import chunking, skeletons, waving
from bandstop.report.collect import Collection, collect
from bandstop.report.comparison import against_dense, between_methods
from bandstop.report.crops import alike, chosen, crop
from bandstop.report.curves import CURVES, can_show
from bandstop.report.groups import GROUPS
from bandstop.report.listed import EVERY, listed
from bandstop.report.pages import PAGES
from bandstop.report.rates import ladder
from bandstop.report.results import write_results
from bandstop.report.spread import spread
from bandstop.report.stopped import band_stop as drawn_stop
from bandstop.report.summary import rows, to_markdown, trained
from bandstop.report.svg import DARK, standalone
from bandstop.sweep import TABLES
from bandstop.sweep.table import UNNAMED


@pytest.fixture
def folder(tmp_path, papers) -> Path:
    runs, listing = papers
    for record in runs:
        path = tmp_path / "runs" / Path(record.result["run"]).name
        path.mkdir(parents=True)
        write_record(path / "record.json", record)
    write_listing(tmp_path / "runs", replace(listing, table="sbu-mrmp"))
    return tmp_path / "runs"


@pytest.mark.parametrize("name", GROUPS)
def test_a_figure_of_many_runs_is_drawn_where_they_are_there_and_not_where_not(name, papers, make):
    group = GROUPS[name]
    assert crowded(group.draw(group.pick(papers[0]))) == []
    assert group.pick([make("dense"), make("mp")]) is None


def test_what_lies_beyond_the_seen_rates_and_what_is_trained_for_one_rate_is_told_apart(papers):
    found = ladder(papers[0])
    assert [r.rate for r in found.many if r.seen] == [0.5, 0.9, 0.98]
    assert [r.rate for r in found.many if not r.seen] == [0.7, 0.95, 0.99]
    assert [r.rate for r in found.single] == [0.9]


def test_masks_beside_each_other_are_of_one_network_fold_and_seed_and_begin_with_the_original(
    papers,
):
    found = alike(papers[0])
    assert [r.options.method for r in found] == [
        "dense", "structured", "unstructured", "semi-structured", "ctf",
    ]  # fmt: skip
    assert len({(r.options.fold, r.options.seed) for r in found}) == 1
    assert alike([r for r in papers[0] if r.options.method != "structured"][:9]) is None


def test_a_crop_is_made_of_whole_blocks_in_their_places():
    mask = np.zeros((6, 3, 40), dtype=bool)
    mask[2] = True
    part = crop(mask)
    assert part.cells.shape == (18, 40)
    assert part.cells[6:9].all()
    assert part.cells.sum() == 3 * 40
    assert (part.rows, part.columns) == ((3, 6, 9, 12, 15), ())


def test_crops_hold_the_same_blocks_of_every_network_where_most_is_left():
    dense, sparse = np.ones((9, 30, 70), bool), np.zeros((9, 30, 70), bool)
    sparse[[5, 7], :, 10:] = True
    first, second = chosen([dense, sparse])
    assert first.shape == second.shape == (2, 30, 60)
    assert second.all()


def test_the_chunks_that_are_drawn_are_those_of_the_description():
    motion = np.concatenate([waving(), np.zeros((90, 15, 1))], axis=2)
    integral = torch.zeros(91, 45, dtype=torch.float64)
    integral[1:] = torch.from_numpy(motion).flatten(1).cumsum(dim=0)
    recordings = Recordings(integral.float(), torch.tensor([90]), torch.tensor([0]))
    means = chunk_means(recordings, torch.tensor([0]), 7)
    assert np.allclose(means.numpy().reshape(7, 15, 3), drawn_means(motion, 7), atol=1e-4)


def test_the_band_stop_that_is_drawn_is_that_of_the_gates():
    v = np.linspace(-3, 3, 101)
    assert np.allclose(
        drawn_stop(v, 1.1, 14.0), band_stop(torch.from_numpy(v), 1.1, 14.0), atol=1e-12
    )


@pytest.mark.parametrize("draw", [lambda: chunking(8), lambda: skeletons(("sbu", "hand21"))])
def test_the_figures_of_the_description_need_no_run(draw):
    assert crowded(draw()) == []


def test_a_training_of_many_rates_is_shown_and_compared_rate_by_rate(papers):
    runs, listing = papers
    (table,) = listed(Collection(tuple(runs), listings=(listing,)))
    assert table.missing == 1
    assert [r.rate for r in table.rows if r.method == "mrmp"] == [0.5, 0.9]
    pairs = {(c.first, c.second) for c in between_methods(table.rows) if c.rate == 0.9}
    assert ("ctf", "mrmp") in pairs


def test_a_rate_beyond_the_trained_ones_is_marked_and_not_compared(papers):
    runs = papers[0]
    table = rows(spread(runs, (0.98, 0.99)))
    assert [r.rate for r in table if r.beyond] == [0.99]
    assert "| 0.99, beyond |" in to_markdown(table)
    assert 0.99 not in {r.rate for r in trained(table)}
    compared = {
        c.rate for c in (*between_methods(table), *against_dense(table)) if "mrmp" in c.first
    }
    assert compared == {0.98}


def test_every_page_is_of_a_table_and_names_figures_that_there_are():
    assert set(PAGES) <= set(TABLES)
    assert {name for page in PAGES.values() for name in page.figures} <= set(EVERY)


def test_every_table_of_the_papers_has_a_page():
    assert set(TABLES) - set(PAGES) == set(UNNAMED)


def test_a_curve_is_shown_where_its_rows_have_what_it_needs(make, sweep):
    assert not can_show("accuracy-rate", rows([make("dense")]))
    assert can_show("side-by-side", rows([make("dense")]))
    assert not can_show("side-by-side", rows(sweep))
    assert not can_show("observed-rate", rows([make("mp")]))


def test_options_that_one_method_alone_has_do_not_name_the_rows_of_another(make):
    runs = [make(prior="laplace"), make(prior="uniform"), make("unstructured"), make("mp")]
    labels = {row.label for row in rows(runs)}
    assert labels == {"pmp, prior laplace", "pmp, prior uniform", "unstructured", "mp"}


def test_the_results_hold_tables_figures_command_date_and_machine_and_no_path(folder, tmp_path):
    out = tmp_path / "results"
    written = write_results([folder], out)
    assert {p.relative_to(out).as_posix() for p in written} >= {
        "README.md", "sbu-mrmp.md", "sbu-mrmp.csv", "figures/sbu-mrmp-many-rates.svg", "figures/chunking.png",
        "figures/sbu-mrmp-many-rates.png", "figures/skeletons.svg",
    }  # fmt: skip
    assert all(path.is_file() for path in written)
    text = (out / "sbu-mrmp.md").read_text()
    for words in (
        "bandstop table papers --data sbu:path/to/SBU",
        "2026-11-21",
        "1 more of the table",
    ):
        assert words in text
    assert "somewhere" not in "".join(p.read_text() for p in out.rglob("*.[cms][sdv]*"))
    for shown in re.findall(r"\]\((figures/[^)]*)\)", text):
        assert (out / shown).is_file()
    again = {p: p.read_bytes() for p in written}
    assert write_results([folder], out) == written
    assert all(p.read_bytes() == content for p, content in again.items())


def test_the_command_writes_what_it_names(folder, tmp_path, capsys, papers):
    (folder / "listing-sbu-mrmp.json").unlink()
    write_listing(folder, replace(papers[1], table="sbu-regularisers"))
    assert run(["figures", str(folder), "-o", str(tmp_path / "out")]) == 0
    assert str(tmp_path / "out" / "sbu-regularisers.md") in capsys.readouterr().out


def test_runs_without_a_listing_say_which_command_writes_one(folder, tmp_path, capsys):
    for path in folder.glob("listing-*.json"):
        path.unlink()
    assert run(["figures", str(folder), "-o", str(tmp_path / "out")]) == 2
    assert "`bandstop table NAME`" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_damaged_listing_is_left_out_and_named(folder):
    (folder / "listing-bad.json").write_text("{")
    found = collect([folder])
    assert [Path(each.path).name for each in found.left_out] == ["listing-bad.json"]
    assert [table.name for table in listed(found)] == ["sbu-mrmp"]


def test_a_file_of_its_own_is_light_or_dark_and_the_page_has_the_same_dark(papers):
    group = GROUPS["many-rates"]
    svg = standalone(group.draw(group.pick(papers[0])), "a", "b")
    assert "prefers-color-scheme:dark" in svg
    assert svg.startswith("<svg")
    template = files("bandstop.report").joinpath("report.html.j2").read_text()
    dark = template.split("prefers-color-scheme: dark")[1].split("}")[0]
    assert all(f"--{name.lower()}: {colour};" in dark for name, colour in DARK.items())


def test_every_curve_of_few_and_of_many_methods_is_drawn_without_crowding(make):
    few = rows([make("dense"), make(rate=0.9)])
    methods = ("mp", "mp-l0", "gradual", "pmp", "mp-l1", "mp-cost", "mp-entropy", "ctf")
    many = rows([make("dense"), *(make(m, rate=r) for m in methods for r in (0.9, 0.98))])
    for shown in (few, many):
        for name, (_, _, draw) in CURVES.items():
            if can_show(name, shown):
                assert crowded(draw(shown)) == [], name


def test_the_record_of_one_rate_of_many_says_so(papers):
    one: Record = next(r for r in papers[0] if r.options.method == "mrmp")
    found = spread([replace(one)], (0.7,))
    assert [(r.options.rate, r.result["by_rate"]) for r in found] == [(0.7, [])]


def test_a_method_that_fell_does_not_press_the_others_together(make):
    fallen = [make("mp"), make("mp", rate=0.98)]
    fallen = [replace(r, result=r.result | {"accuracy": 0.2}) for r in fallen]
    table = rows([make("dense"), make(), make(rate=0.98), *fallen])
    for name in ("accuracy-rate", "accuracy-macs"):
        figure = CURVES[name][2](table)
        assert figure.axes[0].get_ylim()[0] > 0.3
        assert "mp (20 %)" in {text.get_text() for text in texts(figure)}
        assert crowded(figure) == []
