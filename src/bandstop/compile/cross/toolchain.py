"""ziglang as a C compiler for any machine."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from bandstop.compile.build import Compiler, compiled
from bandstop.errors import Missing

FLAGS = ("-std=c11", "-O3", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math",
         "-fno-sanitize=undefined", "-g0")  # fmt: skip


def zig() -> Compiler:
    """Errors: Missing where ziglang is not installed."""
    if not find_spec("ziglang"):
        raise Missing(
            "building for other machines needs ziglang, which is not installed; "
            "pip install 'bandstop[cross]'"
        )
    return Compiler((sys.executable, "-m", "ziglang", "cc"), "ziglang")


def built(files: Mapping[str, str], output: Path, target: str, flags: tuple[str, ...]) -> bytes:
    """What ziglang makes of the files for a target, also left at `output`."""
    compiled(zig(), files, output, ("-target", target, *FLAGS, *flags))
    return output.read_bytes()
