"""The compiler as two functions: a C source that was proven, and a predictor that was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from bandstop.compile.aim import AIMS, least
from bandstop.compile.build import Compiler
from bandstop.compile.c import CSource, emit
from bandstop.compile.ir import Graph
from bandstop.compile.lower import Net, lower, signal_shape
from bandstop.compile.native import Native, native_of
from bandstop.compile.passes import PASSES, ChooseOrder, ChooseStorage, Pass, Quantise, run_passes
from bandstop.compile.passes.quantise_network import QuantiseNetwork
from bandstop.compile.proof import (
    INT8_TOLERANCE,
    Proof,
    by_frames,
    by_native,
    by_signal,
    by_torch,
    check_frames,
    check_signals,
    native_frames,
    prove,
)
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput, nearest


@dataclass(frozen=True, eq=False)
class Options:
    """What may be chosen by hand; by default the cost model chooses.

    order     "mix first", "filter first" or "multiplied out"
    storage   constant -> kind of storage, such as (("filters", "dense"),)
    int8      weights of 8 bits instead of 32
    signals   normalised, (batch, node, feature): what 8-bit weights are fitted to; default: noise
    optimize  "speed", or "size" for the fewest bytes of flash, or "ram" for the least scratch memory

    Errors: BadInput for another aim.
    """

    order: str = ""
    storage: tuple[tuple[str, str], ...] = ()
    int8: bool = False
    signals: np.ndarray | None = None
    optimize: str = "speed"

    def __post_init__(self) -> None:
        if self.optimize not in AIMS:
            raise BadInput(
                f"optimize must be one of {', '.join(AIMS)}, not {self.optimize!r}"
                f"{nearest(self.optimize, AIMS)}"
            )

    def arranged(self, lowered: Graph, shape: tuple[int, int]) -> Graph:
        """The graph that is written down. shape: (nodes, features) of a signal."""
        passes = self.passes(shape)
        if lowered.has("network") and (self.order or self.storage):
            raise BadInput(
                "orders and storages are for attention-gcn, and this network is another; leave them out"
            )
        if self.optimize == "speed" or lowered.has("network"):
            return run_passes(lowered, passes)
        at = next(i for i, p in enumerate(passes) if isinstance(p, ChooseOrder))
        return least(run_passes(lowered, passes[:at]), self.optimize, self.order, self.storage)

    def passes(self, shape: tuple[int, int]) -> tuple[Pass, ...]:
        """shape: (nodes, features) of a signal."""
        own = {ChooseOrder: ChooseOrder(self.order), ChooseStorage: ChooseStorage(self.storage)}
        chosen: list[Pass] = [own.get(type(p), p) for p in PASSES]  # type: ignore[misc]
        if self.int8:
            signals = check_signals(*shape) if self.signals is None else self.signals
            at = next(i for i, p in enumerate(chosen) if isinstance(p, ChooseOrder))
            chosen[at:at] = [Quantise(signals), QuantiseNetwork(signals)]
        return tuple(chosen)


def compile_c(
    net: Net,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    name: str = "net",
    facts: Mapping[str, str] | None = None,
    options: Options | None = None,
    compiler: Compiler | None = None,
) -> tuple[CSource, Native, Proof]:
    """Lower, run all passes, emit, build for this machine, and prove on check signals.

    Proven are: logits of signals against PyTorch, logits of raw frames against the graph as it was
    lowered, in double precision. With 8-bit weights the C must agree as closely with the graph of the
    rounded weights, and that one with PyTorch to INT8_TOLERANCE.
    Errors: Failure where they disagree, or there is no compiler to prove it with.
    """
    options, shape = options or Options(), signal_shape(net)
    lowered = lower(net, description, normalisation, classes)
    graph = options.arranged(lowered, shape)
    made = emit(graph, name, facts or {}, description.skeleton.unit)
    native = native_of(made, shape, classes, compiler)
    signals = check_signals(*shape)
    meant = graph if options.int8 else lowered
    ours, torch, rounded = by_native(native), by_torch(net), by_signal(graph)
    frames = check_frames(description, normalisation)
    proofs = [prove(by_frames(meant), native_frames(native), frames, "frames: rules and C")]
    if options.int8:
        proofs += [
            prove(rounded, ours, signals, "8-bit weights and C"),
            prove(
                torch,
                rounded,
                signals,
                "PyTorch and 8-bit weights",
                INT8_TOLERANCE,
                "the file is not written; 8 bits are too few for this network; leave out --int8",
            ),
        ]
    else:
        proofs.append(prove(torch, ours, signals, "PyTorch and C"))
    words = "; ".join(str(p) for p in proofs)
    return replace(made, facts={**made.facts, "proof": words}), native, proofs[-1]


def compile_native(
    net: Net,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    options: Options | None = None,
) -> Native:
    """A proven predictor for NumPy arrays; see Native."""
    return compile_c(net, description, normalisation, classes, options=options)[1]
