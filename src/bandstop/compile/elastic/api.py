"""The elastic compiler as one function: a C source that was proven at many rates, and its predictor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from bandstop.compile.build import Compiler
from bandstop.compile.c import CSource, emit
from bandstop.compile.cache import loaded
from bandstop.compile.elastic.emit import emit_elastic
from bandstop.compile.lower import Net, lower, signal_shape
from bandstop.compile.native import Native, native_of
from bandstop.compile.passes import FoldNormalisation, run_passes
from bandstop.compile.proof import (
    Proof,
    by_frames,
    by_torch,
    check_frames,
    check_signals,
    native_frames,
    prove,
)
from bandstop.compile.ranked import Ranked
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput

RATES = 9
"""How many rates are proven: both ends, and others evenly between them."""


class Elastic:
    """A predictor of any rate: `elastic.rate = 0.97`, then as `Native`.

    Errors: BadInput for a rate outside the range that was trained.
    """

    def __init__(self, native: Native, ranked: Ranked) -> None:
        self.native, self.ranked = native, ranked
        self._set = loaded(native.path)[f"{native.source.name}_set_rate"]
        self._set.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_double)
        self._set.restype = ctypes.c_int
        self._rate = ranked.highest
        self.rate = ranked.highest

    @property
    def rate(self) -> float:
        return self._rate

    @rate.setter
    def rate(self, value: float) -> None:
        code = self.set_rate(value)
        if code:
            raise BadInput(
                f"rate must be within {self.ranked.lowest:g} to {self.ranked.highest:g}, the range that "
                f"was trained, not {value:g}"
            )
        self._rate = value

    def set_rate(self, value: float) -> int:
        """As the C function: 0, or an error code that changes nothing."""
        scratch = self.native._scratch
        with self.native._lock:
            code: int = self._set(scratch.ctypes.data, scratch.nbytes, value)
        return code

    def __call__(self, signal: np.ndarray) -> np.ndarray:
        return self.native(signal)


def compile_elastic(
    net: Net,
    ranked: Ranked,
    at: Callable[[float], Net],
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    name: str = "net",
    facts: Mapping[str, str] | None = None,
    compiler: Compiler | None = None,
) -> tuple[CSource, Elastic, Proof]:
    """Emit, build for this machine, and prove at both ends of the range and between; raw frames at the
    lowest rate.

    net  with every weight that is ever kept; `at` gives the network of one rate, for the proof
    Errors: Failure where the C and the network of a rate disagree, or there is no compiler.
    """
    lowered, shape = lower(net, description, normalisation, classes, ranked), signal_shape(net)
    unit = description.skeleton.unit
    if lowered.has("network"):
        made = emit(run_passes(lowered), name, facts or {}, unit)
    else:
        graph = run_passes(lowered, (FoldNormalisation(),))
        made = emit_elastic(graph, ranked, name, facts or {}, unit)
    elastic = Elastic(native_of(made, shape, classes, compiler), ranked)
    signals, worst = check_signals(*shape), None
    for rate in np.linspace(ranked.lowest, ranked.highest, RATES):
        elastic.rate = float(rate)
        words = f"PyTorch and C at rate {rate:.4g}"
        found = prove(by_torch(at(float(rate))), elastic, signals, words)  # type: ignore[arg-type]
        worst = found if worst is None or found.error > worst.error else worst
    assert worst is not None
    proof = replace(worst, words=f"PyTorch and C at {RATES} rates")
    elastic.rate = ranked.lowest
    frames = prove(
        by_frames(lowered),
        native_frames(elastic.native),
        check_frames(description, normalisation),
        f"frames: rules and C at rate {ranked.lowest:.4g}",
    )
    elastic.rate = ranked.highest
    return replace(made, facts={**made.facts, "proof": f"{frames}; {proof}"}), elastic, proof
