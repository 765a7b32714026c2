"""`bandstop extract`: any rate out of a finished run, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bandstop.bundle import load_bundle
from bandstop.cli import main as cli

SMALL = ["--steps", "10", "--heads", "2", "--filters", "6", "--chunks", "4"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run of many rates."""
    runs = tmp_path_factory.mktemp("runs")
    options = ["--method", "mrmp", "--seen", "50,80,90", "--quiet", "--no-figures"]
    assert cli.run(["design", *SMALL, *options, "--runs", str(runs)]) == 0
    return next(runs.glob("*mrmp*"))


def extract(capsys, *arguments: object) -> tuple[int, str, str]:
    code = cli.run(["extract", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.mark.parametrize("rate", [0.5, 0.77, 0.9])
def test_a_run_gives_the_network_of_a_rate_with_its_budget(rate, folder, capsys, tmp_path):
    target = tmp_path / "small.bandstop"
    code, out, _ = extract(capsys, folder, "--rate", rate, "-o", target, "--json")
    facts = json.loads(out)
    whole, small = load_bundle(folder / "net.bandstop"), load_bundle(target)
    allowed = round((1 - rate) * whole.order.weights)
    assert code == 0
    assert allowed - 2 <= facts["weights_kept"] <= allowed  # a weight or two wait for their path
    assert facts["weights_kept"] == sum(
        int((w != 0).sum()) for w in small.net.net.weights().values()
    )
    assert facts["rate"] == small.facts["rate"]
    assert facts["bytes"] == target.stat().st_size
    assert small.to_bytes() == whole.at(rate).to_bytes()


def test_without_a_name_it_lies_beside_the_network(folder, capsys):
    code, out, _ = extract(capsys, folder, "--rate", 0.8)
    assert code == 0
    assert "net-0.8.bandstop" in out
    assert (folder / "net-0.8.bandstop").exists()


@pytest.mark.parametrize(
    ("rate", "words"),
    [(0.95, "above 0.9, the highest"), (0.4, "below 0.5, the lowest"), (80, "[0, 1)")],
)
def test_a_rate_outside_is_refused_with_the_reason(rate, words, folder, capsys):
    code, out, err = extract(capsys, folder, "--rate", rate)
    assert (code, out) == (2, "")
    assert words in err


def test_forced_it_goes_above_the_highest(folder, capsys, tmp_path):
    code, out, _ = extract(
        capsys, folder, "--rate", 0.95, "--force", "-o", tmp_path / "s.bandstop", "--json"
    )
    assert code == 0
    assert json.loads(out)["rate"] >= 0.949


def test_the_network_of_every_rate_is_not_written_over(folder, capsys):
    before = (folder / "net.bandstop").read_bytes()
    code, _, err = extract(capsys, folder, "--rate", 0.8, "-o", folder / "net.bandstop")
    assert code == 2
    assert "holds every rate and would be lost" in err
    assert (folder / "net.bandstop").read_bytes() == before
