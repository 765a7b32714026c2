"""A bundle for other machines: an object file beside the C, or a WebAssembly module."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle.exported import Exported
from bandstop.compile import CSource, Native, Options
from bandstop.compile.c.text import identifier
from bandstop.compile.cross import machine_of, object_file, wasm_module, zig
from bandstop.compile.proof import by_native
from bandstop.errors import BadInput
from bandstop.files import write_atomically

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle

Compiled = Callable[["Bundle", str, str, Options | None], tuple[CSource, Native]]
"""export.py's `compiled`: proven C, and the same on this machine."""


def with_object(
    bundle: Bundle,
    path: Path,
    command: str,
    options: Options | None,
    cross: str,
    compiled: Compiled,
) -> Exported:
    """PATH.c, PATH.h, and PATH.MACHINE.o, which is the same C built for that machine."""
    machine = machine_of(cross)
    if path.suffix != ".c":
        raise BadInput(f"the C target writes a .c file, not {path.name!r}; end its name in .c")
    zig()
    made, native = compiled(bundle, identifier(path.stem), command, options)
    shape, classes = (bundle.net.nodes, bundle.net.all_features), len(bundle.classes)
    content, proof = object_file(made, machine, by_native(native), shape, classes)
    header, built = path.with_name(f"{made.name}.h"), path.with_name(f"{path.stem}.{cross}.o")
    for file, text in ((header, made.header), (built, content), (path, made.source)):
        write_atomically(file, text)
    return exported(made, proof, (path, header, built))


def to_wasm(
    bundle: Bundle, path: Path, command: str, options: Options | None, compiled: Compiled
) -> Exported:
    """PATH.wasm, which imports nothing, and PATH.mjs, which loads it."""
    if path.suffix != ".wasm":
        raise BadInput(
            f"the WebAssembly target writes a .wasm file, not {path.name!r}; end its name in .wasm"
        )
    zig()
    made, native = compiled(bundle, identifier(path.stem), command, options)
    shape, unit = (bundle.net.nodes, bundle.net.all_features), bundle.skeleton.unit
    content, loader, proof = wasm_module(made, by_native(native), shape, bundle.classes, unit)
    beside = path.with_suffix(".mjs")
    write_atomically(beside, loader)
    write_atomically(path, content)
    return exported(made, proof, (path, beside))


def exported(made: CSource, proof: str, files: tuple[Path, ...]) -> Exported:
    made = replace(made, facts={**made.facts, "proof": f"{made.facts['proof']}; {proof}"})
    return Exported(made.layers, made.flash, made.scratch, made.macs, made.facts["proof"], files)
