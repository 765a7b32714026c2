"""Files that are whole or absent, and the lock that keeps a run directory to one process."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from bandstop.errors import BadInput, Failure


def write_atomically(path: Path, content: bytes | str) -> None:
    """Write beside the final name and rename: no reader and no crash ever sees a part of a file.

    Errors: Failure when the disk is full or the folder is not writable; the old file, if any, stays.
    """
    data = content.encode() if isinstance(content, str) else content
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise Failure(
            f"{path} cannot be written: {error.strerror}; free some space or choose another folder"
        ) from error


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it is the operating system's, so a killed process leaves none behind.

    Errors: BadInput naming the process that holds it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a+")
    except OSError as error:
        raise Failure(
            f"{folder} cannot be used: {error.strerror}; choose another --runs"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "another process"
            raise BadInput(
                f"{folder} is in use by {holder}; wait for it, or use another --runs"
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}\n")
        file.flush()
        yield
