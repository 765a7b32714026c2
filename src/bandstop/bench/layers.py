"""What each layer of a bundle costs: weights, groups gone, MACs, bytes, storage, share of the time."""

from __future__ import annotations

import ctypes
import statistics
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bandstop.bench.networks import first_shape
from bandstop.bench.turns import one_thread
from bandstop.bundle import Bundle
from bandstop.bundle.export import compiled
from bandstop.compile.c import CSource, Layer
from bandstop.compile.cache import loaded, shared_library
from bandstop.compile.proof import check_signals, walk
from bandstop.errors import Failure
from bandstop.nn import CompactGCN, Shape

TENSORS = {
    "attention": ("attention",),
    "filters": ("filters",),
    "dense": ("dense",),
    "filters, dense": ("filters", "dense"),
    "products": ("attention", "filters"),
    "network": ("network",),
}
"""The weights that each layer of the C file carries out; others carry out none."""

GROUPS = {
    "attention": ("heads", "outputs", "nodes"),
    "filters": ("heads", "features", "filters"),
    "dense": ("channels", "outputs"),
}
"""The axes of each tensor, as the shape calls them."""

FRAMES = 60
"""Of the recording that is timed: two seconds."""

STEPS = r"""
#include "source.h"
void bandstop_step(int step, int times, const float *frames, const float *signal, void *scratch,
                   float *logits, void *answer);
void bandstop_step(int step, int times, const float *frames, const float *signal, void *scratch,
                   float *logits, void *answer)
{
    float *memory = aligned(scratch);
    for (int i = 0; i < times; i++) {
        __asm__ volatile("" ::: "memory");
        switch (step) {
$cases
        }
    }
}
"""
"""What an answer takes one by one; the compiler may not move it out of the loop."""


@dataclass(frozen=True)
class LayerRow:
    """weights  left and of all
    groups   name -> (gone, of all), only those of which any are gone
    us       of one call, for a recording of FRAMES frames; share: of all of them
    """

    layer: str
    weights: tuple[int, int]
    groups: dict[str, tuple[int, int]]
    macs: int
    bytes: int
    ram: int
    storage: str
    us: float
    share: float


@dataclass(frozen=True)
class Inspected:
    rows: tuple[LayerRow, ...]
    flash: int
    scratch: int
    macs: int
    us: float
    frames: int
    known: bool

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def inspect(bundle: Bundle) -> Inspected:
    """Compile, prove, and measure layer by layer. Errors: Failure where there is no C compiler."""
    made, _ = compiled(bundle, "net", "bandstop inspect")
    net = bundle.net
    if isinstance(net, CompactGCN):
        before, known = first_shape(net, bundle.facts)
        kept = {n: int((w != 0).sum()) for n, w in net.net.weights().items()}
        sizes = {name: a * b * c for name, (a, b, c) in before.tensors.items()}
    else:
        known, total = True, sum(t.numel() for t in net.tensors.values())
        kept, sizes = {"network": bundle.sizes["weights_kept"]}, {"network": total}
    layers = (*made.layers, Layer("probabilities", "", 0, 0, 0))
    spent = step_times(made, bundle)
    if len(spent) != len(layers):
        raise Failure("inspect: layers and calls of the file differ; please report this")
    rows = []
    for layer, us in zip(layers, spent, strict=True):
        own = TENSORS.get(layer.name, ())
        weights = sum(kept[t] for t in own), sum(sizes[t] for t in own)
        groups = {}
        if isinstance(net, CompactGCN):
            groups = {g: pair for t in own for g, pair in gone(t, net.shape, before).items()}
        rows.append(
            LayerRow(layer.name, weights, groups, layer.macs, layer.flash, layer.ram,
                     layer.storage, us, us / sum(spent))
        )  # fmt: skip
    return Inspected(tuple(rows), made.flash, made.scratch, made.macs, sum(spent), FRAMES, known)


def gone(tensor: str, small: Shape, before: Shape) -> dict[str, tuple[int, int]]:
    """Groups of a tensor that are no longer there.

    >>> gone("filters", Shape(2, 5, 3, 4, 2), Shape(2, 5, 4, 8, 2))
    {'features': (1, 4), 'filters': (4, 8)}
    """
    pairs = {
        g: (getattr(before, g) - getattr(small, g), getattr(before, g)) for g in GROUPS[tensor]
    }
    return {g: pair for g, pair in pairs.items() if pair[0]}


def step_times(made: CSource, bundle: Bundle, rounds: int = 51) -> list[float]:
    """Microseconds from frames to signal, of each call of the network, and of the probabilities, in turn
    on one core; medians."""
    calls = [
        f"signal_of(frames, {FRAMES}, 0, memory);",
        *made.calls,
        f"answer_of(logits, ({made.name}_answer *)answer);",
    ]
    cases = "\n".join(f"        case {i}: {call} break;" for i, call in enumerate(calls))
    library = shared_library(
        {
            f"{made.name}.h": made.header,
            "source.h": made.source,
            "steps.c": STEPS.replace("$cases", cases),
        }
    )
    step = loaded(library).bandstop_step
    step.argtypes = (ctypes.c_int, ctypes.c_int, *[ctypes.c_void_p] * 5)
    step.restype = None
    frames = walk(bundle.description, bundle.normalisation, FRAMES)
    signal = check_signals(*bundle.network.signal)[2]
    scratch = np.zeros(made.scratch, dtype=np.uint8)
    classes = len(bundle.classes)
    logits, answer = (np.zeros(n, dtype=np.float32) for n in (classes, 2 * classes + 1))
    given = [np.ascontiguousarray(each) for each in (frames, signal, scratch, logits, answer)]
    places = [each.ctypes.data for each in given]
    times: list[list[float]] = [[] for _ in calls]
    with one_thread():
        for _ in range(rounds):
            for i, each in enumerate(times):
                step(i, 1, *places)
                start = time.perf_counter()
                step(i, 200, *places)
                each.append(1e6 * (time.perf_counter() - start) / 200)
    return [statistics.median(t) for t in times]
