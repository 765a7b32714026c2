"""A bundle as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle.export.exported import Exported, origin, require_suffix
from bandstop.compile.c.text import identifier
from bandstop.compile.onnx import compile_onnx
from bandstop.files import write_atomically

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


def to_onnx(bundle: Bundle, path: Path, command: str = "Bundle.export") -> Exported:
    """PATH.onnx: signal in, logits and probabilities out; written only after the proof."""
    require_suffix(path, ".onnx", "ONNX")
    made = compile_onnx(
        bundle.net, bundle.description, bundle.normalisation, bundle.classes,
        identifier(path.stem), origin(bundle, command),
    )  # fmt: skip
    write_atomically(path, made.content)
    flash, macs = sum(x.flash for x in made.layers), sum(x.macs for x in made.layers)
    return Exported(made.layers, flash, 0, macs, str(made.proof), (path,))
