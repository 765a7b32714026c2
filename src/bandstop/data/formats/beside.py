"""Write beside and rename: a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bandstop.errors import BadInput, Failure


@contextmanager
def beside(path: Path) -> Iterator[Path]:
    """A path in the same folder to write a file or a folder to; it becomes `path` if all went well.

    A file at `path` is replaced; a folder there must be empty. On any error nothing is left behind.
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
        raise Failure(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        else:
            part.unlink(missing_ok=True)
