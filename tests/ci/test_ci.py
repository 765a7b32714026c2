"""CI sees what users see: it installs what tests need, hides no test that did not run, tries the wheel."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest
import skips

ROOT = Path(__file__).parents[2]
CI = ROOT / ".ci"
TABLE = [line.split("#")[0].split() for line in (CI / "debian.txt").read_text().splitlines()]
PACKAGES = {words[0]: words[1:] for words in TABLE if words}


def script(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def machine(tmp_path) -> Path:
    """A folder that is all of PATH: a Debian with a root and none of the packages, and what a shell needs.

    `apt-get install` of a package puts a program of its name there, but for those in `sold-out`.
    """
    for tool in (
        "sed",
        "awk",
        "tr",
        "grep",
        "dirname",
        "cat",
        "env",
        "bash",
        "sh",
        "touch",
        "chmod",
    ):
        where = next(p for p in (Path("/usr/bin") / tool, Path("/bin") / tool) if p.exists())
        (tmp_path / tool).symlink_to(where)
    script(tmp_path, "timeout", 'shift; exec "$@"')
    script(tmp_path, "id", "echo 0")
    (tmp_path / "sold-out").write_text("")
    script(
        tmp_path,
        "dpkg-query",
        f'for last; do :; done; test -e {tmp_path}/$last.deb && echo " installed"',
    )
    programs = "\n".join(
        f"{p}) touch $here/{w[0]}; chmod +x $here/{w[0]};;" for p, w in PACKAGES.items()
    )
    script(tmp_path, "apt-get", f"""
        here={tmp_path}
        test "$1" = install || exit 0
        for word; do
            case "$word" in -*|install) continue;; esac
            grep -qx -e "$word" $here/sold-out && exit 100
        done
        for word; do
            case "$word" in -*|install) continue;; esac
            touch $here/$word.deb
            case "$word" in {programs.replace("touch $here/-; chmod +x $here/-", "true")} esac
        done""")  # fmt: skip
    return tmp_path


def install(machine: Path) -> tuple[set[str], str]:
    """The words that .ci/install gives for what cannot be had, and what it tells."""
    done = subprocess.run(
        ["bash", CI / "install"], env={"PATH": str(machine)}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split()), done.stderr


def test_on_a_new_debian_everything_is_installed_and_a_second_time_nothing(machine):
    left, told = install(machine)
    assert left == set(), told
    assert all(package in told for package in PACKAGES)
    assert install(machine) == (set(), "")


def test_what_cannot_be_had_is_named_by_all_its_words_and_costs_no_other(machine):
    (machine / "sold-out").write_text("chromium\ng++-multilib\n")
    left, told = install(machine)
    assert left == {"chromium", "g++-multilib", "-m32", "32-bit", "multilib"}
    assert "cannot be had here: g++-multilib chromium" in told


@pytest.mark.parametrize(
    ("lack", "words"),
    [
        ("apt-get", "there is no apt-get"),
        ("root", "this is not root"),
        ("network", "cannot be had"),
    ],
)
def test_without_apt_root_or_a_network_it_ends_well_and_says_so(lack, words, machine):
    if lack == "apt-get":
        (machine / "apt-get").unlink()
    elif lack == "root":
        script(machine, "id", "echo 1000")
    else:
        script(machine, "apt-get", "echo 'no network' >&2; exit 100")
    left, told = install(machine)
    assert set(PACKAGES) <= left
    assert words in told


def test_every_reason_of_a_skip_in_the_tests_is_one_that_ci_knows():
    """Named after a program that .ci/install brings, after an extra that `make` brings, or allowed."""
    known = {word for package, words in PACKAGES.items() for word in (package, *words)} - {"-"}
    extras = {"ziglang", "the extra bandstop", "pyarrow"}
    sources = "\n".join(
        p.read_text() for p in (ROOT / "tests").rglob("*.py") if p != Path(__file__)
    )
    given = re.findall(r'(?:reason=f?|pytest\.skip\(f?)"([^"]+)"', sources)
    assert len(given) >= 8
    excused = (*known, *extras, *skips.ALLOWED, "{c} is not installed", "emulator} is missing")
    assert [reason for reason in given if not any(word in reason for word in excused)] == []


PLANTED = """
    import pytest

    def test_runs(): pass

    @pytest.mark.skipif(True, reason="chromium is not installed")
    def test_of_a_browser(): pass

    @pytest.mark.skipif(True, reason="torch sees no GPU here")
    def test_of_a_gpu(): pass
"""


@pytest.mark.parametrize(
    ("environment", "code"),
    [({}, 0), ({"CI": "true"}, 1), ({"CI": "true", "BANDSTOP_UNAVAILABLE": "chromium"}, 0)],
)
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "1")])
def test_a_test_that_could_have_run_and_did_not_fails_in_ci_alone(
    environment, code, workers, tmp_path
):
    (tmp_path / "test_planted.py").write_text(textwrap.dedent(PLANTED))
    (tmp_path / "conftest.py").write_text("from skips import *\n")
    clean = {k: v for k, v in os.environ.items() if k not in ("CI", "BANDSTOP_UNAVAILABLE")}
    clean |= {"PYTHONPATH": str(ROOT / "tests"), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *workers, tmp_path],
        env=clean | environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == code, done.stdout
    assert "1  chromium is not installed" in done.stdout
    assert "1  torch sees no GPU here" in done.stdout
    assert ("FAILED: 1 reasons" in done.stdout) == bool(code)


@pytest.fixture(scope="module")
def wheel() -> ModuleType:
    spec = importlib.util.spec_from_file_location("wheel", CI / "wheel.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def good(wheel: ModuleType) -> set[str]:
    files = [p for p in wheel.PACKAGE.rglob("*") if p.is_file() and "__pycache__" not in p.parts]
    return {f"bandstop/{p.relative_to(wheel.PACKAGE)}" for p in files} | {
        "bandstop-1.dist-info/licenses/LICENSE", "bandstop-1.dist-info/METADATA",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lost", "planted"),
    [("bandstop/py.typed", ""), ("bandstop/report/report.html.j2", ""), ("bandstop/cli/main.py", ""),
     ("bandstop-1.dist-info/licenses/LICENSE", ""), ("", "tests/test_api.py"),
     ("", "bandstop/data/take.npz")],
)  # fmt: skip
def test_a_wheel_that_lacks_a_file_or_has_one_too_many_is_found(lost, planted, wheel):
    assert wheel.wrong_in_wheel(good(wheel)) == []
    (problem,) = wheel.wrong_in_wheel((good(wheel) - {lost}) | ({planted} - {""}))
    assert Path(lost or planted).name in problem


def test_a_test_in_the_sdist_is_found(wheel):
    names = {"bandstop-1/src/bandstop/api.py", "bandstop-1/pyproject.toml"}
    assert wheel.wrong_in_sdist(names) == []
    assert wheel.wrong_in_sdist(names | {"bandstop-1/tests/test_api.py"}) == [
        "should not be there: tests/test_api.py"
    ]


def test_ci_installs_tries_the_wheel_and_runs_the_tests_in_that_order():
    lines = [line for line in (CI / "run").read_text().splitlines() if line[:1] not in ("#", "")]
    assert [line for line in lines if "install" in line or line.startswith("make")] == [
        "BANDSTOP_UNAVAILABLE=$(.ci/install)", "make wheel", "make test",
    ]  # fmt: skip
    assert "export BANDSTOP_UNAVAILABLE" in lines
    assert "set -eu" in lines
