"""A C compiler, found and run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bandstop.compile.folder import temporary_folder
from bandstop.errors import BadInput, Failure, Missing

FLAGS = ("-std=c11", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno",
         "-fno-trapping-math")  # fmt: skip
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


def _run(command: Sequence[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What a compiler said and returned, its temporary files in `folder` too. Errors: Failure where it
    cannot be run."""
    own = {**os.environ, "TMPDIR": str(folder)} if folder else None
    try:
        return subprocess.run(
            command, cwd=folder, env=own, capture_output=True, text=True, errors="replace",
            timeout=SECONDS,
        )  # fmt: skip
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
    with temporary_folder() as folder:
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        sources = [name for name in files if name.endswith(".c")]
        command = [*compiler.command, *flags, *sources, "-o", str(output.resolve()), "-lm"]
        done = _run(command, folder)
    if "No space left" in done.stderr:
        raise Failure(
            f"{output.parent} has no space left for what is built; free some, or name another folder in "
            "TMPDIR and BANDSTOP_CACHE"
        )
    if done.returncode != 0 or not output.exists():
        lines = [line for line in done.stderr.splitlines() if "error" in line] or [
            "no reason given"
        ]
        raise Failure(
            f"{' '.join(compiler.command)} refused the generated C: {lines[0]}; please report this "
            "with the bundle"
        )
