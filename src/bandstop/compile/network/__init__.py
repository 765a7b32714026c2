"""Any graph as C: simplify, lower to steps, emit."""

from bandstop.compile.network.emit import NetworkSource, emit

__all__ = ["NetworkSource", "emit"]
