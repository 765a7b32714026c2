"""Files that are whole or absent, and the lock that keeps a folder to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from bandstop.errors import BadInput, Failure


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path to write a file or a folder to; it becomes `path`, on the disk, if all went well.

    It lies in a folder of its own beside `path`, which nobody else can write to or guess the name of:
    no link can stand in its place. No reader and no crash ever sees half of it. A file or a link at
    `path` is replaced; a folder there must be empty. On any error nothing is left behind, and what was
    there stays.
    Errors: BadInput for a folder that is in the way or missing, Failure where the disk refuses.
    """
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder; make it first or write elsewhere")
    if path.is_dir() and any(path.iterdir()):
        raise BadInput(f"{path} is a folder with something in it; give a new name or empty it")
    room: Path | None = None
    try:
        room = Path(tempfile.mkdtemp(PART, ".", path.parent))
        part = room / path.name
        yield part
        for file in (part, *part.rglob("*")):
            _keep(file)
        if path.is_dir():
            path.rmdir()
        os.replace(part, path)
    except OSError as error:
        raise Failure(
            f"{path} cannot be written: {error.strerror or error}; free some space or choose another "
            "folder"
        ) from error
    finally:
        if room is not None:
            shutil.rmtree(room, ignore_errors=True)


PART = ".part"
"""The ending of a folder in which something is being written."""


def _keep(path: Path) -> None:
    """Have a file on the disk before it bears its name: else a crash leaves a name without content."""
    if path.is_file():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file by way of `beside`."""
    with beside(path) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)


@contextlib.contextmanager
def locked(
    folder: Path, wait: Callable[[str], None] | None = None, other: str = "another --runs"
) -> Iterator[None]:
    """Hold the folder's lock; it is the operating system's, so a killed process leaves none behind.

    wait   is told who holds the lock, which is then waited for; without it that is an error
    other  what to use where this folder cannot be used
    Errors: BadInput naming the process that holds it, or where the lock is a link or no file.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = _lock(folder / ".lock")
    except OSError as error:
        raise Failure(f"{folder} cannot be used: {error.strerror}; choose {other}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read(LONGEST_HOLDER).strip() or "another process"
            if wait is None:
                raise BadInput(
                    f"{folder} is in use by {holder}; wait for it, or use {other}"
                ) from None
            wait(holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        for stale in folder.glob(f".*{PART}"):  # what a killed process was writing
            if stale.is_dir() and not stale.is_symlink():
                shutil.rmtree(stale, ignore_errors=True)
            else:
                stale.unlink(missing_ok=True)
        file.seek(0)
        file.truncate()
        file.write(f"process {os.getpid()}\n")
        file.flush()
        yield


LONGEST_HOLDER = 60


def _lock(path: Path) -> TextIO:
    """The lock's file, open, made if need be. Errors: BadInput for a link and for what is no file: it
    may be anybody's, and is written to."""
    with contextlib.suppress(FileNotFoundError):
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise BadInput(
                f"{path} is a link or no file, and a lock is a file of its own; remove it"
            )
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    return open(number, "r+", encoding="utf-8", errors="replace")
