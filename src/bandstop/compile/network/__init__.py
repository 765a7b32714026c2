"""Any graph as C: simplify, lower to steps, emit."""

from bandstop.compile.network.api import compile_network, write_c
from bandstop.compile.network.emit import NetworkSource, emit
from bandstop.compile.network.native import NetworkNative

__all__ = ["NetworkNative", "NetworkSource", "compile_network", "emit", "write_c"]
