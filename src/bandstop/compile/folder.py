"""Folders to work in that are gone afterwards, also where the process was killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

NAME = "bandstop-"
LOCK = ".lock"


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this process alone. What killed processes left behind is removed first.

    A lock in it is held as long as the folder is in use; it is the operating system's, so that a folder
    whose lock is free has no owner any more. It bears its name only once the lock is held.
    """
    _sweep()
    made = Path(tempfile.mkdtemp(prefix=f".{NAME}"))
    held = os.open(made / LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        folder = made.rename(made.with_name(made.name[1:]))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(held)


def _sweep() -> None:
    """Folders of ours whose lock nobody holds; those of others and without a lock stay."""
    for each in Path(tempfile.gettempdir()).glob(f"{NAME}*"):
        with contextlib.suppress(OSError):
            lock = os.open(each / LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not each.is_symlink() and each.stat().st_uid == os.getuid():
                    shutil.rmtree(each, ignore_errors=True)
            finally:
                os.close(lock)
