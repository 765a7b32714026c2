"""No export without proof: the network as it was trained and the file that was made, on check signals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from bandstop.compile.interpret import run
from bandstop.compile.ir import Graph
from bandstop.compile.native import Native
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.errors import Failure

TOLERANCE = 1e-5
INT8_TOLERANCE = 0.1
"""Of logits with rounded weights, on noise; what it means for accuracy only recordings can tell."""
COUNT = 64

Logits = Float[np.ndarray, "case class"]
Cases = Sequence[np.ndarray] | np.ndarray
Engine = Callable[[Cases], Logits]


@dataclass(frozen=True)
class Proof:
    """What was compared: the largest relative error of the logits, and over how many cases."""

    error: float
    cases: int
    words: str

    def __str__(self) -> str:
        return f"{self.words}: relative error {self.error:.1e} over {self.cases} cases"


def check_signals(nodes: int, features: int, count: int = COUNT) -> Float[np.ndarray, "b n f"]:
    """Normalised signals look like these: of unit variance; one of them large and one small."""
    made = np.random.default_rng(0).normal(size=(count, nodes, features)).astype(np.float32)
    made[0] *= 10
    made[1] *= 0.1
    return made


def check_frames(description: Description, normalisation: Normalisation) -> list[np.ndarray]:
    """Random walks of a few durations, about as large as what the network was trained on."""
    return [walk(description, normalisation, count) for count in (2, 3, 7, 16, 45)]


def walk(description: Description, normalisation: Normalisation, frames: int) -> np.ndarray:
    """A random walk of every node; where the skeleton has several bodies, the last is absent for a while."""
    random, skeleton = np.random.default_rng(frames), description.skeleton
    std = float(normalisation.std[0])
    made = std * random.normal(size=(frames, skeleton.nodes, 3)).cumsum(0)
    if skeleton.bodies > 1:
        made[frames // 3 : frames // 2, -len(skeleton.joints) :] = 0
    return made.astype(np.float32)


def by_torch(net: torch.nn.Module) -> Engine:
    def engine(signals: Cases) -> Logits:
        with torch.no_grad():
            return net(torch.from_numpy(np.asarray(signals))).numpy()

    return engine


def by_signal(graph: Graph) -> Engine:
    return lambda signals: np.stack([run(graph, "signal", s)["logits"] for s in signals])


def by_frames(graph: Graph) -> Engine:
    return lambda takes: np.stack([run(graph, "frames", t)["logits"] for t in takes])


def by_native(native: Native) -> Engine:
    return lambda signals: native(np.asarray(signals))


def native_frames(native: Native) -> Engine:
    return lambda takes: np.stack([native.frames(t).logits for t in takes])


def prove(
    one: Engine,
    other: Engine,
    cases: Cases,
    words: str,
    tolerance: float = TOLERANCE,
    remedy: str = "the file is not written; please report this with the bundle",
) -> Proof:
    """max |a - b| / max |a| <= tolerance, and the same class wherever the two best logits are further
    apart than that. Errors: Failure, and nothing is written."""
    expected, found = (np.asarray(engine(cases), dtype=np.float64) for engine in (one, other))
    scale = max(float(np.abs(expected).max()), 1e-12)
    error = float(np.abs(found - expected).max() / scale)
    ranked = np.sort(expected, axis=1)
    margin = ranked[:, -1] - ranked[:, -2] if expected.shape[1] > 1 else np.zeros(len(expected))
    clear = margin > 2 * tolerance * scale
    other_class = (found.argmax(1) != expected.argmax(1)) & clear
    if not error <= tolerance or other_class.any():
        raise Failure(
            f"{words} disagree: relative error {error:.2e} (at most {tolerance:g}), another class for "
            f"{int(other_class.sum())} of {len(cases)} cases; {remedy}"
        )
    return Proof(error, len(cases), words)
