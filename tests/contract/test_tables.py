"""What may be chosen is written once for people, in record/config.py, and once where it is carried out."""

from __future__ import annotations

from dataclasses import fields

import pytest

from bandstop.budget import SCOPES
from bandstop.data.describe import VIEWS
from bandstop.errors import BadInput
from bandstop.gate import PRIORS, BandStop
from bandstop.gate.coarse_to_fine import PSIS
from bandstop.gate.spec import THRESHOLDS
from bandstop.method import METHODS
from bandstop.method.gates import GATES
from bandstop.method.terms import TERMS
from bandstop.networks import NETWORKS, POLYNOMIALS
from bandstop.nn.attention_gcn import FUSIONS
from bandstop.objective import ALIGNMENTS
from bandstop.record import CHOICES, Config

TABLES = {
    "view": VIEWS,
    "network": ["attention-gcn", *NETWORKS, *POLYNOMIALS],
    "bodies": ["together", "apart"],
    "features": ["positions", "speeds"],
    "method": METHODS,
    "scope": SCOPES,
    "prior": PRIORS,
    "threshold": THRESHOLDS,
    "alignment": [*ALIGNMENTS, "transport", "none"],
    "psi": PSIS,
    "samples": ["spread", "repeated"],
    "precision": ["full", "medium"],
    "fusion": FUSIONS,
    "class_weights": ["none", "balanced"],
    "device": ["auto", "cpu", "cuda"],
}


def test_every_choice_is_held_to_a_table():
    assert set(CHOICES) == set(TABLES)


@pytest.mark.parametrize("option", CHOICES)
def test_what_may_be_chosen_is_what_there_is(option):
    assert set(CHOICES[option]) == set(TABLES[option])
    assert len(CHOICES[option]) == len(set(CHOICES[option]))


@pytest.mark.parametrize(("option", "value"), [(o, v) for o in CHOICES for v in CHOICES[o]])
def test_every_choice_makes_a_configuration(option, value):
    assert getattr(Config(**{option: value}), option) == value


@pytest.mark.parametrize("option", CHOICES)
def test_every_choice_is_named_in_its_help(option):
    (words,) = [f.metadata["help"] for f in fields(Config) if f.name == option]
    assert all(value in words for value in CHOICES[option])


@pytest.mark.parametrize("option", fields(Config), ids=lambda f: f.name)
def test_an_option_of_some_methods_alone_names_methods_there_are(option):
    assert set(option.metadata["only"]) <= set(METHODS)


@pytest.mark.parametrize("name", METHODS)
def test_a_methods_gate_and_terms_are_in_their_tables(name):
    assert METHODS[name].gate is None or METHODS[name].gate in GATES
    assert set(METHODS[name].terms) <= set(TERMS)


def test_every_gate_and_every_term_is_some_methods():
    assert {m.gate for m in METHODS.values()} - {None} == set(GATES)
    assert {term for m in METHODS.values() for term in m.terms} == set(TERMS)


def test_the_priors_know_their_own_names():
    assert all(PRIORS[name].name == name for name in PRIORS)


@pytest.mark.parametrize("name", METHODS)
def test_every_method_says_what_it_is_and_where_it_is_from(name):
    method = METHODS[name]
    assert method.words
    assert method.source
    assert method.cut is None or method.cut == "settle" or 0 <= float(method.cut) <= 1
    assert not (method.gate and method.cut is None), "gates must end in a mask"


def test_a_name_outside_the_tables_is_refused_with_the_nearest_one():
    with pytest.raises(BadInput, match=r"unknown prior 'laplac'; did you mean 'laplace'\?"):
        Config(prior="laplac")
    with pytest.raises(BadInput, match=r"did you mean 'laplace'\?"):
        BandStop(rate=0.5, prior="laplac")
