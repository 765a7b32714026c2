"""The C target: one operation a file."""

from bandstop.compile.c.emit import CSource, Layer, emit

__all__ = ["CSource", "Layer", "emit"]
