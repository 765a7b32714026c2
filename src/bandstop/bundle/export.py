"""A bundle as files for other machines: which targets there are, and what comes out of them.

Imported when it is first needed: a device that only predicts carries no compiler.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle import export_cross
from bandstop.bundle.export_elastic import to_elastic
from bandstop.bundle.export_onnx import to_onnx
from bandstop.bundle.exported import Exported, origin
from bandstop.compile import CSource, Native, Options, compile_c
from bandstop.compile.c.text import identifier
from bandstop.errors import BadInput
from bandstop.files import write_atomically

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


def compiled(
    bundle: Bundle, name: str, command: str, options: Options | None = None
) -> tuple[CSource, Native]:
    """The proven C of a bundle, and the same as a predictor."""
    made, native, _ = compile_c(
        bundle.net,
        bundle.description,
        bundle.normalisation,
        bundle.classes,
        name,
        origin(bundle, command),
        options,
    )
    return made, native


def to_c(
    bundle: Bundle, path: Path, command: str = "Bundle.export", options: Options | None = None
) -> Exported:
    """PATH.c and PATH.h, written only after the proof."""
    if path.suffix != ".c":
        raise BadInput(f"the C target writes a .c file, not {path.name!r}; end its name in .c")
    made, _ = compiled(bundle, identifier(path.stem), command, options)
    header = path.with_name(f"{made.name}.h")
    write_atomically(header, made.header)
    write_atomically(path, made.source)
    return _exported(made, (path, header))


def to_native(
    bundle: Bundle, path: Path, command: str = "Bundle.compile", options: Options | None = None
) -> Exported:
    """Built and proven here; the library stays in the cache, and nothing is written to `path`."""
    made, native = compiled(bundle, "net", command, options)
    return _exported(made, (native.path,))


def to_wasm(
    bundle: Bundle, path: Path, command: str = "Bundle.export", options: Options | None = None
) -> Exported:
    """PATH.wasm and PATH.mjs, which loads it; written only after the proof."""
    return export_cross.to_wasm(bundle, path, command, options, compiled)


def to_machine(
    bundle: Bundle,
    path: Path,
    cross: str,
    command: str = "Bundle.export",
    options: Options | None = None,
) -> Exported:
    """As `to_c`, and an object file for another machine."""
    return export_cross.with_object(bundle, path, command, options, cross, compiled)


def _exported(made: CSource, files: tuple[Path, ...]) -> Exported:
    return Exported(made.layers, made.flash, made.scratch, made.macs, made.facts["proof"], files)


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
