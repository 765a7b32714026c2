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
    NOfM,
    SemiStructured,
)
from bandstop.gate.groups import COARSE
from bandstop.record import Config


def common(c: Config) -> dict[str, Any]:
    """What every kind is told; the network's latents have unit variance."""
    return {
        "rate": c.rate, "scope": c.scope, "exempt": c.exempt, "rates": c.rates, "scale": "unit",
    }  # fmt: skip


def risen(c: Config) -> dict[str, Any]:
    """What kinds whose rate rises and whose masks sharpen are told."""
    return common(c) | {"warmup": c.warmup, "sigma": (c.sigma_start, c.sigma_end)}


def edges(c: Config) -> dict[str, Any]:
    """Where the stop band ends; without a prior where it is not asked."""
    return {"threshold": c.threshold} | ({"prior": c.prior} if c.threshold == "prior" else {})


def leveled(c: Config) -> dict[str, Any]:
    """Levels, and how much of the removal whole groups take on, where both they and entries decide."""
    both = "entry" in c.levels and len(c.levels) > 1
    return {"levels": c.levels} | ({"structure": c.structure} if both else {})


def band_stop(c: Config) -> GateSpec:
    return BandStop(**risen(c), **edges(c))


def ladder(c: Config) -> GateSpec:
    several = {"seen": c.seen_rates, "together": c.together, "settle": c.settle}
    return Ladder(**risen(c) | edges(c) | several | {"rate": c.seen_rates[-1]})


def coarse_to_fine(c: Config) -> GateSpec:
    if c.psi == "symmetric":  # without edges
        return CoarseToFine(**risen(c), levels=c.levels, psi=c.psi)
    return CoarseToFine(**risen(c), **leveled(c), psi=c.psi)


def semi_structured(c: Config) -> GateSpec:
    return SemiStructured(**risen(c), **leveled(c))


def structured(c: Config) -> GateSpec:
    return SemiStructured(**risen(c), levels=COARSE)


def unstructured(c: Config) -> GateSpec:
    return SemiStructured(**risen(c), levels=("entry",))


def magnitude(c: Config) -> GateSpec:
    return Magnitude(**common(c), warmup=c.warmup)


def n_of_m(c: Config) -> GateSpec:
    """One of every M stays."""
    group = max(2, round(1 / (1 - c.rate)))
    return NOfM(**common(c), warmup=c.warmup, group=group)


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
    "n-of-m": n_of_m,
    "hard-concrete": hard_concrete,
}
"""Name in the methods' table -> the gates to attach."""
