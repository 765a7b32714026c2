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
from bandstop.errors import BadInput

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle

__all__ = [
    "SUFFIXES", "TARGETS", "WITH_OPTIONS", "Exported", "compiled", "export", "to_machine",
]  # fmt: skip

TARGETS: dict[str, Callable[[Bundle, Path, str], Exported]] = {
    "c": to_c,
    "elastic": to_elastic,
    "onnx": to_onnx,
    "wasm": to_wasm,
    "native": to_native,
}
WITH_OPTIONS = {"c": to_c, "wasm": to_wasm, "native": to_native}
"""Those that take the compiler's options, such as 8-bit weights."""
SUFFIXES = {".c": "c", ".onnx": "onnx", ".wasm": "wasm"}
"""By the name of the file, for Bundle.export."""


def export(bundle: Bundle, path: Path) -> Exported:
    """Errors: BadInput for a suffix that no target writes."""
    if path.suffix not in SUFFIXES:
        raise BadInput(
            f"{path.name}: export writes {', '.join(SUFFIXES)}; end the name in one of them"
        )
    return TARGETS[SUFFIXES[path.suffix]](bundle, path, "Bundle.export")
