"""A C compiler, found and run; built libraries are kept by the hash of what they were made of."""

from __future__ import annotations

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bandstop.errors import BadInput, Failure, Missing
from bandstop.files import beside, locked

FLAGS = ("-std=c11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno",
         "-fno-trapping-math")  # fmt: skip
SHARED = ("-shared", "-fPIC")
SECONDS = 120


@dataclass(frozen=True)
class Compiler:
    """The command that calls it, and what it says it is."""

    command: tuple[str, ...]
    version: str


def find_compiler(wanted: str = "") -> Compiler:
    """`wanted`, or $CC, or cc, gcc, clang, or ziglang's. Errors: Missing where there is none."""
    asked = wanted or os.environ.get("CC", "")
    if asked:
        try:
            command = tuple(shlex.split(asked))
        except ValueError:  # a quotation without an end
            command = ()
        program = shutil.which(command[0]) if command else None
        if program is None:
            raise BadInput(f"the C compiler {asked!r} is not to be found; name another in CC")
        command = (os.path.abspath(program), *command[1:])  # it runs in a folder of its own
        return Compiler(command, _version(command))
    for name in ("cc", "gcc", "clang"):
        if shutil.which(name):
            return Compiler((name,), _version((name,)))
    if find_spec("ziglang"):
        zig = (sys.executable, "-m", "ziglang", "cc")
        return Compiler(zig, _version(zig))
    raise Missing(
        "there is no C compiler (cc, gcc, clang); install one, name it in CC, or "
        "`pip install 'bandstop[cross]'`, which brings its own"
    )


def _run(command: Sequence[str], folder: str = ".") -> subprocess.CompletedProcess[str]:
    """What a compiler said and returned. Errors: Failure where it cannot be run."""
    try:
        return subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace", timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Failure(f"{command[0]} could not be run: {error}; name another in CC") from error


def _version(command: tuple[str, ...]) -> str:
    said = _run((*command, "--version"))
    return said.stdout.partition("\n")[0].strip() or "unknown"


def compiled(
    compiler: Compiler, files: Mapping[str, str], output: Path, flags: tuple[str, ...]
) -> None:
    """Write the files into a folder of their own and compile every .c among them into `output`.

    Errors: Failure with the compiler's first complaint.
    """
    with tempfile.TemporaryDirectory(prefix="bandstop-") as folder:
        for name, text in files.items():
            (Path(folder) / name).write_text(text, "utf-8")
        sources = [name for name in files if name.endswith(".c")]
        command = [*compiler.command, *flags, *sources, "-o", str(output.resolve()), "-lm"]
        done = _run(command, folder)
    if "No space left" in done.stderr:
        raise Failure(
            f"{output.parent} has no space left for what is built; free some, or choose another folder, "
            "in BANDSTOP_CACHE"
        )
    if done.returncode != 0 or not output.exists():
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [
            "no reason given"
        ]
        raise Failure(
            f"{' '.join(compiler.command)} refused the generated C: {lines[0]}; please report this "
            "with the bundle"
        )


def cache_folder() -> Path:
    """$BANDSTOP_CACHE, or bandstop in the user's cache folder. Errors: Failure for a user without one."""
    given = os.environ.get("BANDSTOP_CACHE")
    if given:
        return Path(given)
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bandstop"
    except RuntimeError as error:
        raise Failure(
            "there is no home folder to keep what is built; name a folder in BANDSTOP_CACHE"
        ) from error


def shared_library(files: Mapping[str, str], compiler: Compiler | None = None) -> Path:
    """The files as a library for this machine, built unless it was built before.

    Kept under a hash of the text, the compiler, the flags and the processor. Several processes may ask
    at once: one builds, the others wait for it; a library is whole or absent.
    """
    compiler = compiler or find_compiler()
    made = hashlib.sha256()
    for word in (*compiler.command, compiler.version, *FLAGS, platform.machine(), _processor()):
        made.update(word.encode() + b"\0")
    for name, text in sorted(files.items()):
        made.update(f"{name}\0{text}\0".encode())
    folder = cache_folder() / made.hexdigest()[:2]
    path = folder / f"{made.hexdigest()[:32]}.so"
    if not path.exists():
        with locked(folder, lambda holder: None, "another folder, in BANDSTOP_CACHE"):
            if not path.exists():
                with beside(path) as part:
                    compiled(compiler, files, part, (*FLAGS, *SHARED))
    return path


def loaded(library: Path) -> ctypes.CDLL:
    """Errors: Failure for a library that is damaged, or lies where nothing may be run."""
    try:
        return ctypes.CDLL(str(library))
    except OSError as error:
        raise Failure(
            f"what was built cannot be loaded: {error}; delete that file or choose another folder, in "
            "BANDSTOP_CACHE"
        ) from error


def _processor() -> str:
    """What -march=native depends on: a cache may lie on a disk that several machines share."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return "".join(
        line for line in lines[:40] if line.startswith(("model name", "flags", "Features"))
    )
