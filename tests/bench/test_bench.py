"""bandstop bench and inspect: what they say, not how fast anything is."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making import FUSIONS, bundle

from bandstop.bench import ENGINES, bench, inspect, networks
from bandstop.bench.turns import Times, in_turn, one_thread, ratio
from bandstop.bundle import Bundle
from bandstop.cli import main as cli
from bandstop.errors import BadInput, Failure, Missing

FAST = ("PyTorch", "ONNX Runtime", "C")


def known(fusion: str = "sum", keep: float = 0.4, heads: int = 3, filters: int = 6) -> Bundle:
    """A bundle that says how large it was."""
    b = bundle(fusion, keep)
    facts = {**b.facts, "provenance": {"config": {"heads": heads, "filters": filters}}}
    return Bundle(b.net, b.description, b.normalisation, b.classes, facts)


@pytest.fixture(scope="module")
def result():
    return bench(known(), rounds=2, engines=FAST)


@settings(max_examples=30)
@given(st.sampled_from(FUSIONS), st.sampled_from([0.02, 0.2, 0.5, 1.0]), st.integers(2, 4))
def test_the_masked_network_is_the_pruned_one_in_its_first_size(fusion, keep, heads):
    b = known(fusion, keep, heads, heads + 3)
    nets = networks(b)
    assert nets.known
    assert (nets.masked.shape.heads, nets.masked.shape.filters) == (heads, heads + 3)
    assert nets.dense.shape == nets.masked.shape
    signals = torch.randn(5, b.net.nodes, b.net.all_features)
    assert torch.allclose(nets.masked(signals), b.net(signals), atol=1e-5)
    assert all((w != 0).all() for w in nets.dense.net.weights().values())


def test_a_bundle_that_does_not_say_its_first_size_is_measured_in_its_own():
    b = bundle(keep=0.4)
    nets = networks(b)
    assert not nets.known
    assert nets.masked.shape.heads == b.net.shape.heads


def test_every_engine_and_network_has_a_row_for_each_batch(result):
    found = {(r.engine, r.net, r.batch) for r in result.rows}
    wanted = {(e, n, b) for e in FAST for n in ENGINES[e].nets for b in (1, 64)}
    assert found == wanted | {("ONNX Runtime", "empty", 1), ("ONNX Runtime", "empty", 64)}
    for row in result.rows:
        assert 0 < row.p50_us <= row.p90_us
        assert row.per_second == pytest.approx(1e6 * row.batch / row.p50_us)


def test_all_were_checked_to_compute_the_same(result):
    assert set(result.errors) == {f"{e} {n}" for e in FAST for n in ENGINES[e].nets}
    assert max(result.errors.values()) <= 1e-5


def test_ratios_are_named_by_what_they_compare(result):
    assert "ONNX Runtime dense / C pruned, batch 1" in result.ratios
    assert "ONNX Runtime dense without its call / C pruned in a loop of C" in result.ratios
    assert not any(name.startswith("C pruned") for name in result.ratios)


def test_an_engine_that_computes_something_else_is_a_failure(monkeypatch):
    wrong = ENGINES["PyTorch"].__class__(
        lambda net, b: lambda s: lambda: np.ones((len(s), len(b.classes))), ("dense",)
    )
    monkeypatch.setitem(ENGINES, "wrong", wrong)
    with pytest.raises(Failure, match=r"wrong, dense disagree.*nothing is measured"):
        bench(known(), rounds=1, engines=("wrong",))


def test_an_engine_that_is_not_there_is_named_and_left_out(monkeypatch):
    def absent(net, b):
        raise Missing("not installed; pip install it")

    monkeypatch.setitem(ENGINES, "Other", ENGINES["PyTorch"].__class__(absent, ("dense",)))
    found = bench(known(), rounds=1, engines=("Other", "PyTorch"))
    assert found.absent == {"Other": "not installed; pip install it"}
    assert {r.engine for r in found.rows} == {"PyTorch"}
    assert found.ratios == {}


def test_where_no_engine_is_there_it_says_why_once(monkeypatch):
    def absent(net, b):
        raise Missing("not installed; pip install it")

    monkeypatch.setitem(ENGINES, "Other", ENGINES["PyTorch"].__class__(absent, ("dense",)))
    with pytest.raises(Failure, match="nothing to measure; Other: not installed; pip install it"):
        bench(known(), rounds=1, engines=("Other",))


def test_without_onnx_and_a_compiler_the_others_are_measured(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.setattr("bandstop.compile.build.shutil.which", lambda name: None)
    monkeypatch.setattr("bandstop.compile.build.find_spec", lambda name: None)
    monkeypatch.delenv("CC", raising=False)
    found = bench(known(), rounds=1, engines=FAST)
    assert set(found.absent) == {"ONNX Runtime", "C"}
    assert "bandstop[onnx]" in found.absent["ONNX Runtime"]
    assert "there is no C compiler" in found.absent["C"]


def test_an_unknown_engine_is_refused_with_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'PyTorch'"):
        bench(known(), engines=("pytorhc",))


def test_it_runs_on_one_core_and_gives_the_others_back():
    before, threads = os.sched_getaffinity(0), torch.get_num_threads()
    with one_thread() as core:
        assert os.sched_getaffinity(0) == {core}
        assert torch.get_num_threads() == 1
    assert os.sched_getaffinity(0) == before
    assert torch.get_num_threads() == threads


def test_engines_take_turns():
    said: list[str] = []
    in_turn({n: lambda n=n: said.append(n) for n in "AB"}, rounds=3)
    turns = "".join(a for a, b in zip(said, [*said[1:], ""], strict=True) if a != b)
    assert turns.endswith("ABABAB")


def test_a_ratio_is_the_median_of_neighbouring_turns():
    slow, fast = Times(((2.0,), (30.0,), (4.0,))), Times(((1.0,), (10.0,), (2.0,)))
    assert ratio(slow, fast) == 2.0


@pytest.mark.parametrize("keep", [0.05, 0.4, 1.0])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_inspect_accounts_for_every_weight_and_all_of_the_time(fusion, keep):
    b = known(fusion, keep)
    found = inspect(b)
    kept = sum(int((w != 0).sum()) for w in b.net.net.weights().values())
    assert sum(r.weights[0] for r in found.rows) == kept
    assert sum(r.weights[1] for r in found.rows) == networks(b).masked.shape.weights
    assert sum(r.share for r in found.rows) == pytest.approx(1)
    assert sum(r.us for r in found.rows) == pytest.approx(found.us)
    assert all(r.us > 0 for r in found.rows)
    assert (found.rows[0].layer, found.rows[-1].layer) == ("frames to signal", "probabilities")
    assert sum(r.bytes for r in found.rows) == found.flash
    groups = {name for r in found.rows for name in r.groups}
    assert {"heads", "filters"} & groups


def test_the_commands_print_tables_and_json(tmp_path, capsys, monkeypatch):
    def absent(net, b):
        raise Missing("pip install 'bandstop[cross]'")

    known().save(tmp_path / "net.bandstop")
    path = str(tmp_path / "net.bandstop")
    short = ["--rounds", "1", "--engine", "PyTorch", "--engine", "C"]
    assert cli.run(["bench", path, *short]) == 0
    assert "all compute the same" in capsys.readouterr().out
    assert cli.run(["bench", path, *short, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert set(made["rows"][0]) == {"engine", "net", "batch", "p50_us", "p90_us", "per_second"}
    assert made["ratios"]["PyTorch dense / C pruned, batch 1"] > 0
    monkeypatch.setitem(ENGINES, "C", ENGINES["C"].__class__(absent, ("dense", "pruned")))
    assert cli.run(["bench", path, *short]) == 0
    assert "left out: C, pip install 'bandstop[cross]'" in capsys.readouterr().out
    monkeypatch.undo()
    assert cli.run(["inspect", path]) == 0
    assert "scratch memory" in capsys.readouterr().out
    assert cli.run(["inspect", path, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"][0]["layer"] == "frames to signal"


@pytest.mark.parametrize("command", ["bench", "inspect"])
def test_what_is_no_bundle_is_one_clear_sentence(command, tmp_path, capsys):
    (tmp_path / "net.bandstop").write_bytes(b"nothing")
    assert cli.run([command, str(tmp_path / "net.bandstop")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    bundle().save(tmp_path / "net.bandstop")
    assert cli.run([command, str(tmp_path / "net.bandstop"), "--rate", "0.9"]) == 2
    assert "designed for one rate" in capsys.readouterr().err


@pytest.mark.slow
def test_torch_compile_is_measured_or_named():
    found = bench(known(), rounds=1, engines=("torch.compile", "C"))
    assert ("torch.compile" in found.absent) != any(r.engine == "torch.compile" for r in found.rows)


def test_help_comes_without_loading_torch():
    code = "import sys; from bandstop.cli import main; main.run(['bench', '--help'])"
    code += "; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip().endswith("False"), done.stdout[-200:]
    assert "bandstop bench net.bandstop" in done.stdout
