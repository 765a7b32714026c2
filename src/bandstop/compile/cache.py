"""Built libraries, kept by the hash of what they were made of: run only if they are what was built."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import functools
import hashlib
import os
import platform
import pwd
import shutil
import stat
import sys
import warnings
from collections.abc import Mapping
from pathlib import Path

from bandstop.compile.build import FLAGS, Compiler, compiled, find_compiler
from bandstop.compile.folder import temporary_folder
from bandstop.errors import Failure
from bandstop.files import locked, write_atomically
from bandstop.fingerprint import fingerprint

SHARED = ("-shared", "-fPIC")
OTHER = "another folder, in BANDSTOP_CACHE"


def cache_folder() -> Path:
    """$BANDSTOP_CACHE, or bandstop in the user's cache folder: always absolute.

    That is $XDG_CACHE_HOME, or .cache in the home folder; as its specification asks, a relative
    $XDG_CACHE_HOME is passed over. Where no such folder can be had, one of this process alone, with a
    warning.
    """
    given = os.environ.get("BANDSTOP_CACHE")
    if given:
        return Path(os.path.abspath(given))
    given, home = os.environ.get("XDG_CACHE_HOME", ""), _home()
    if os.path.isabs(given):
        folder = Path(given) / "bandstop"
    elif home:
        folder = home / ".cache" / "bandstop"
    else:
        return _private("there is no home folder")
    return folder if _usable(folder) else _private(f"{folder} cannot be written")


def _home() -> Path | None:
    """$HOME, or where it is empty or relative the one that the system knows; None for no folder."""
    home = Path(os.environ.get("HOME", ""))
    if not home.is_absolute():
        with contextlib.suppress(KeyError):  # a user that the system does not know
            home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return home if home.is_absolute() and home.is_dir() else None


def _usable(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


@functools.cache
def _private(why: str) -> Path:
    stack = contextlib.ExitStack()
    folder = stack.enter_context(temporary_folder())
    atexit.register(stack.close)
    warnings.warn(
        f"{why}, so what is compiled is kept for this process alone; name a folder in BANDSTOP_CACHE",
        stacklevel=3,
    )
    return folder


def shared_library(files: Mapping[str, str], compiler: Compiler | None = None) -> Path:
    """The files as a library for this machine, built unless it was built before.

    Kept under a hash of the text, the compiler, the flags and the machine, its own checksum beside
    it. Several processes may ask at once: one builds, the others wait for it. What is not, byte by
    byte, what was built is built again.
    """
    compiler = compiler or find_compiler()
    machine = (platform.machine(), platform.libc_ver(), _processor())
    made = fingerprint((compiler.command, compiler.version, FLAGS, SHARED, machine, files), 32)
    folder = cache_folder() / made[:2]
    path = folder / f"{made}.so"
    if not whole(path):
        with locked(folder, lambda holder: None, OTHER):
            if not whole(path):
                _build(path, files, compiler)
    return path


def _checksum(path: Path) -> Path:
    return path.with_suffix(".sha256")


def whole(path: Path) -> bool:
    """Whether a library is there, and is the one that was built."""
    content, said = (_content(p) for p in (path, _checksum(path)))
    return content is not None and said == hashlib.sha256(content).hexdigest().encode()


def _content(path: Path) -> bytes | None:
    """Of a regular file; nothing else is opened, and no link is followed."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            return file.read() if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else None
    except OSError:
        return None


def _build(path: Path, files: Mapping[str, str], compiler: Compiler) -> None:
    """The library and its checksum, both on the disk before the library bears its name.

    Built elsewhere: what a killed compiler leaves behind lies where it is swept.
    """
    for old in (path, _checksum(path)):
        _remove(old)
    with temporary_folder() as folder:
        compiled(compiler, files, folder / path.name, (*FLAGS, *SHARED))
        content = (folder / path.name).read_bytes()
    write_atomically(_checksum(path), hashlib.sha256(content).hexdigest())
    write_atomically(path, content)
    at = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(at)  # the names
    finally:
        os.close(at)


def _remove(path: Path) -> None:
    """Whatever stands in the place of a file of the cache. Errors: Failure."""
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise Failure(
            f"{path} is in the way and cannot be removed: {error.strerror}; remove it, or choose {OTHER}"
        ) from error


def loaded(library: Path) -> ctypes.CDLL:
    """A library that leaves the process as it is: what a compiler links for -ffast-math takes denormal
    numbers for 0, everywhere, as soon as it is loaded.

    Errors: Failure for a library that is damaged, or lies where nothing may be run.
    """
    before = _keeps_denormal()
    try:
        found = ctypes.CDLL(str(library))
    except OSError as error:
        raise Failure(
            f"what was built cannot be loaded: {error}; delete that file or choose {OTHER}"
        ) from error
    if before and not _keeps_denormal():
        import torch

        torch.set_flush_denormal(False)
    return found


def _keeps_denormal() -> bool:
    return sys.float_info.min / 2 > 0


def _processor() -> str:
    """What -march=native depends on: a cache may lie on a disk that several machines share."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "".join(
        line for line in lines[:40] if line.startswith(("model name", "flags", "Features"))
    )
