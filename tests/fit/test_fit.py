"""A budget in bytes or microseconds, with trainings of two steps."""

from __future__ import annotations

import math
import shutil
from dataclasses import replace

import pytest

from bandstop.cli.main import run
from bandstop.data import load
from bandstop.errors import BadInput
from bandstop.fit import LIMITS, Limit, fit
from bandstop.fit.limit import flash
from bandstop.job import design
from bandstop.measure import kept_weights
from bandstop.record import Config

SMALL = {"steps": 2, "heads": 2, "filters": 8, "seed": 3}


@pytest.fixture(scope="module")
def dataset():
    return load("synthetic")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.mark.parametrize("method", ["pmp", "gradual", "structured", "ctf", "mp"])
def test_the_network_takes_at_most_the_bytes_and_not_much_less(method, dataset, runs):
    fitted = fit(Config(method=method, **SMALL), Limit("bytes", 6000), runs, dataset)
    assert fitted.cost == flash(fitted.bundle) <= 6000
    assert fitted.cost > 0.8 * 6000
    assert fitted.rate == fitted.config.rate == fitted.outcome.record.options.rate
    assert 1 <= len(fitted.tried) <= 5


def test_of_many_rates_one_training_is_measured_and_none_is_made_for_the_budget(dataset, runs):
    fitted = fit(Config(method="mrmp", **SMALL), Limit("bytes", 5000), runs, dataset)
    assert 0.9 * 5000 < flash(fitted.bundle) <= 5000
    assert flash(fitted.outcome.bundle.at(fitted.rate)) == fitted.cost
    assert len(fitted.tried) == 1


def test_a_budget_of_microseconds_is_met_by_what_they_are_measured_to_be(
    dataset, runs, monkeypatch
):
    def measure(bundle):
        return 0.01 * kept_weights(bundle.net.net)

    monkeypatch.setitem(LIMITS, "us", replace(LIMITS["us"], measure=measure))
    fitted = fit(Config(method="mp", **SMALL), Limit("us", 9.0), runs, dataset)
    assert fitted.cost == measure(fitted.bundle) <= 9.0
    assert fitted.cost > 0.9 * 9.0


@pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
def test_microseconds_of_a_network_are_positive_and_finite(dataset, runs):
    bundle = design(Config(method="mp", **SMALL), runs, dataset).bundle
    assert 0 < LIMITS["us"].measure(bundle) < math.inf


@pytest.mark.parametrize(
    ("method", "most", "words"),
    [
        ("pmp", 200, "not reached at any rate: the smallest network that keeps a path"),
        (
            "mrmp",
            200,
            "is not reached: at 0.98, the highest rate that was trained, the network takes",
        ),
        ("pmp", 10**7, "asks for nothing to be removed: the dense network takes"),
        ("dense", 6000, "removes nothing; a budget needs one that prunes"),
    ],
)
def test_a_budget_that_no_rate_meets_names_the_nearest(method, most, words, dataset, runs):
    with pytest.raises(BadInput, match=words):
        fit(Config(method=method, **SMALL), Limit("bytes", most), runs, dataset)


@pytest.mark.parametrize("most", [0, -1, float("inf"), float("nan"), "many"])
def test_a_budget_of_nothing_is_refused(most):
    with pytest.raises(BadInput, match="above 0 and finite"):
        Limit("bytes", most)
    with pytest.raises(BadInput, match="one of us, bytes"):
        Limit("joules", 1)


def asked(capsys, tmp_path, *more):
    given = [
        "design",
        "--data",
        "synthetic",
        "--runs",
        str(tmp_path),
        "--steps",
        "2",
        "--heads",
        "2",
    ]
    code = run([*given, "--filters", "8", "--quiet", *more])
    return code, capsys.readouterr()


def test_the_command_says_the_rate_and_how_to_have_it_again(capsys, tmp_path):
    code, said = asked(capsys, tmp_path, "--budget-bytes", "6000")
    assert code == 0
    assert "budget 6000 bytes: rate 0." in said.out
    assert "the same run      bandstop design --rate 0." in said.out.replace("\n", " ")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--budget-bytes", "6000", "--budget-us", "2"], "not both"),
        (["--budget-bytes", "6000", "--rate", "0.5"], "leave out --rate"),
        (["--budget-us", "0"], "budget-us must be above 0"),
    ],
)
def test_what_contradicts_itself_is_one_sentence(capsys, tmp_path, more, words):
    code, said = asked(capsys, tmp_path, *more)
    assert code != 0
    assert words in said.err
    assert not list(tmp_path.iterdir())
