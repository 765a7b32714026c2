"""What people try first: the module as a program, completion, several recordings, data under any name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bandstop as bs
from bandstop.cli import main as cli
from bandstop.data import Dataset, load
from bandstop.data.formats.npz import write_npz
from bandstop.job import Listener
from bandstop.job.progress import duration
from bandstop.report.listed import listed
from bandstop.sweep import OLD, called, named

SMALL = ["--steps", "10", "--heads", "1", "--filters", "4", "--chunks", "3", "--quiet"]
PYTHON = {"steps": 10, "heads": 1, "filters": 4, "chunks": 3, "listener": Listener()}


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    code = cli.run([str(a) for a in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def as_process(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bandstop", *arguments],
        capture_output=True, text=True, env=os.environ | environment,
    )  # fmt: skip


def test_the_module_is_the_command_line():
    assert as_process("--version").stdout.strip() == bs.__version__
    done = as_process("design", "--ratee", "1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "No such option" in done.stderr


@pytest.mark.parametrize(
    ("begun", "wanted"),
    [("bandstop de", "design"), ("bandstop design --meth", "--method"),
     ("bandstop design --prior la", "laplace"), ("bandstop data ch", "check")],
)  # fmt: skip
def test_a_shell_completes_verbs_options_and_what_may_be_chosen(begun, wanted):
    done = as_process(
        _BANDSTOP_COMPLETE="complete_bash", COMP_WORDS=begun, COMP_CWORD=f"{begun.count(' ')}"
    )
    assert done.stdout.split() == [wanted]


def test_completion_is_installed_for_a_shell(tmp_path):
    done = as_process(
        "--install-completion", "bash", HOME=str(tmp_path), _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "bandstop" in (tmp_path / ".bashrc").read_text()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Two bundles, three recordings, and a file that is none."""
    folder = tmp_path_factory.mktemp("here")
    for name, method in (("net", "pmp"), ("other", "mp")):
        bs.design("synthetic", runs=folder / "runs", method=method, **PYTHON).save(
            folder / f"{name}.bandstop"
        )
    for number, take in enumerate(load("synthetic").sequences[:3]):
        np.save(folder / f"take{number}.npy", take.positions)
    (folder / "broken.npy").write_bytes((folder / "take0.npy").read_bytes()[:900])
    return folder


def test_several_recordings_are_a_line_each_in_their_order(folder, capsys):
    takes = sorted(folder.glob("take*.npy"))
    code, out, _ = run(capsys, "predict", folder / "net.bandstop", *takes)
    assert code == 0
    net = bs.load_bundle(folder / "net.bandstop")
    for line, take in zip(out.splitlines(), takes, strict=True):
        assert str(take) in line
        assert net.predict(np.load(take)).label in line


def test_every_bundle_answers_for_every_recording_wherever_it_stands(folder, capsys):
    bundles, takes = sorted(folder.glob("*.bandstop")), sorted(folder.glob("take*.npy"))
    code, out, _ = run(capsys, "predict", bundles[0], *takes, bundles[1], "--json")
    assert code == 0
    answers = [json.loads(line) for line in out.splitlines()]
    assert [(a["recording"], a["bundle"]) for a in answers] == [
        (str(take), str(bundle)) for take in takes for bundle in bundles
    ]
    for answer in answers:
        said = bs.load_bundle(answer["bundle"]).predict(np.load(answer["recording"]))
        assert (answer["class"], answer["probabilities"]) == (said.label, said.probabilities)


def test_a_recording_that_cannot_be_read_costs_no_other_and_is_the_exit_code(folder, capsys):
    files = [folder / f"{name}.npy" for name in ("take0", "broken", "missing", "take1")]
    code, out, err = run(capsys, "predict", folder / "net.bandstop", *files, "--json")
    assert code == 2
    assert [json.loads(line)["recording"] for line in out.splitlines()] == [
        str(files[0]), str(files[3]),
    ]  # fmt: skip
    assert "2 problems" in err
    assert "broken.npy" in err
    assert "missing.npy" in err


def test_bundles_alone_are_told_what_is_missing(folder, capsys):
    code, _, err = run(capsys, "predict", *sorted(folder.glob("*.bandstop")))
    assert code == 2
    assert "all 2 files are bundles; give recordings after them" in err


@pytest.fixture
def mine(tmp_path, monkeypatch) -> Path:
    """Recordings of one's own, in the folder where one stands."""
    monkeypatch.chdir(tmp_path)
    write_npz(load("synthetic", "gestures"), "my wave.npz")
    return tmp_path / "my wave.npz"


def test_one_data_set_is_one_run_however_it_is_named(mine, capsys):
    (mine.parent / "linked.npz").symlink_to(mine.name)
    (mine.parent / "copied.npz").write_bytes(mine.read_bytes())
    names = [mine.name, f"./{mine.name}", mine, "linked.npz", "copied.npz"]
    for name in [*names, *(f"npz:{name}" for name in names)]:
        code, _, err = run(capsys, "design", "--data", name, *SMALL, "--no-figures")
        assert (code, err) == (0, "")
    bs.design(load("npz", mine), **PYTHON)
    assert len(list((mine.parent / "runs").glob("*-pmp-*"))) == 1
    (config,) = (mine.parent / "runs").glob("*-pmp-*/config.json")
    assert json.loads(config.read_text())["data"] == f"npz:{mine.name}"


def test_recordings_of_a_benchmark_keep_its_name_and_others_are_own(mine):
    for spec, kind in (("synthetic:gestures", "synthetic"), (f"npz:{mine}", "own")):
        assert load(spec).kind == kind


@pytest.mark.parametrize(
    ("table", "name"), [("sbu", "my_wave"), ("regularisers", "my_wave-regularisers")]
)
def test_a_table_of_ones_own_recordings_bears_their_name_and_not_sbus(table, name, mine, capsys):
    from bandstop.report.collect import collect

    code, out, _ = run(
        capsys, "table", table, "--data", mine.name, *SMALL, "--methods", "dense,mp", "--rates", "50",
        "--folds", "1", "--seeds", "0", "--jobs", "1",
    )  # fmt: skip
    assert code == 0
    assert "sbu" not in out.lower()
    runs = mine.parent / "runs"
    assert (runs / f"table-{name}.md").exists()
    assert [p for p in runs.iterdir() if "sbu" in p.name] == []
    (found,) = listed(collect([runs]))
    assert found.name == name
    assert found.page.title == ("Table my_wave" if table == "sbu" else "Regularisers")
    assert len(found.records) == 2


@pytest.mark.parametrize("table", OLD)
def test_a_table_of_a_benchmark_keeps_its_name(table):
    asks, _ = named(table)
    assert called(asks, as_if(table.partition("-")[0])) == table


def as_if(kind: str, name: str = "x") -> Dataset:
    data = load("synthetic", "gestures")
    return Dataset(name, data.skeleton, data.classes, data.sequences[:1], (), kind=kind)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("../a/b", "a_b"),
        ("größe", "größe"),
        ("…", "own"),
        ("-o", "o"),
        ("x y|z", "x_y_z"),
    ],
)
def test_a_table_is_called_by_one_word_that_a_file_can_have(name, wanted):
    assert called("overview", as_if("own", name)) == wanted
    assert called("ctf", as_if("own", name)) == f"{wanted}-ctf"


@pytest.mark.parametrize("seconds", [0.2, 1, 59.4, 61, 783, 3599.6, 7384, 86400, 200000, 1e7])
def test_a_duration_says_its_units_and_is_right_to_the_smaller_of_them(seconds):
    words = duration(seconds)
    sizes = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    if words == "less than 1 s":
        assert seconds < 1
        return
    parts = words.split()
    said = sum(int(n) * sizes[unit] for n, unit in zip(parts[::2], parts[1::2], strict=True))
    smaller = {"d": 3600, "h": 60, "min": 1, "s": 1}[parts[1]]
    assert 0 <= round(seconds) - said < max(1, smaller) or said == round(seconds)


def test_the_plan_of_a_table_tells_the_time_with_units(capsys, tmp_path):
    _, out, _ = run(
        capsys, "table", "synthetic", *SMALL, "--runs", tmp_path, "--dry-run", "--folds", "1"
    )
    (line,) = [line for line in out.splitlines() if line.startswith("time")]
    assert line.endswith((" s", " min", " h", " d"))
