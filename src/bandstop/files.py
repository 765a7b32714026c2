"""Files that are whole or absent, and the lock that keeps a folder to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from bandstop.errors import BadInput, Failure


@contextlib.contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path in the same folder to write a file or a folder to; it becomes `path` if all went well.

    No reader and no crash ever sees half of it. A file at `path` is replaced; a folder there must be
    empty. On any error nothing is left behind, and what was there stays.
    Errors: BadInput for a folder that is in the way or missing, Failure where the disk refuses.
    """
    if not path.parent.is_dir():
        raise BadInput(f"{path.parent} is not a folder; make it first or write elsewhere")
    if path.is_dir() and any(path.iterdir()):
        raise BadInput(f"{path} is a folder with something in it; give a new name or empty it")
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield part
        if path.is_dir():
            path.rmdir()
        os.replace(part, path)
    except OSError as error:
        raise Failure(
            f"{path} cannot be written: {error.strerror or error}; free some space or choose another "
            "folder"
        ) from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):  # on a read-only file system this is refused too
                part.unlink(missing_ok=True)


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write a file by way of `beside`, and have it on the disk before it bears its name."""
    data = content.encode() if isinstance(content, str) else content
    with beside(path) as part, part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


@contextlib.contextmanager
def locked(
    folder: Path, wait: Callable[[str], None] | None = None, other: str = "another --runs"
) -> Iterator[None]:
    """Hold the folder's lock; it is the operating system's, so a killed process leaves none behind.

    wait   is told who holds the lock, which is then waited for; without it that is an error
    other  what to use where this folder cannot be used
    Errors: BadInput naming the process that holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    except OSError as error:
        raise Failure(f"{folder} cannot be used: {error.strerror}; choose {other}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            if wait is None:
                raise BadInput(
                    f"{folder} is in use by {holder}; wait for it, or use {other}"
                ) from None
            wait(holder)
            fcntl.flock(file, fcntl.LOCK_EX)
        for stale in folder.glob(".*.part"):  # what a killed process was writing
            stale.unlink(missing_ok=True)
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        yield
