"""The public face: what a Python user touches."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import bandstop as bs
from bandstop.job import Listener

SMALL = {"steps": 10, "heads": 2, "filters": 6, "chunks": 4, "rate": 0.8}


def test_every_public_name_can_be_looked_up():
    for name in bs.__all__:
        assert getattr(bs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bs.nothing  # noqa: B018


def test_the_names_are_those_that_are_looked_up_and_that_type_checkers_see():
    assert set(bs.__all__) == {*bs._NAMES, *bs._ROOMS}
    source = Path(bs.__file__).read_text()
    imported = source.partition("if TYPE_CHECKING:\n")[2].partition("\n\n    __version__")[0]
    assert set(bs.__all__) == set(imported.replace(",", " ").split()) & set(bs.__all__)
    assert set(bs.__all__) <= set(dir(bs))


def test_the_version_is_the_installed_packages():
    assert bs.__version__ == version("bandstop")


def test_importing_the_package_and_asking_its_version_imports_nothing_heavy():
    code = (
        "import bandstop, sys; bandstop.__version__; print({'torch', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


USER = """
import numpy as np
import bandstop as bs

data = bs.load("synthetic")
net = bs.design(data, method="pmp", rate=0.95)
answer: str = net.predict(data.sequences[0]).label
answers: list[str] = [one.label for one in net.predict([np.zeros((9, 30, 3))])]
version: str = bs.__version__
"""


CACHE = Path(__file__).parents[1] / ".mypy_cache" / "user"
"""Beside what `make check` keeps: of torch there is much to read."""


def test_a_strict_type_checker_knows_every_public_name_and_sees_a_wrong_use(tmp_path):
    file = tmp_path / "user.py"
    file.write_text(
        USER + "".join(f"reveal_type(bs.{name})\n" for name in bs.__all__) + "bs.load(5)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={CACHE}", file],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    revealed = [line for line in done.stdout.splitlines() if "Revealed type" in line]
    assert len(revealed) == len(bs.__all__), done.stdout
    assert not [line for line in revealed if '"Any"' in line]
    (wrong,) = [line for line in done.stdout.splitlines() if ": error:" in line]
    assert 'incompatible type "int"; expected "str"' in wrong


def test_design_takes_a_data_set_and_gives_a_network_that_predicts_and_saves(tmp_path):
    data = bs.load("synthetic", "gestures")
    net = bs.design(data, method="pmp", runs=tmp_path / "runs", listener=Listener(), **SMALL)
    said = net.predict(data.sequences[0])
    assert said.label in data.classes
    assert sum(said.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert net.predict(data.sequences[0].positions) == said
    assert net.predict(data.sequences[0].positions.tolist()) == said
    assert net.predict([data.sequences[0], data.sequences[1].positions]) == [
        said, net.predict(data.sequences[1]),
    ]  # fmt: skip
    assert net.predict([]) == []
    net.save(tmp_path / "wave.bandstop")
    assert bs.load_bundle(tmp_path / "wave.bandstop").predict(data.sequences[0]) == said


def test_design_shows_progress_unless_someone_else_listens(tmp_path, capsys):
    bs.design("synthetic", runs=tmp_path, method="dense", **{**SMALL, "rate": 0.0})
    assert "epoch 1/1" in capsys.readouterr().err


def test_a_misspelt_option_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(bs.BadInput, match="unknown option 'ratee'; did you mean 'rate'"):
        bs.design("synthetic", runs=tmp_path, ratee=0.9)
