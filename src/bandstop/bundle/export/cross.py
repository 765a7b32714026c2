"""A bundle for other machines: an object file beside the C, or a WebAssembly module."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle.export.c import compiled
from bandstop.bundle.export.exported import Exported, require_suffix, write_together
from bandstop.compile import CSource, Options
from bandstop.compile.c.text import identifier
from bandstop.compile.cross import machine_of, object_file, wasm_module, zig
from bandstop.compile.proof import by_native

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


def to_machine(
    bundle: Bundle,
    path: Path,
    cross: str,
    command: str = "Bundle.export",
    options: Options | None = None,
) -> Exported:
    """PATH.c, PATH.h, and PATH.MACHINE.o, which is the same C built for that machine."""
    machine = machine_of(cross)
    require_suffix(path, ".c", "C")
    zig()
    made, native = compiled(bundle, identifier(path.stem), command, options)
    shape, classes = bundle.network.signal, len(bundle.classes)
    content, proof = object_file(made, machine, by_native(native), shape, classes)
    header, built = path.with_name(f"{made.name}.h"), path.with_name(f"{path.stem}.{cross}.o")
    write_together({header: made.header, built: content, path: made.source})
    return _exported(made, proof, (path, header, built))


def to_wasm(
    bundle: Bundle, path: Path, command: str = "Bundle.export", options: Options | None = None
) -> Exported:
    """PATH.wasm, which imports nothing, and PATH.mjs, which loads it; written only after the proof."""
    require_suffix(path, ".wasm", "WebAssembly")
    zig()
    made, native = compiled(bundle, identifier(path.stem), command, options)
    shape, unit = bundle.network.signal, bundle.skeleton.unit
    content, loader, proof = wasm_module(
        made, by_native(native), shape, bundle.classes, unit, path.stem
    )
    beside = path.with_suffix(".mjs")
    write_together({beside: loader, path: content})
    return _exported(made, proof, (path, beside))


def _exported(made: CSource, proof: str, files: tuple[Path, ...]) -> Exported:
    made = replace(made, facts={**made.facts, "proof": f"{made.facts['proof']}; {proof}"})
    return Exported.of(made, files)
