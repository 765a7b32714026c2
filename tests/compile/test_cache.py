"""Built libraries: whole or built again, kept where the platform says, nothing left behind by kills."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from making import bundle

from bandstop.compile import cache
from bandstop.compile.cache import cache_folder, loaded, shared_library, whole
from bandstop.compile.folder import temporary_folder
from bandstop.errors import Failure

SOURCE = {"a.c": "int answer(void); int answer(void) { return 42; }"}


def answer(path: Path) -> int:
    return loaded(path).answer()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def a_folder(path: Path) -> None:
    path.unlink()
    (path / "inside").mkdir(parents=True)


def a_link(path: Path) -> None:
    other = path.with_name("elsewhere.so")
    path.rename(other)
    path.symlink_to(other)


def a_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def gone(path: Path) -> None:
    path.unlink()


FAULTS = [cut, flipped, emptied, longer, a_folder, a_link, a_dangling_link, a_pipe, gone]


@pytest.mark.parametrize("suffix", [".so", ".sha256"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_not_what_was_built_is_built_again(fault, suffix, tmp_path, monkeypatch):
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path))
    path = shared_library(SOURCE)
    fault(path.with_suffix(suffix))
    assert not whole(path)
    assert shared_library(SOURCE) == path
    assert whole(path)
    assert not path.is_symlink()
    assert answer(path) == 42


def test_a_link_in_the_place_of_a_library_is_not_followed_when_it_is_replaced(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path / "cache"))
    path, mine = shared_library(SOURCE), tmp_path / "mine"
    mine.write_text("keep")
    path.unlink()
    path.symlink_to(mine)
    shared_library(SOURCE)
    assert mine.read_text() == "keep"


def test_a_whole_library_is_not_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path))
    path = shared_library(SOURCE)
    monkeypatch.setattr(cache, "compiled", None)
    assert shared_library(SOURCE) == path


def test_library_and_checksum_are_on_the_disk_before_the_library_bears_its_name(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path))
    seen, real, rename = [], os.fsync, os.replace

    def fsync(at: int) -> None:
        seen.append(Path(os.readlink(f"/proc/self/fd/{at}")).suffix or "folder")
        real(at)

    def replace(source, target) -> None:
        seen.append(f"-> {Path(target).suffix}")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    shared_library(SOURCE)
    assert seen == [".sha256", "-> .sha256", ".so", "-> .so", "folder"]


def places(monkeypatch, **given: str | None) -> None:
    for name in ("BANDSTOP_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
        if given.get(name) is not None:
            monkeypatch.setenv(name, str(given[name]))


@pytest.fixture
def known_home(tmp_path, monkeypatch) -> Path:
    """What the system says where $HOME says nothing."""
    home = tmp_path / "known"
    home.mkdir()
    entry = pwd.struct_passwd(("x", "x", 0, 0, "", str(home), ""))
    monkeypatch.setattr(pwd, "getpwuid", lambda user: entry)
    monkeypatch.chdir(tmp_path)
    return home


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"BANDSTOP_CACHE": "mine", "HOME": "{}/known"}, "{}/mine"),
        ({"BANDSTOP_CACHE": "{}/mine"}, "{}/mine"),
        ({"BANDSTOP_CACHE": "", "HOME": "{}/known"}, "{}/known/.cache/bandstop"),
        ({"XDG_CACHE_HOME": "{}/new/xdg", "HOME": "{}/known"}, "{}/new/xdg/bandstop"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "{}/known"}, "{}/known/.cache/bandstop"),
        ({"XDG_CACHE_HOME": "", "HOME": "{}/known"}, "{}/known/.cache/bandstop"),
        ({"HOME": ""}, "{}/known/.cache/bandstop"),
        ({"HOME": "."}, "{}/known/.cache/bandstop"),
        ({"HOME": "known/deeper"}, "{}/known/.cache/bandstop"),
        ({}, "{}/known/.cache/bandstop"),
    ],
)
def test_the_cache_lies_where_the_platform_says_and_its_path_is_absolute(
    given, wanted, known_home, tmp_path, monkeypatch
):
    places(monkeypatch, **{k: v.format(tmp_path) for k, v in given.items()})
    before = set(tmp_path.iterdir())
    assert str(cache_folder()) == wanted.format(tmp_path)
    assert cache_folder().is_absolute()
    assert {p.name for p in set(tmp_path.iterdir()) - before} <= {"new"}


@pytest.mark.parametrize("home", ["file", "none", "read-only"])
def test_without_a_folder_of_the_user_there_is_a_private_one_and_a_sentence(
    home, known_home, tmp_path, monkeypatch
):
    monkeypatch.setattr(cache, "_private", cache._private.__wrapped__)
    (tmp_path / "file").touch()
    places(monkeypatch, XDG_CACHE_HOME=str(tmp_path / "file"))
    if home == "none":
        places(monkeypatch)
        shutil.rmtree(known_home)
    if home == "read-only":
        places(monkeypatch, HOME=str(known_home))
        monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.warns(UserWarning, match="name a folder in BANDSTOP_CACHE"):
        folder = cache_folder()
    assert folder.is_absolute()
    assert folder.parent == Path(tempfile.gettempdir())
    assert folder.stat().st_mode & 0o777 == 0o700


WORK = """
import sys, time
from bandstop.compile.folder import temporary_folder
with temporary_folder() as folder:
    print(folder, flush=True)
    time.sleep(60)
"""


def test_the_folder_of_a_killed_process_is_removed_by_the_next_and_that_of_a_living_one_stays(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "bandstop-of-others").mkdir()
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    running = [
        subprocess.Popen([sys.executable, "-c", WORK], stdout=subprocess.PIPE, env=env, text=True)
        for _ in range(2)
    ]
    dead, living = (Path(p.stdout.readline().strip()) for p in running)
    assert dead.is_dir()
    assert living.is_dir()
    running[0].send_signal(signal.SIGKILL)
    running[0].wait()
    with temporary_folder() as mine:
        assert mine.is_dir()
        assert not dead.exists()
        assert living.is_dir()
    running[1].kill()
    running[1].wait()
    with temporary_folder():
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["bandstop-of-others"]


def test_a_compile_that_is_killed_leaves_nothing_after_the_next(tmp_path, monkeypatch):
    slow = tmp_path / "slow"
    slow.write_text(
        '#!/bin/sh\ncase "$*" in *--version*) echo slow;; *) : > "$TMPDIR/cc1.s"; sleep 60;; esac\n'
    )
    slow.chmod(0o755)
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path / "cache"))
    code = f"from bandstop.compile.cache import shared_library; shared_library({SOURCE!r})"
    env = {**os.environ, "TMPDIR": str(temporary), "CC": str(slow)}
    run = subprocess.Popen([sys.executable, "-c", code], env=env, start_new_session=True)
    while not list(temporary.glob("*/cc1.s")):
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.wait()
    path = shared_library(SOURCE)
    assert list(temporary.iterdir()) == []
    assert not [p for p in path.parent.parent.rglob("*") if p.name.endswith(".part")]


def _built(folder: str, number: int) -> str:
    os.environ["BANDSTOP_CACHE"] = folder
    return str(bundle(seed=77).compile().path)


def test_several_processes_that_build_at_once_get_one_whole_library(tmp_path):
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        paths = pool.starmap(_built, [(str(tmp_path), i) for i in range(3)])
    assert len(set(paths)) == 1
    files = [p.name for p in Path(paths[0]).parent.iterdir()]
    name = Path(paths[0]).stem
    assert sorted(files) == sorted([".lock", f"{name}.so", f"{name}.sha256"])


def test_a_cache_that_cannot_be_written_is_named_with_its_variable(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path / "file"))
    with pytest.raises(Failure, match="choose another folder, in BANDSTOP_CACHE"):
        shared_library({"a.c": "int x;"})


def test_what_the_compiler_refuses_is_a_failure_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("BANDSTOP_CACHE", str(tmp_path))
    with pytest.raises(Failure, match=r"refused the generated C: .*error"):
        shared_library({"a.c": "int main(void) { return nothing; }"})
    assert not list(cache_folder().rglob("*.so"))
