"""Which gates a method bears, made from the options: one function a kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bandstop.gate import (
    BandStop,
    CoarseToFine,
    GateSpec,
    HardConcrete,
    Ladder,
    Magnitude,
    SemiStructured,
)
from bandstop.gate.groups import COARSE
from bandstop.record import Config


def common(c: Config) -> dict[str, Any]:
    """What every kind is told: budget, sharpness and warm-up; the network's latents have unit variance."""
    return {
        "rate": c.rate,
        "sigma": (c.sigma_start, c.sigma_end),
        "warmup": c.warmup,
        "scope": c.scope,
        "exempt": c.exempt,
        "rates": c.rates,
        "scale": "unit",
    }


def band_stop(c: Config) -> GateSpec:
    return BandStop(**common(c), prior=c.prior, threshold=c.threshold)


def ladder(c: Config) -> GateSpec:
    seen = c.seen_rates
    several = {"seen": seen, "together": c.together, "settle": c.settle}
    edges = {"prior": c.prior, "threshold": c.threshold}
    return Ladder(**common(c) | {"rate": seen[-1]} | several | edges)


def coarse_to_fine(c: Config) -> GateSpec:
    return CoarseToFine(**common(c), levels=c.levels, structure=c.structure, psi=c.psi)


def semi_structured(c: Config) -> GateSpec:
    return SemiStructured(**common(c), levels=c.levels, structure=c.structure)


def structured(c: Config) -> GateSpec:
    return SemiStructured(**common(c), levels=COARSE)


def unstructured(c: Config) -> GateSpec:
    return SemiStructured(**common(c), levels=("entry",))


def magnitude(c: Config) -> GateSpec:
    return Magnitude(**common(c))


def hard_concrete(c: Config) -> GateSpec:
    return HardConcrete(**common(c), seed=c.seed)


GATES: dict[str, Callable[[Config], GateSpec]] = {
    "band-stop": band_stop,
    "ladder": ladder,
    "coarse-to-fine": coarse_to_fine,
    "semi-structured": semi_structured,
    "structured": structured,
    "unstructured": unstructured,
    "magnitude": magnitude,
    "hard-concrete": hard_concrete,
}
"""Name in the methods' table -> the gates to attach."""
