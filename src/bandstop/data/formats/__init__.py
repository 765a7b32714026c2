"""One file per format, each a `scan(path) -> Scan`; the table of them; one recording; detection."""

from bandstop.data.formats.table import FORMATS, Format, canonical, load, parse, scan

__all__ = ["FORMATS", "Format", "canonical", "load", "parse", "scan"]
