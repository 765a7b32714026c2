"""How fast every engine carries out a bundle's network, pruned and dense, each checked before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bandstop.bench.engines import ENGINES, Bind, nothing
from bandstop.bench.networks import networks
from bandstop.bench.turns import Times, in_turn, one_thread, ratio
from bandstop.bundle import Bundle
from bandstop.compile.proof import Engine, by_torch, check_signals, prove
from bandstop.errors import BadInput, Failure, Missing, nearest

BATCHES = (1, 64)
OURS = "C pruned"
EMPTY = ("ONNX Runtime", "empty")
SIGNAL = 2
"""The check signal that is timed at batch 1: one of ordinary size."""


@dataclass(frozen=True)
class Row:
    """p50 and p90 of a call with `batch` signals; signals a second at p50."""

    engine: str
    net: str
    batch: int
    p50_us: float
    p90_us: float
    per_second: float


@dataclass(frozen=True)
class Result:
    """rows in the order of the table of engines; ratios by name: above 1, our C is faster.

    absent   engine -> why it was left out
    errors   "engine net" -> relative error against PyTorch, at most 1e-5
    """

    rows: tuple[Row, ...]
    ratios: dict[str, float]
    absent: dict[str, str]
    errors: dict[str, float]
    core: int
    known: bool

    def to_dict(self) -> dict[str, Any]:
        return {
            "rows": [asdict(row) for row in self.rows],
            "ratios": self.ratios,
            "absent": self.absent,
            "errors": self.errors,
            "core": self.core,
            "dense_is_first_size": self.known,
        }


def bench(bundle: Bundle, rounds: int = 50, engines: Iterable[str] = ()) -> Result:
    """Every engine that is installed, or only those named.

    Errors: BadInput for an engine that is not in the table; Failure where two compute different
    things, or where none is installed.
    """
    wanted = tuple(engines) or tuple(ENGINES)
    for name in wanted:
        if name not in ENGINES:
            raise BadInput(
                f"engine must be one of {', '.join(ENGINES)}, not {name!r}{nearest(name, ENGINES)}"
            )
    with one_thread() as core:
        bound, absent, errors, known = _made(bundle, wanted)
        if not bound:
            why = "; ".join(f"{name}: {reason}" for name, reason in absent.items())
            raise Failure(f"there is nothing to measure; {why}")
        signals = check_signals(*bundle.network.signal)
        times = {batch: _timed(bound, signals, batch, rounds) for batch in BATCHES}
    rows = tuple(
        Row(*key, batch, t.p50, t.p90, 1e6 * batch / t.p50)
        for key in bound
        for batch in BATCHES
        for t in [times[batch][key]]
    )
    return Result(rows, ratios(times), absent, errors, core, known)


Key = tuple[str, str]
"""Engine, network."""


def _made(
    bundle: Bundle, wanted: tuple[str, ...]
) -> tuple[dict[Key, Bind], dict[str, str], dict[str, float], bool]:
    """What binds signals, of each engine and network; what is absent; the errors that were found."""
    nets = networks(bundle)
    signals = check_signals(*bundle.network.signal)
    bound: dict[Key, Bind] = {}
    absent: dict[str, str] = {}
    errors: dict[str, float] = {}
    for name in wanted:
        try:
            for kind in ENGINES[name].nets:
                bound[name, kind] = ENGINES[name].make(nets[kind], bundle)
        except Missing as why:
            absent[name] = str(why)
            bound = {key: bind for key, bind in bound.items() if key[0] != name}
    for (name, kind), bind in bound.items():
        meant = by_torch(nets["dense" if kind == "dense" else "masked"])
        words = f"PyTorch and {name}, {kind}"
        found = prove(meant, _engine(bind), signals, words, remedy="nothing is measured")
        errors[f"{name} {kind}"] = found.error
    if EMPTY[0] in wanted and EMPTY[0] not in absent:
        bound[EMPTY] = nothing(bundle)
    return bound, absent, errors, nets.known


def _engine(bind: Bind) -> Engine:
    return lambda signals: bind(np.asarray(signals))()


def _timed(
    bound: dict[Key, Bind], signals: np.ndarray, batch: int, rounds: int
) -> dict[Key, Times]:
    given = np.ascontiguousarray(signals[SIGNAL : SIGNAL + 1] if batch == 1 else signals[:batch])
    return in_turn({key: bind(given) for key, bind in bound.items()}, rounds)


def ratios(times: dict[int, dict[Key, Times]]) -> dict[str, float]:
    """How many times longer each takes than our C with the pruned network, at each batch; and than our
    C in a loop of C, ONNX Runtime's call of an empty model subtracted."""
    ours, found = ("C", "pruned"), {}
    for batch, of in times.items():
        if ours in of:
            for key, t in of.items():
                if key not in (ours, EMPTY):
                    found[f"{' '.join(key)} / {OURS}, batch {batch}"] = ratio(t, of[ours])
    one, many = times[BATCHES[0]], times[BATCHES[1]]
    dense = (EMPTY[0], "dense")
    if ours in many and dense in one and EMPTY in one:
        alone = one[dense].p50 - one[EMPTY].p50
        each = many[ours].p50 / BATCHES[1]
        found[f"{' '.join(dense)} without its call / {OURS} in a loop of C"] = alone / each
    return found
