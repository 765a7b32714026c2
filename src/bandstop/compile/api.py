"""The compiler as two functions: a C source that was proven, and a predictor that was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from bandstop.compile.build import Compiler
from bandstop.compile.c import CSource, emit
from bandstop.compile.lower import lower
from bandstop.compile.native import Native, build
from bandstop.compile.passes import PASSES, ChooseOrder, ChooseStorage, run_passes
from bandstop.compile.proof import Proof, check_signals, prove
from bandstop.data.describe import Description, Normalisation
from bandstop.nn import CompactGCN


@dataclass(frozen=True)
class Options:
    """What may be chosen by hand; by default the cost model chooses.

    order    "mix first", "filter first" or "multiplied out"
    storage  constant -> kind of storage, such as (("filters", "dense"),)
    """

    order: str = ""
    storage: tuple[tuple[str, str], ...] = ()

    @property
    def passes(self) -> tuple:
        own = {ChooseOrder: ChooseOrder(self.order), ChooseStorage: ChooseStorage(self.storage)}
        return tuple(own.get(type(p), p) for p in PASSES)


def compile_c(
    net: CompactGCN,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    name: str = "net",
    facts: Mapping[str, str] | None = None,
    options: Options | None = None,
    compiler: Compiler | None = None,
) -> tuple[CSource, Native, Proof]:
    """Lower, run all passes, emit, build for this machine, and prove on check signals.

    Errors: Failure where the C and the network disagree, or there is no compiler to prove it with.
    """
    graph = run_passes(
        lower(net, description, normalisation, classes), (options or Options()).passes
    )
    made = emit(graph, name, facts or {}, description.skeleton.unit)
    shape = (net.nodes, net.all_features)
    native = build(made, shape, classes, compiler)
    with torch.no_grad():
        proof = prove(net, native, check_signals(*shape), "PyTorch and C")
    return replace(made, facts={**made.facts, "proof": str(proof)}), native, proof


def compile_native(
    net: CompactGCN,
    description: Description,
    normalisation: Normalisation,
    classes: tuple[str, ...],
    options: Options | None = None,
) -> Native:
    """A proven predictor for NumPy arrays; see Native."""
    return compile_c(net, description, normalisation, classes, options=options)[1]
