"""The command line as a user meets it: help, results, errors, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bandstop.cli import main as cli
from bandstop.cli.design import KEYS

SMALL = ["--steps", "10", "--heads", "2", "--filters", "6", "--chunks", "4", "--rate", "0.8"]


def run(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.run([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def bundle(runs) -> Path:
    assert cli.run(["design", *SMALL, "--runs", str(runs), "--quiet", "--no-figures"]) == 0
    return next(runs.glob("*pmp*/net.bandstop"))


def in_a_new_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_help_imports_neither_torch_nor_matplotlib():
    loaded = in_a_new_process(
        "import sys\n"
        "from bandstop.cli.main import run\n"
        "run(['design', '--help'])\n"
        "print('loaded:', {'torch', 'matplotlib'} & set(sys.modules))"
    )
    assert "loaded: set()" in loaded


def test_importing_the_package_loads_torch_only_when_a_name_needs_it():
    assert "False" in in_a_new_process("import sys, bandstop\nprint('torch' in sys.modules)")
    assert "True" in in_a_new_process(
        "import sys, bandstop as bs\nbs.BandStop(rate=0.9)\nprint('torch' in sys.modules)"
    )


def test_help_shows_every_option_of_a_run(capsys):
    from dataclasses import fields

    from bandstop.record import Config

    code, out, _ = run(capsys, "design", "--help")
    assert code == 0
    for field in fields(Config):
        assert f"--{field.name.replace('_', '-')}" in out
    assert "Examples:" in out


def test_json_is_the_last_line_of_stdout_and_has_the_promised_keys(capsys, runs, bundle):
    code, out, _ = run(capsys, "design", *SMALL, "--runs", runs, "--json", "--no-figures")
    assert code == 0
    values = json.loads(out.splitlines()[-1])
    promised = (
        "method rate_target rate_observed rate weights weights_kept macs_dense macs bytes "
        "accuracy_dense accuracy seconds run"
    )
    assert set(promised.split()) <= set(values) == set(KEYS)
    assert Path(values["run"]) == bundle.parent


def test_the_table_names_accuracy_rates_weights_macs_and_bytes(capsys, runs, bundle):
    _, out, _ = run(capsys, "design", *SMALL, "--runs", runs, "--no-figures")
    for word in ("accuracy", "asked for", "observed", "delivered", "weights kept", "MACs", "bytes"):
        assert word in out


def test_fold_all_gives_each_fold_and_the_mean(capsys, tmp_path):
    words = (
        "design",
        *SMALL[:-2],
        "--method",
        "dense",
        "--fold",
        "all",
        "--no-figures",
        "--runs",
        tmp_path,
    )
    code, out, _ = run(capsys, *words, "--json")
    assert code == 0
    assert "mean of 5 folds" in out
    values = json.loads(out.splitlines()[-1])
    accuracies = [fold["accuracy"] for fold in values["folds"]]
    assert len(accuracies) == 5
    assert values["accuracy"] == pytest.approx(np.mean(accuracies))
    assert values["accuracy_sd"] == pytest.approx(np.std(accuracies, ddof=1))
    counts = (
        "weights",
        "weights_kept",
        "macs_dense",
        "macs",
        "macs_sparse",
        "bytes_dense",
        "bytes",
    )
    assert {type(values[name]) for name in counts} == {int}
    code, out, _ = run(capsys, *words, "--json", "--quiet")
    assert json.loads(out) == values, "with --quiet there is nothing beside the JSON"


def test_flags_win_over_the_file_and_the_file_over_the_defaults(capsys, tmp_path):
    file = tmp_path / "net.toml"
    file.write_text('steps = 50\nheads = 2\nfilters = 6\nchunks = 4\nrate = 0.5\nmethod = "mp"\n')
    code, out, _ = run(
        capsys, "design", "--config", file, "--rate", "0.7", "--json", "--no-figures",
        "--runs", tmp_path, "--quiet",
    )  # fmt: skip
    assert code == 0
    values = json.loads(out.splitlines()[-1])
    assert (values["rate_target"], values["method"]) == (0.7, "mp")
    stored = json.loads((Path(values["run"]) / "config.json").read_text())
    assert (stored["rate"], stored["filters"]) == (0.7, 6)


def test_predict_prints_the_class_and_every_probability(capsys, bundle, tmp_path):
    from bandstop.data import load

    sequence = load("synthetic").sequences[0]
    recording = tmp_path / "one.npy"
    np.save(recording, sequence.positions)
    code, out, _ = run(capsys, "predict", bundle, recording)
    assert code == 0
    assert "hugging" in out
    assert "%" in out
    code, out, _ = run(capsys, "predict", bundle, recording, "--json")
    values = json.loads(out)
    assert sum(values["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert values["class"] == max(values["probabilities"], key=values["probabilities"].get)


def test_data_check_examines_synthetic_recordings(capsys):
    code, out, _ = run(capsys, "data", "check", "synthetic")
    assert code == 0
    assert "302" in out


BAD = {
    "unknown method": (["design", "--method", "pmpp"], "did you mean 'pmp'"),
    "unknown prior": (["design", "--prior", "gausian"], "did you mean 'gaussian'"),
    "unknown format": (["design", "--data", "sbx:x"], "unknown data format 'sbx'"),
    "rate of 90": (["design", "--rate", "90"], "rate must be in [0, 1)"),
    "rate below 0": (["design", "--rate=-0.1"], "rate must be in [0, 1)"),
    "rate nan": (["design", "--rate", "nan"], "rate must be in [0, 1)"),
    "no path": (["design", "--rate", "0.9999"], "budget unreachable"),
    "missing folder": (["design", "--data", "sbu:nowhere"], "nowhere does not exist"),
    "unknown fold": (["design", "--fold", "7"], "has no fold '7'"),
    "missing config": (["design", "--config", "no.toml"], "no.toml cannot be read"),
    "missing bundle": (["predict", "no.bandstop", "x.csv"], "no.bandstop cannot be read"),
    "unknown option": (["design", "--ratee", "1"], "No such option"),
    "unknown command": (["desing"], "No such command"),
    "unknown exempt": (["design", "--exempt", "denze"], "no prunable tensor is named 'denze'"),
    "no memory": (["design", "--heads", "10000000"], "GiB, and this machine has"),
    "no rate for dense": (["design", "--method", "dense", "--rate", "0.8"], "rate has no effect: "),
    "no prior for mp": (
        ["design", "--method", "mp", "--prior", "laplace"],
        "prior has no effect: ",
    ),
    "bad layer rate": (["design", "--layer-rate", "dense"], "layer-rate must look like"),
    "missing data path": (["data", "check", "nowhere"], "nowhere"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_sentence_with_exit_code_2_and_no_traceback(case, capsys, tmp_path):
    arguments, sentence = BAD[case]
    where = ["--runs", str(tmp_path)] if arguments[0] == "design" else []
    code, _, err = run(capsys, *arguments, *where)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert not list(tmp_path.rglob("*.bandstop"))


def test_all_wrong_options_are_named_at_once(capsys):
    _, _, err = run(capsys, "design", "--method", "pmpp", "--rate", "2", "--steps", "0")
    assert "3 problems" in err


def test_debug_shows_the_traceback(capsys):
    code, _, err = run(capsys, "design", "--rate", "2", "--debug")
    assert code == 2
    assert "Traceback" in err


def test_control_c_says_that_the_same_command_goes_on(capsys, monkeypatch, tmp_path):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("bandstop.train.loop.cosine", interrupt)
    code, _, err = run(capsys, "design", *SMALL, "--runs", tmp_path, "--quiet")
    assert code == 130
    assert "the same command goes on" in err


def test_a_cut_short_recording_is_named_with_its_line(capsys, bundle, tmp_path):
    path = tmp_path / "skeleton_pos.txt"
    path.write_text("1," + ",".join(["0.5"] * 90) + "\n2," + ",".join(["0.5"] * 44) + "\n")
    code, _, err = run(capsys, "predict", bundle, path)
    assert code == 2
    assert "line 2" in err
    assert "91" in err


def test_an_unwritable_runs_folder_is_a_failure_with_exit_code_1(capsys, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    code, _, err = run(capsys, "design", *SMALL, "--runs", file / "runs", "--quiet")
    assert code == 1
    assert "choose another --runs" in err
