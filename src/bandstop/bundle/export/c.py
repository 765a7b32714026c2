"""A bundle as C: a file and its header, or a library built and proven on this machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle.export.exported import Exported, origin, require_suffix, write_together
from bandstop.compile import CSource, Native, Options, compile_c
from bandstop.compile.c.text import identifier

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
    require_suffix(path, ".c", "C")
    made, _ = compiled(bundle, identifier(path.stem), command, options)
    header = path.with_name(f"{made.name}.h")
    write_together({header: made.header, path: made.source})
    return Exported.of(made, (path, header))


def to_native(
    bundle: Bundle, path: Path, command: str = "Bundle.compile", options: Options | None = None
) -> Exported:
    """Built and proven here; the library stays in the cache, and nothing is written to `path`."""
    made, native = compiled(bundle, "net", command, options)
    return Exported.of(made, (native.path,))
