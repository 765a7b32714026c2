"""A file is whole or absent, and a folder belongs to one process."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
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


@pytest.mark.parametrize("hard", [False, True])
def test_a_lock_that_is_a_link_is_refused_and_its_target_stays(hard, tmp_path):
    target = tmp_path / "precious"
    target.write_text("precious")
    (tmp_path / "run").mkdir()
    link = tmp_path / "run" / ".lock"
    (link.hardlink_to if hard else link.symlink_to)(target)
    with pytest.raises(BadInput, match=r"\.lock is a link"), locked(tmp_path / "run"):
        pass
    assert target.read_text() == "precious"


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_a_lock_that_is_no_file_is_refused_at_once(make, tmp_path):
    make(tmp_path / ".lock")
    with pytest.raises(BadInput, match=r"\.lock is a link or no file"), locked(tmp_path):
        pass
    assert names(tmp_path) == [".lock"]


def test_whatever_stands_in_a_lock_is_said_in_one_printable_line(tmp_path):
    (tmp_path / ".lock").write_bytes(b"\xff\x1b[31m\n" + b"x" * 10_000)
    with (tmp_path / ".lock").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(BadInput, match="in use by") as error, locked(tmp_path):
            pass
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 300


def test_what_is_being_written_lies_where_nobody_else_can_put_a_link(tmp_path):
    with beside(tmp_path / "net") as part:
        assert part.parent.parent == tmp_path
        assert stat.S_IMODE(part.parent.stat().st_mode) == 0o700
        assert list(part.parent.iterdir()) == []
        part.write_text("new")
    (tmp_path / "other").write_text("other")
    (tmp_path / "link").symlink_to(tmp_path / "other")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "other").read_text() == "other"
    assert not (tmp_path / "link").is_symlink()


def test_a_file_is_on_the_disk_before_it_bears_its_name_whoever_wrote_it(tmp_path, monkeypatch):
    order = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(
            os, name, lambda *a, name=name, real=real: order.append(name) or real(*a)
        )
    with beside(tmp_path / "net") as part:
        subprocess.run(["cp", sys.executable, part], check=True)
    assert order == ["fsync", "replace"]


def test_who_has_the_lock_clears_away_what_a_killed_process_was_writing(tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "kept").write_text("kept")
    (tmp_path / ".x.part").mkdir()
    (tmp_path / ".x.part" / "half").write_text("half")
    (tmp_path / ".y.part").write_text("half")
    (tmp_path / ".z.part").symlink_to(tmp_path / "out")
    with locked(tmp_path):
        assert names(tmp_path) == [".lock", "out"]
    assert (tmp_path / "out" / "kept").exists()


@pytest.mark.parametrize("name", [b"a\xff", b"a\nb", b"x" * 255, b"-", b"*\\"])
def test_a_file_may_have_any_name(name, tmp_path):
    path = tmp_path / os.fsdecode(name)
    write_atomically(path, b"new")
    assert os.listdir(os.fsencode(tmp_path)) == [name]
