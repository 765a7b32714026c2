"""From skeleton recordings and a budget to the smallest network that still recognises.

    import bandstop as bs
    data = bs.load("sbu", "path/to/SBU")
    net = bs.design(data, method="pmp", rate=0.95)
    net.predict(data.sequences[0])
    net.save("wave.bandstop")

The names are looked up when they are first used, so that importing the package is cheap; type checkers
read them from the imports below, and a test holds both to `__all__`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bandstop import bundle, data, gate, measure, method, nn, objective, prune, record
    from bandstop.api import design
    from bandstop.bundle import Bundle, load_bundle
    from bandstop.data import Dataset, Sequence, load
    from bandstop.errors import BadInput, BandstopError, Failure
    from bandstop.gate import BandStop
    from bandstop.record import Config
    from bandstop.skeleton import Skeleton

    __version__: str

_NAMES = {
    "BandStop": "bandstop.gate",
    "BandstopError": "bandstop.errors",
    "BadInput": "bandstop.errors",
    "Bundle": "bandstop.bundle",
    "Config": "bandstop.record",
    "Dataset": "bandstop.data",
    "Failure": "bandstop.errors",
    "Sequence": "bandstop.data",
    "Skeleton": "bandstop.skeleton",
    "design": "bandstop.api",
    "load": "bandstop.data",
    "load_bundle": "bandstop.bundle",
}
_ROOMS = ("bundle", "data", "gate", "measure", "method", "nn", "objective", "prune", "record")

__all__ = [
    "BadInput", "BandStop", "BandstopError", "Bundle", "Config", "Dataset", "Failure", "Sequence",
    "Skeleton", "bundle", "data", "design", "gate", "load", "load_bundle", "measure", "method", "nn",
    "objective", "prune", "record",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _NAMES:
        return getattr(import_module(_NAMES[name]), name)
    if name in _ROOMS:
        return import_module(f"bandstop.{name}")
    if name == "__version__":
        return import_module("importlib.metadata").version("bandstop")
    raise AttributeError(f"module 'bandstop' has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
