"""Limits: what a delivered network may cost, and how that is measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bandstop.bench.engines import ENGINES
from bandstop.bench.turns import in_turn, one_thread
from bandstop.bundle import Bundle
from bandstop.compile import Options
from bandstop.compile.c.emit import footprint
from bandstop.compile.lower import lower
from bandstop.compile.proof import check_signals
from bandstop.errors import BadInput
from bandstop.number import real

ROUNDS = 15


def flash(bundle: Bundle, int8: bool = False) -> float:
    """Bytes of weights, positions and constants of the C file that `compile --optimize size` makes, or
    with `--int8`."""
    net = bundle.net
    lowered = lower(net, bundle.description, bundle.normalisation, bundle.classes)
    options = Options(optimize="size", int8=int8)
    return float(footprint(options.arranged(lowered, bundle.network.signal))[0])


def microseconds(bundle: Bundle) -> float:
    """Of one signal to its logits, by the C that `compile` makes, in a loop of C on one core of this
    machine: the median.

    Errors: Missing where there is no C compiler.
    """
    with one_thread():
        call = ENGINES["C"].make(bundle.net, bundle)
        signals = check_signals(*bundle.network.signal)
        return in_turn({"C": call(signals)}, ROUNDS)["C"].p50 / len(signals)


@dataclass(frozen=True)
class Kind:
    """measure  a network -> what it costs; words  of the unit, and of what is measured"""

    measure: Callable[[Bundle], float]
    unit: str
    words: str


LIMITS = {
    "us": Kind(microseconds, "µs", "an answer in C on this machine"),
    "bytes": Kind(flash, "bytes", "weights, positions and constants in C, made for size"),
}
"""Name of the budget, as in --budget-us -> how it is measured."""


@dataclass(frozen=True)
class Limit:
    """At most `most` of a kind of LIMITS. Errors: BadInput for another kind, or nothing to spend."""

    kind: str
    most: float

    def __post_init__(self) -> None:
        if self.kind not in LIMITS:
            raise BadInput(f"budget must be in one of {', '.join(LIMITS)}, not {self.kind!r}")
        if not 0 < real(self.most) < 1e18:
            raise BadInput(f"budget-{self.kind} must be above 0 and finite, not {self.most!r}")

    def measure(self, bundle: Bundle) -> float:
        return LIMITS[self.kind].measure(bundle)

    def said(self, cost: float) -> str:
        """
        >>> Limit("us", 2).said(1.2345), Limit("bytes", 8000).said(7990.0)
        ('1.23 µs', '7990 bytes')
        """
        return f"{cost:.2f} µs" if self.kind == "us" else f"{cost:.0f} bytes"
