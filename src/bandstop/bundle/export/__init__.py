"""A bundle as files for other machines: which targets there are, and what comes out of them.

Imported when it is first needed: a device that only predicts carries no compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle.export.c import compiled, to_c, to_native
from bandstop.bundle.export.cross import to_machine, to_wasm
from bandstop.bundle.export.elastic import to_elastic
from bandstop.bundle.export.exported import Exported
from bandstop.bundle.export.onnx import to_onnx
from bandstop.compile import Options
from bandstop.errors import BadInput

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle

__all__ = [
    "SUFFIXES", "TARGETS", "Exported", "compiled", "export", "to_machine", "with_options",
]  # fmt: skip

TARGETS: dict[str, Callable[[Bundle, Path, str], Exported]] = {
    "c": to_c,
    "elastic": to_elastic,
    "onnx": to_onnx,
    "wasm": to_wasm,
    "native": to_native,
}
WITH_OPTIONS: dict[str, Callable[[Bundle, Path, str, Options | None], Exported]] = {
    "c": to_c,
    "wasm": to_wasm,
    "native": to_native,
}
"""Those that take the compiler's options, such as 8-bit weights."""
SUFFIXES = {".c": "c", ".onnx": "onnx", ".wasm": "wasm"}
"""By the name of the file, for Bundle.export."""


def export(bundle: Bundle, path: Path, optimize: str = "speed") -> Exported:
    """Errors: BadInput for a suffix that no target writes, or an aim that this one does not know."""
    if path.suffix not in SUFFIXES:
        raise BadInput(
            f"{path.name}: export writes {', '.join(SUFFIXES)}; end the name in one of them"
        )
    target = SUFFIXES[path.suffix]
    if optimize == "speed":
        return TARGETS[target](bundle, path, "Bundle.export")
    return with_options(target)(bundle, path, "Bundle.export", Options(optimize=optimize))


def with_options(target: str) -> Callable[[Bundle, Path, str, Options | None], Exported]:
    """Errors: BadInput for a target that has no such options."""
    if target not in WITH_OPTIONS:
        raise BadInput(
            f"optimize and 8-bit weights are for {', '.join(WITH_OPTIONS)}, not for {target}; leave "
            "them out"
        )
    return WITH_OPTIONS[target]
