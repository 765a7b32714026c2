"""Every command and every piece of Python in README and docs/ is run, or a table says why it is not.

A page is followed from top to bottom in a folder of its own, in which recordings made up by code lie where
the page has the reader's: SBU's layout under path/to/SBU, FPHA's under path/to/fpha. Trainings are made small
by flags that are appended, so that what a reader types is what is tried, down to the files it leaves for the
next line. Of the papers' tables the plan is made, on the CPU.
"""

from __future__ import annotations

import ast
import re
import shlex
import shutil
import subprocess
from glob import glob
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch

import bandstop as bs
from bandstop.api import design
from bandstop.cli import main as cli
from bandstop.data import load
from bandstop.data.formats import fpha
from bandstop.data.formats.csv_folder import write_csv
from bandstop.data.protocols import SBU_FOLDS
from bandstop.job import Listener
from bandstop.sweep import OLD, TABLES
from bandstop.sweep.table import UNNAMED

from .pages import PAGES, ROOT, mentioned, told

NET = ["--steps", "10", "--heads", "2", "--filters", "6", "--chunks", "4"]
SMALL = {
    "design": [*NET, "--quiet", "--no-figures"],
    "table": [*NET, "--quiet", "--jobs", "1", "--folds", "1", "--seeds", "0", "--rates", "90"],
    "bench": ["--rounds", "1", "--engine", "C"],
}
"""Flags that make a command short; the last of a repeated flag counts."""

SHORTER = {"steps = 120": "steps = 12"}
"""What a program says of its training -> what is enough to see that it runs; slow tests run it as told."""

HOURS = "hours; its flags are checked below"
ZIG = "a minute or more where nothing is cached: tests/compile/test_cross.py, `make slow`"
INSTALLS = "CI does it: .ci/run"
BUDGET = "a network as small as those here takes less: tests/fit/test_fit.py"
EXCEPTIONS = {
    "make demo": INSTALLS,
    "make test": INSTALLS,
    "make tables": HOURS + ", its tables in tests/sweep/test_tables.py",
    "make figures": "`bandstop figures`, which tests/report/test_papers.py runs",
    "python benchmarks/": HOURS,
    "bandstop compile net.bandstop --cross": ZIG,
    "bandstop compile net.bandstop --target wasm": ZIG,
    "bandstop design --data sbu:path/to/SBU --fold 5 --budget-us": BUDGET,
    "bandstop design --data sbu:path/to/SBU --fold 5 --method mrmp --budget-bytes": BUDGET,
    "bandstop table --data sbu:/shared/SBU": "needs machines: tests/sweep/test_cluster.py",
    'torch.save({"model"': "two programs in one: tests/gate/test_saving.py",
    "from dask_jobqueue": "needs a cluster, and the page says that it was not tried",
    "from dask_kubernetes": "needs a cluster, and the page says that it was not tried",
}
"""How a command or a piece of Python begins that is not run -> why not."""


@pytest.fixture(scope="module")
def desk(tmp_path_factory) -> Path:
    """What a reader has: recordings, a network, one of many rates."""
    folder = tmp_path_factory.mktemp("desk")
    write_sbu(folder / "path" / "to" / "SBU")
    write_fpha(folder / "path" / "to" / "fpha")
    (folder / "my").mkdir()
    write_csv(load("synthetic:gestures"), folder / "my" / "folder")
    small = {"steps": 10, "heads": 2, "filters": 6, "chunks": 4, "listener": Listener()}
    for name, options in (("net", {"rate": 0.9}), ("many", {"method": "mrmp"})):
        made = design("synthetic", runs=folder / "before", **small, **options)
        made.save(folder / f"{name}.bandstop")
    shutil.rmtree(folder / "before")
    write_onnx(folder / "model.onnx")
    return folder


def write_onnx(path: Path) -> None:
    """Somebody's model: a convolution over frames, half of whose weights are 0."""
    torch.manual_seed(0)
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, (3, 1)),
        torch.nn.ReLU(),
        torch.nn.Flatten(),
        torch.nn.Linear(8 * 6 * 5, 4),
    ).eval()
    model[3].weight.data.mul_(model[3].weight.abs() > 0.03)
    torch.onnx.export(model, (torch.zeros(1, 3, 8, 5),), path, dynamo=False)


def write_sbu(root: Path) -> None:
    """Synthetic recordings of two people in SBU's layout: one take of each class by each pair."""
    pairs = [pair for pairs in SBU_FOLDS.values() for pair in pairs]
    shown = {(s.group, s.label): s for s in load("synthetic").sequences}
    groups = sorted({group for group, _ in shown})
    for pair, group in zip(pairs, groups, strict=True):
        for label in range(8):
            file = root / pair / f"{label + 1:02}" / "001" / "skeleton_pos.txt"
            file.parent.mkdir(parents=True)
            positions = shown[group, label].positions
            unit = (positions - [-1280, 960, 0]) / [2560, -1920, 10000 / 7.8125]
            rows = np.c_[1 + np.arange(len(unit)), unit.reshape(len(unit), -1)]
            np.savetxt(file, rows, "%.6f", delimiter=",")


def write_fpha(root: Path) -> None:
    """Synthetic gestures in FPHA's layout, and the first fold as its official list."""
    data, names = load("synthetic:gestures"), []
    for sequence in data.sequences:
        names.append(sequence.name.replace("subject", "Subject_").replace(" ", "_"))
        file = root / fpha.POSES / names[-1] / fpha.FILE
        file.parent.mkdir(parents=True)
        positions = sequence.positions.reshape(sequence.frames, -1)
        np.savetxt(file, np.c_[np.arange(sequence.frames), positions], "%.4f")
    with (root / fpha.SPLIT).open("w") as split:
        for part, places in zip(fpha.PARTS, (data.folds[0].train, data.folds[0].test), strict=True):
            print(part, len(places), file=split)
            for place in places:
                print(names[place], data.sequences[place].label, file=split)


LARGE = {*TABLES} - {*UNNAMED}
"""The papers' tables."""
PLAN = ["--dry-run", "--device", "cpu"]
"""Flags by which only their plan is made, whether or not there is a GPU."""


@pytest.fixture(autouse=True, scope="module")
def measured_once():
    """A plan times a few steps of each kind of run: here of each method once, for the plans of all pages."""
    module, paces = import_module("bandstop.sweep.estimate"), {}
    measure = module.seconds_a_step

    def pace(config, dataset):
        if config.method not in paces:
            paces[config.method] = measure(config, dataset)
        return paces[config.method]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "seconds_a_step", pace)
        yield


def carry_out(command: str) -> None:
    """A command as the shell has it: patterns of files become files, a comment is none."""
    words = []
    for word in shlex.split(command, comments=True)[1:]:
        files = sorted(glob(word)) if "*" in word else [word]
        assert files, f"nothing is called {word}"
        words += files
    many = words[0] == "table" and OLD.get(words[1], words[1]) in LARGE
    flags = PLAN if many else SMALL.get(words[0], [])
    if "--network" in words:
        flags = ["--steps", "10", "--frames", "4", "--widths", "6,12", "--quiet", "--no-figures"]
    if words[0] == "bench" and words[1].endswith(".onnx"):
        flags = ["--rounds", "1"]
    code = cli.run([*words, *flags])
    assert code == 0, command


def understand(python: str) -> None:
    """Run it as it stands, with what the pages take for granted."""
    model = torch.nn.Sequential(
        torch.nn.Linear(8, 16), torch.nn.BatchNorm1d(16), torch.nn.Linear(16, 3)
    )
    data, net = load("synthetic"), bs.load_bundle("net.bandstop")
    given = {"bs": bs, "torch": torch, "data": data, "model": model, "steps": 5, "net": net}
    given |= {"batches": [torch.randn(9, 8)], "positions": data.sequences[0].positions}
    given |= {"signal": net.signal([data.sequences[0]])[0].numpy()}
    exec(compile(python, "the page", "exec"), given)


@pytest.mark.parametrize(
    "page", [p for p in PAGES if told(p.read_text())], ids=lambda p: str(p.relative_to(ROOT))
)
def test_what_a_page_tells_to_type_works_from_its_top_to_its_bottom(
    page, desk, tmp_path, monkeypatch
):
    here = tmp_path / "here"
    shutil.copytree(desk, here, symlinks=True)
    monkeypatch.chdir(here)
    small = {"steps": 10, "heads": 2, "filters": 6, "chunks": 4, "listener": Listener()}
    monkeypatch.setattr("bandstop.api.design", lambda *a, **k: design(*a, **small | k))
    for each in told(page.read_text()):
        if each.text.startswith(tuple(EXCEPTIONS)):
            continue
        if each.language == "python":
            understand(shorter(each.text))
        else:
            carry_out(each.text)


def shorter(python: str) -> str:
    for told_, enough in SHORTER.items():
        python = python.replace(told_, enough)
    return python


LONG = [
    each.text
    for page in PAGES
    for each in told(page.read_text())
    if shorter(each.text) != each.text
]


@pytest.mark.slow
@pytest.mark.parametrize("python", LONG)
def test_a_program_that_was_shortened_runs_as_it_is_told_too(python, desk, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(desk, tmp_path / "here", symlinks=True))
    understand(python)


def test_what_is_shortened_is_something_that_a_page_tells():
    assert [words for words in SHORTER if not any(words in python for python in LONG)] == []


def test_a_command_that_does_not_work_is_found(desk, monkeypatch):
    monkeypatch.chdir(desk)
    (one,) = told("```\nbandstop predict net.bandstop path/to/*/index.csv\n```\n")
    with pytest.raises(AssertionError, match="nothing is called"):
        carry_out(one.text)
    (one,) = told("    bandstop predict net.bandstop net.bandstop\n")
    with pytest.raises(AssertionError, match="predict net"):
        carry_out(one.text)


def test_every_exception_is_of_something_that_a_page_tells():
    texts = [each.text for page in PAGES for each in told(page.read_text())]
    assert [e for e in EXCEPTIONS if not any(t.startswith(e) for t in texts)] == []


def flags(command: str) -> set[str]:
    return set(re.findall(r"(?<=\s)--[a-z][\w-]*", command.partition("#")[0]))


def known_flags(command: str) -> set[str]:
    """The flags that a command of ours has, however deep the verb."""
    words = shlex.split(command, comments=True)
    if words[0] == "python":
        return set(re.findall(r'"(--[a-z-]+)"', (ROOT / words[1]).read_text()))
    verbs = cli.typer.main.get_command(cli.app)
    known = {o for p in verbs.params for o in p.opts} | {"--help", "--debug"}
    for word in words[1:]:
        if word not in getattr(verbs, "commands", {}):
            break
        verbs = verbs.commands[word]
        known |= {o for p in verbs.params for o in (*p.opts, *p.secondary_opts)}
    else:
        return known
    assert not hasattr(verbs, "commands") or word.startswith(("-", "…")), f"no command {word!r}"
    return known


COMMANDS = sorted(
    {each.text for page in PAGES for each in told(page.read_text()) if each.language == "shell"}
    | {each for page in PAGES for each in mentioned(page.read_text())}
)
EXAMPLES = sorted(
    line.strip()
    for file in (ROOT / "src/bandstop/cli").glob("*.py")
    for node in ast.walk(ast.parse(file.read_text()))
    if isinstance(node, ast.FunctionDef)
    for line in (ast.get_docstring(node) or "").splitlines()
    if line.strip().startswith("bandstop ")
)


@pytest.mark.parametrize("command", [c for c in (*COMMANDS, *EXAMPLES) if c[:4] != "make"])
def test_a_command_that_is_named_anywhere_exists_with_its_flags(command):
    assert flags(command) <= known_flags(command)


def test_a_command_or_flag_that_there_is_not_is_found():
    assert not flags("bandstop design --ratee 0.9") <= known_flags("bandstop design --ratee 0.9")
    with pytest.raises(AssertionError, match="no command 'desing'"):
        known_flags("bandstop desing --rate 0.9")


@pytest.mark.parametrize("command", [c for c in COMMANDS if c[:4] == "make"])
def test_a_target_of_make_that_is_named_anywhere_exists(command):
    words = shlex.split(command, comments=True)
    done = subprocess.run([*words, "-n", "VENV=nowhere"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in (word.partition("=")[0] for word in words if "=" in word):
        assert f"$({name})" in (ROOT / "Makefile").read_text()
