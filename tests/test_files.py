"""A file is whole or absent, and a folder belongs to one process."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bandstop.errors import BadInput, Failure
from bandstop.files import beside, locked, write_atomically


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_is_written_is_what_is_read_and_nothing_else_is_left(tmp_path):
    write_atomically(tmp_path / "a", "héllo\n")
    write_atomically(tmp_path / "b", b"\x00\xff")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "héllo\n"
    assert (tmp_path / "b").read_bytes() == b"\x00\xff"
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_where_the_disk_refuses_it_is_a_failure_the_old_file_stays_and_no_part_is_left(
    tmp_path, monkeypatch, call, number
):
    path = tmp_path / "net"
    path.write_bytes(b"old")

    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(Failure, match=f"net cannot be written: {os.strerror(number)}"):
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["net"]


def test_on_a_read_only_file_system_it_is_a_failure_and_no_other_error(tmp_path, monkeypatch):
    """There even removing what does not exist is refused."""

    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(Path, "unlink", refuse)
    with pytest.raises(Failure, match="Read-only file system"):
        write_atomically(tmp_path / "net", b"new")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_in_a_folder_that_is_not_writable_it_is_a_failure(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(Failure, match="cannot be written: Permission denied"):
            write_atomically(tmp_path / "net", b"new")
    finally:
        tmp_path.chmod(0o700)


def test_stopped_by_the_keyboard_no_part_is_left(tmp_path, monkeypatch):
    def stop(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", stop)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "net", b"new")
    assert names(tmp_path) == []


def test_a_folder_that_is_missing_or_in_the_way_is_refused(tmp_path):
    with pytest.raises(BadInput, match="is not a folder"):
        write_atomically(tmp_path / "none" / "net", b"new")
    (tmp_path / "file").write_text("x")
    with pytest.raises(BadInput, match="is not a folder"):
        write_atomically(tmp_path / "file" / "net", b"new")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("x")
    with pytest.raises(BadInput, match="with something in it"):
        write_atomically(tmp_path / "full", b"new")


def test_a_folder_written_beside_its_name_is_whole_or_absent(tmp_path):
    def half_a_folder() -> None:
        with beside(tmp_path / "out") as part:
            part.mkdir()
            (part / "a").write_text("a")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        half_a_folder()
    assert names(tmp_path) == []
    with beside(tmp_path / "out") as part:
        part.mkdir()
        (part / "a").write_text("a")
    assert names(tmp_path) == ["out"]


HOLDER = """
import sys, pathlib
from bandstop.files import locked
with locked(pathlib.Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_process_is_told_who_holds_the_folder_and_may_have_it_when_the_first_dies(
    tmp_path,
):
    folder = tmp_path / "run"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(BadInput, match=f"in use by process {holder.pid}"), locked(folder):
            pass
    finally:
        holder.kill()
        holder.communicate()
    with locked(folder):
        assert (folder / ".lock").read_text() == f"process {os.getpid()}\n"
    with locked(folder):
        pass


def test_a_folder_that_cannot_be_made_is_a_failure(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(Failure, match="cannot be used"), locked(tmp_path / "file" / "run"):
        pass
