"""A table expands into the runs that it means, and every problem is found before any of them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.errors import BadInput
from bandstop.record import CHOICES, parse_rates
from bandstop.sweep import TABLES, Table, expand, parse_seeds


def test_every_combination_is_there_once_and_dense_has_no_rate(base, dataset):
    plan = expand(base, Table(("dense", "mp", "pmp"), (0.5, 0.9), ("1", "3"), (0, 1)), dataset)
    assert len(plan.dense) == 2 * 2
    assert len(plan.rest) == 2 * 2 * 2 * 2
    assert len(set(plan.runs)) == len(plan.runs)
    assert {run.rate for run in plan.dense} == {0.0}


def test_one_dense_reference_a_fold_and_seed_is_made_though_dense_was_not_asked_for(base, dataset):
    plan = expand(base, Table(("pmp",), (0.5, 0.9), ("1",), (0, 1)), dataset)
    assert [(run.fold, run.seed) for run in plan.dense] == [("1", 0), ("1", 1)]


def test_all_folds_are_those_of_the_data(base, dataset):
    plan = expand(base, Table(("dense",), (), ("all",), (0,)), dataset)
    assert [run.fold for run in plan.dense] == [fold.name for fold in dataset.folds]


def test_all_problems_are_named_at_once(base, dataset):
    wrong = Table(("dens", "pmp"), (0.5, 0.9999), ("1", "9"), (0, -1))
    with pytest.raises(BadInput) as error:
        expand(base, wrong, dataset)
    for word in ("'dens'; did you mean 'dense'", "no fold '9'", "rate 0.9999", "seed must be"):
        assert word in str(error.value)


def test_the_named_tables_use_methods_that_there_are():
    for table in TABLES.values():
        assert set(table.methods) <= set(CHOICES["method"])


@given(st.lists(st.floats(1, 99.9), min_size=1, max_size=5))
def test_rates_in_percent_and_as_fractions_mean_the_same(percent):
    text = ",".join(f"{p:.3f}" for p in percent)
    fractions = ",".join(f"{float(f'{p:.3f}') / 100:.10f}" for p in percent)
    assert parse_rates(text) == pytest.approx(parse_rates(fractions))


@pytest.mark.parametrize("text", ["", "a", "1;2", "50,,90"])
def test_rates_that_are_no_numbers_are_refused(text):
    with pytest.raises(BadInput, match="rates are numbers"):
        parse_rates(text)


@pytest.mark.parametrize(
    ("text", "seeds"), [("0", (0,)), ("0-2", (0, 1, 2)), ("1,3-4,1", (1, 3, 4))]
)
def test_seeds_are_numbers_and_ranges(text, seeds):
    assert parse_seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "2-1", "1-"])
def test_seeds_that_name_nothing_are_refused(text):
    with pytest.raises(BadInput, match="seed"):
        parse_seeds(text)


def test_an_option_that_no_line_of_the_table_looks_at_is_refused(base, dataset):
    asked = replace(base, prior="laplace", scope="layer")
    with pytest.raises(BadInput, match=r"^prior has no effect in this table: "):
        expand(asked, Table(("dense", "mp"), (0.5,), ("1",), (0,)), dataset)
    expand(asked, Table(("dense", "mp", "pmp"), (0.5,), ("1",), (0,)), dataset)
