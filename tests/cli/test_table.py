"""`bandstop table`: plan, progress, files, JSON, and all problems before the first training."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bandstop.cli import main as cli

SMALL = [
    "table", "synthetic", "--data", "synthetic:gestures", "--steps", "10", "--heads", "1",
    "--filters", "4", "--chunks", "3", "--methods", "dense,mp,pmp", "--rates", "50,0.8",
    "--folds", "1,2", "--seeds", "0",
]  # fmt: skip


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.run([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    runs = tmp_path_factory.mktemp("runs")
    assert cli.run([*SMALL, "--runs", str(runs)]) == 0
    return runs


def test_the_table_has_a_row_for_each_method_and_rate_in_three_formats(made):
    with (made / "table-synthetic.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(r["method"], float(r["rate_target"])) for r in rows] == [
        ("dense", 0.0), ("mp", 0.5), ("mp", 0.8), ("pmp", 0.5), ("pmp", 0.8),
    ]  # fmt: skip
    assert {r["n"] for r in rows} == {"2"}
    assert (made / "table-synthetic.md").read_text().count("\n") == 2 + len(rows) + len(
        ["", "legend"]
    )
    parquet = pytest.importorskip("pyarrow.parquet")
    assert parquet.read_table(made / "table-synthetic.parquet").num_rows == len(rows)


def test_the_same_command_again_makes_nothing_and_prints_the_same_table(capsys, made):
    before = (made / "table-synthetic.md").read_text()
    times = {p: p.stat().st_mtime_ns for p in made.rglob("record.json")}
    code, out, _ = run(capsys, *SMALL, "--runs", made, "--quiet")
    assert code == 0
    assert before.strip() in out
    assert times == {p: p.stat().st_mtime_ns for p in made.rglob("record.json")}


def test_json_is_an_object_a_run_with_method_rate_fold_and_seed(capsys, made):
    _, out, _ = run(capsys, *SMALL, "--runs", made, "--quiet", "--json")
    objects = [json.loads(line) for line in out.splitlines()]
    assert len(objects) == 10
    for wanted in ("method", "rate", "fold", "seed", "accuracy", "weights_kept", "run"):
        assert all(wanted in each for each in objects)


def test_a_dry_run_trains_nothing_and_tells_time_and_disk(capsys, tmp_path):
    code, out, _ = run(capsys, *SMALL, "--runs", tmp_path, "--dry-run")
    assert code == 0
    assert "10, of them 2 dense references" in out
    assert "time" in out
    assert "disk" in out
    assert not list(tmp_path.iterdir())


def test_wrong_methods_rates_and_folds_are_named_together_before_any_training(capsys, tmp_path):
    code, _, err = run(
        capsys, *SMALL, "--methods", "dens,pmp", "--rates", "50,99.999", "--folds", "1,9",
        "--runs", tmp_path,
    )  # fmt: skip
    assert code == 2
    for word in ("did you mean 'dense'", "rate 0.99999", "no fold '9'"):
        assert word in err
    assert not list(tmp_path.iterdir())


def test_an_unknown_table_is_refused_with_the_nearest(capsys):
    code, _, err = run(capsys, "table", "sbuu")
    assert code == 2
    assert "did you mean 'sbu'" in err
