"""Rows, comparisons and commands: what stands in the tables follows from the records."""

from __future__ import annotations

import csv
import io
import statistics
from dataclasses import replace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from bandstop.cli.options import with_config_options
from bandstop.record import Config
from bandstop.report.comparison import against_dense, between_methods
from bandstop.report.fronts import pareto
from bandstop.report.picked import best_small
from bandstop.report.reproduce import command, environments, words_of
from bandstop.report.summary import COLUMNS, rows, to_csv, to_markdown


def test_runs_that_differ_in_fold_and_seed_are_one_row(sweep):
    table = rows(sweep)
    assert [(row.label, row.rate, row.n) for row in table] == [
        ("dense", 0.0, 6), ("mp", 0.5, 6), ("mp", 0.9, 6), ("pmp", 0.5, 6), ("pmp", 0.9, 6),
    ]  # fmt: skip
    row = table[-1]
    values = [r.result["accuracy"] for r in sweep if r.options.rate == 0.9][1::2]
    assert row.spreads["accuracy"].mean == pytest.approx(statistics.fmean(values))
    assert row.spreads["accuracy"].sd == pytest.approx(statistics.stdev(values))
    assert (row.folds, row.seeds) == (("1", "2", "3"), (0, 1))


def test_an_option_that_differs_splits_only_the_rows_that_look_at_it(make):
    table = rows([make(), make(prior="laplace"), make("mp"), make("dense")])
    assert [r.label for r in table] == ["dense", "mp", "pmp, prior gaussian", "pmp, prior laplace"]
    table = rows([make(heads=2), make(heads=3), make("dense", heads=2)])
    assert [r.label for r in table] == ["dense, heads 2", "pmp, heads 2", "pmp, heads 3"]
    table = rows([make(), make(network="st-gcn", widths="6")])
    assert [r.label for r in table] == ["pmp, network attention-gcn", "pmp, network st-gcn"]
    table = rows([make(exempt=("dense",)), make()])
    assert {r.label for r in table} == {"pmp, exempt dense", "pmp, exempt none"}


def test_runs_of_one_row_may_be_made_on_different_devices(make):
    (row,) = rows([make(), make(device="cuda", seed=1)])
    assert (row.label, row.n) == ("pmp", 2)


def test_an_option_that_differs_in_one_data_set_is_not_named_in_the_other(make):
    elsewhere = replace(make(), data=make().data | {"name": "other"})
    table = rows([make(), make(prior="laplace"), elsewhere])
    assert [(r.data, r.label) for r in table if r.data == "other"] == [("other", "pmp")]


def test_one_name_for_two_sets_of_recordings_is_told_apart_by_the_fingerprint(make):
    other = replace(make(), data=make().data | {"fingerprint": "abcdef123"})
    assert [row.data for row in rows([make(), other])] == ["hand-made (00)", "hand-made (abcdef)"]


def test_one_run_has_no_deviation_and_a_missing_figure_no_mean(make):
    row = rows([make("dense")])[0]
    assert row.spreads["accuracy"].sd is None
    assert row.spreads["rate_observed"].mean is None
    assert "±" not in COLUMNS["accuracy, %"](row)


def test_markdown_has_a_line_a_row_and_no_cell_breaks_it(sweep):
    named = [replace(r, data=r.data | {"name": "a|b"}) for r in sweep]
    lines = to_markdown(rows(named)).splitlines()
    assert len(lines) == 2 + 5
    assert {line.replace("\\|", "").count("|") for line in lines} == {len(COLUMNS) + 1}
    assert "86.5 ± 0.4" in lines[-1]


def test_csv_gives_every_figure_back_exactly(sweep):
    table = rows(sweep)
    read = list(csv.DictReader(io.StringIO(to_csv(table))))
    assert [float(r["accuracy_mean"]) for r in read] == [r.spreads["accuracy"].mean for r in table]
    assert read[0]["rate_observed_mean"] == ""
    assert to_csv([]).strip() == ""


def test_methods_are_compared_pair_by_pair_at_each_rate(sweep):
    found = between_methods(rows(sweep))
    assert [(c.rate, c.first, c.second) for c in found] == [(0.5, "mp", "pmp"), (0.9, "mp", "pmp")]
    first = found[0]
    assert first.outcome.n == 6
    assert first.outcome.median == pytest.approx(-0.0425)
    assert first.outcome.effect == -1
    assert (first.outcome.p, first.corrected) == pytest.approx((0.03125, 0.0625))
    assert first.reading == "too few pairs for 2 tests"


def test_only_folds_and_seeds_that_both_rows_have_are_paired(sweep):
    some = [r for r in sweep if r.options.method != "mp" or r.options.fold == "2"]
    assert [c.outcome.n for c in between_methods(rows(some))] == [2, 2]
    assert [c.reading for c in between_methods(rows(some))] == ["too few pairs"] * 2
    none = [r for r in sweep if (r.options.method == "mp") == (r.options.fold == "2")]
    assert between_methods(rows(none)) == []


def test_pruned_is_compared_with_its_own_dense_reference_and_zeros_are_no_test(sweep):
    same = [replace(r, result=r.result | {"accuracy_dense": r.result["accuracy"]}) for r in sweep]
    assert [(c.corrected, c.reading) for c in against_dense(rows(same))] == [
        (None, "no pair differs: no test")
    ] * 4
    assert [c.outcome.effect for c in against_dense(rows(sweep))] == [-1, -1, -1, -1]


def test_a_clear_difference_is_read_as_one(make):
    records = [
        replace(r, result=r.result | {"accuracy": (0.9 if m == "pmp" else 0.5) + 0.001 * seed})
        for seed in range(9)
        for m in ("mp", "pmp")
        for r in [make(m, seed=seed)]
    ]
    assert [c.reading for c in between_methods(rows(records))] == ["pmp is better"]
    mixed = [
        replace(
            r,
            result=r.result | {"accuracy": 0.6 + 0.01 * (r.options.method == "pmp") * sign * size},
        )
        for n, r in enumerate(records)
        for sign, size in [((-1) ** (n // 2), n // 2 + 1)]
    ]
    assert [c.reading for c in between_methods(rows(mixed))] == ["no difference shown"]


def test_the_best_small_net_is_the_most_accurate_then_the_lightest(sweep, make):
    best = best_small(sweep)
    assert (best.options.method, best.options.rate, best.options.fold) == ("pmp", 0.5, "3")
    tie = replace(best, result=best.result | {"bytes": 1})
    assert best_small([*sweep, tie]) is tie
    assert best_small([make("dense")]) is None


def test_no_point_of_the_front_is_beaten_and_every_other_is():
    points = np.random.default_rng(0).random((60, 2)).round(1)
    front = set(pareto(points).tolist())
    for i, (cost, value) in enumerate(points):
        beaten = ((points[:, 0] <= cost) & (points[:, 1] >= value)) & (points != points[i]).any(1)
        equal_before = i not in front and any((points[j] == points[i]).all() for j in front)
        assert (i in front) == (not beaten.any() and not equal_before)


OPTIONS = {
    "all defaults": Config(),
    "dense": Config(method="dense", rate=0.0, seed=7),
    "lists and odd paths": Config(
        data="npz:/a b/it's.npz", fold="cam 2", exempt=("dense", "filters"), prior="laplace",
        layer_rate=("dense=0.5",), rate=0.975, sigma_end=50.0, learning_rate=1e-05, fusion="concat",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", OPTIONS)
def test_the_command_of_a_run_gives_exactly_its_options_again(kind):
    seen = []
    app = typer.Typer()
    app.command()(with_config_options()(lambda config: seen.append(config)))
    done = CliRunner().invoke(app, words_of(OPTIONS[kind])[2:])
    assert done.exit_code == 0, done.output
    assert seen == [OPTIONS[kind]]


def test_a_command_can_be_pasted_into_a_shell(make):
    import shlex

    record = make(exempt=("dense",))
    assert shlex.split(command(record)) == words_of(record.options)
    assert command(record).startswith("bandstop design --data synthetic --fold 1 --method pmp")


def test_machines_are_listed_once_with_how_many_runs_they_made(sweep):
    mixed = [replace(r, environment={"torch": f"2.{n % 3 > 0:d}"}) for n, r in enumerate(sweep)]
    assert environments(mixed) == [({"torch": "2.1"}, 20), ({"torch": "2.0"}, 10)]
