"""The literal tables: each expands on recordings of SBU's kind, and variants are checked like the rest."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bandstop.data import Fold
from bandstop.errors import BadInput
from bandstop.record import CHOICES, Config
from bandstop.sweep import OLD, TABLES, Table, Variant, expand, named, only, unlearnable


@pytest.mark.parametrize("name", TABLES)
def test_a_named_table_expands_without_a_problem(name, dataset):
    table = TABLES[name]
    plan = expand(Config(data="synthetic:gestures", chunks=8), table, dataset)
    assert len(set(plan.runs)) == len(plan.runs)
    networks = {(run.network, run.heads, run.filters) for run in plan.dense}
    assert len(plan.dense) == len(dataset.folds) * len(table.seeds) * len(networks)


def test_the_variants_of_a_table_are_runs_of_their_own(base, dataset):
    variants = (Variant("a", {"prior": "laplace"}), Variant("b", {"prior": "uniform"}))
    plan = expand(base, Table(("pmp",), (0.5, 0.9), ("1",), (0,), variants), dataset)
    assert [(run.prior, run.rate) for run in plan.rest] == [
        ("laplace", 0.5), ("laplace", 0.9), ("uniform", 0.5), ("uniform", 0.9),
    ]  # fmt: skip


def test_a_variant_that_names_its_method_is_made_with_that_alone(base, dataset):
    variants = (Variant("own", {"method": "mp"}), Variant("plain"))
    plan = expand(base, Table(("pmp", "gradual"), (0.5,), ("1",), (0,), variants), dataset)
    assert [run.method for run in plan.rest] == ["mp", "pmp", "gradual"]


def test_two_variants_that_a_method_does_not_tell_apart_are_one_run(base, dataset):
    variants = (Variant("a", {"prior": "laplace"}), Variant("b", {"prior": "uniform"}))
    plan = expand(base, Table(("mp",), (0.5,), ("1",), (0,), variants), dataset)
    assert len(plan.rest) == 1


def test_problems_of_all_variants_are_named_at_once(base, dataset):
    variants = (
        Variant("one", {"prior": "laplac"}),
        Variant("two", {"heads": 0}),
        Variant("three", {"filters": 1, "chunks": 1}),
    )
    with pytest.raises(BadInput) as error:
        expand(base, Table(("pmp",), (0.5, 0.9999), ("1",), (0,), variants), dataset)
    for words in ("did you mean 'laplace'", "heads must be", "pmp (three) at rate 0.9999"):
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("options", "words"), [({"prioor": 1}, "did you mean 'prior'"), ({"seed": 1}, "sets seed")]
)
def test_a_variant_that_sets_what_it_cannot_is_refused_when_it_is_made(options, words):
    with pytest.raises(BadInput, match=words):
        Variant("x", options)


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ({"variants": (Variant("a"), Variant("a"))}, "two variants are named 'a'"),
        ({"variants": ()}, "needs a variant"),
        ({"methods": ()}, "needs a method"),
    ],
)
def test_a_table_that_means_nothing_is_refused_when_it_is_made(axes, words):
    with pytest.raises(BadInput, match=words):
        Table(**axes)


def test_some_variants_can_be_asked_for_by_name():
    table = only(named("sbu-ctf")[1], ["together", "row"])
    assert [variant.name for variant in table.variants] == ["together", "row"]
    with pytest.raises(BadInput, match="did you mean 'row'"):
        only(named("ctf")[1], ["rou"])


def test_the_table_of_methods_has_every_method_that_removes_weights_by_itself():
    assert set(TABLES["methods"].methods) <= set(CHOICES["method"])
    assert {"mp", "pmp", "mrmp", "structured", "ctf"} <= set(TABLES["methods"].methods)


@pytest.mark.parametrize("name", OLD)
def test_what_tables_were_called_before_still_names_them(name):
    asks, table = named(name)
    assert asks == OLD[name] != name
    assert table is TABLES[asks]


def test_a_class_that_a_fold_cannot_learn_is_named(dataset):
    label = dataset.sequences[0].label
    holds = [i for i, s in enumerate(dataset.sequences) if s.label == label]
    others = [i for i, s in enumerate(dataset.sequences) if s.label not in (label, None)]
    folds = (
        Fold("lacks", tuple(others), tuple(holds)),
        Fold("has", tuple(others[1:] + holds[1:]), (others[0], holds[0])),
    )
    few = replace(dataset, folds=folds)
    assert unlearnable(few, ("all",)) == {"lacks": (dataset.classes[label],)}
    assert unlearnable(few, ("has",)) == {}
    assert unlearnable(dataset, ("all",)) == {}
