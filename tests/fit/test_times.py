"""Microseconds of what a table delivered, in its records, its pages and their figures."""

from __future__ import annotations

import shutil

import pytest

from bandstop.cli.main import run
from bandstop.data import load
from bandstop.fit.times import network_of, time_run
from bandstop.job import design
from bandstop.record import Config, read_record
from bandstop.report.collect import collect

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
TINY = ("--steps", "2", "--heads", "2", "--filters", "4", "--rates", "0.8", "--folds", "1,2")


def test_each_row_is_measured_once_and_then_shown(capsys, tmp_path):
    runs, out = str(tmp_path / "runs"), tmp_path / "out"
    given = ["table", "overview", "--runs", runs, "--seeds", "0", "--methods", "dense,pmp,mrmp"]
    assert run([*given, *TINY, "--seen", "50,80", "--quiet"]) == 0
    capsys.readouterr()
    assert run(["figures", runs, "-o", str(out), "--time"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.split(" rate ")[1].split(":")[0] for line in said] == ["0", "0.5", "0.8", "0.8"]
    found = [r.result for r in collect([tmp_path / "runs"]).records]
    assert sum("microseconds" in r for r in found) == 2
    many = next(r for r in found if r["by_rate"] and any("microseconds" in b for b in r["by_rate"]))
    assert {b["rate_target"] for b in many["by_rate"] if "microseconds" in b} == {0.5, 0.8}
    (page,) = out.glob("synthetic*.md")
    assert "µs in C" in page.read_text()
    assert list(out.glob("figures/*accuracy-us.svg"))
    assert run(["figures", runs, "-o", str(out), "--time"]) == 0
    assert capsys.readouterr().err == ""


def test_what_is_timed_is_as_large_as_what_was_delivered(tmp_path):
    config = Config(method="ctf", rate=0.9, steps=4, heads=3, filters=10)
    made = design(config, tmp_path, load("synthetic"))
    timed = network_of(made.record)
    assert timed.net.shape == made.bundle.net.shape
    for name, weights in timed.net.net.weights().items():
        assert ((weights != 0) == (made.bundle.net.net.weights()[name] != 0)).all()
    assert timed.description == made.bundle.description


def test_another_network_is_timed_by_its_bundle(tmp_path):
    tiny = {
        "network": "st-gcn++",
        "widths": "6",
        "frames": 4,
        "steps": 2,
        "method": "mp",
        "rate": 0.8,
    }
    made = design(Config(**tiny), tmp_path, load("synthetic"))
    ((rate, took),) = time_run(made.folder)
    assert rate == 0.8
    assert took > 0
    assert read_record(made.folder.record).result["microseconds"] == took
    made.folder.bundle.unlink()
    assert time_run(made.folder) == []


def test_a_page_of_runs_that_nobody_measured_has_no_column_of_it(capsys, tmp_path):
    runs, out = str(tmp_path / "runs"), tmp_path / "out"
    given = ["table", "overview", "--runs", runs, "--seeds", "0", "--methods", "pmp", *TINY]
    assert run([*given, "--quiet"]) == 0
    assert run(["figures", runs, "-o", str(out)]) == 0
    (page,) = out.glob("synthetic*.md")
    assert "µs" not in page.read_text()
    assert not list(out.glob("figures/*accuracy-us*"))
