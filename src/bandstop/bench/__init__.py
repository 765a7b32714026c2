"""A bundle measured: every engine that is installed, in turn, on this machine; layer by layer."""

from bandstop.bench.bench import Result, Row, bench
from bandstop.bench.engines import ENGINES
from bandstop.bench.layers import Inspected, LayerRow, inspect
from bandstop.bench.networks import Networks, networks

__all__ = [
    "ENGINES", "Inspected", "LayerRow", "Networks", "Result", "Row", "bench", "inspect",
    "networks",
]  # fmt: skip
