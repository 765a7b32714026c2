"""The generated C as a predictor for NumPy arrays: built, loaded, called.

The call goes through ctypes with everything prepared: the arguments are whole numbers made once, the
signal is copied into memory that is kept, so that a call costs about a microsecond.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from bandstop.compile.build import Compiler, find_compiler
from bandstop.compile.c import CSource
from bandstop.compile.cache import loaded, shared_library
from bandstop.errors import BadInput

BATCH = r"""
#include "$name.h"
#include <stddef.h>
void bandstop_batch(const float *signals, size_t count, void *scratch, float *logits);
void bandstop_batch(const float *signals, size_t count, void *scratch, float *logits)
{
    for (size_t i = 0; i < count; i++)
        ${name}_logits(signals + i * $NAME_NODES * $NAME_FEATURES, scratch, logits + i * $NAME_CLASSES);
}
"""


class CodeError(BadInput):
    """A recording that the compiled network refuses; `code` is what its C function returned."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


SENTENCES = {
    -1: "the recording holds NaN or infinite coordinates, or overflows; repair or drop those frames",
    -2: "the recording has fewer than 2 frames; record it again",
    -3: "the recording has another number of nodes than the network reads",
}


@dataclass(frozen=True)
class Answer:
    """logits and probabilities in the order of the classes, and the most probable class."""

    label: int
    logits: np.ndarray
    probabilities: np.ndarray


class Native:
    """`native(signal)` gives logits as the network does, for one signal or a batch of them; `frames`
    answers for raw frames. Safe to share between threads: calls take turns."""

    def __init__(self, made: CSource, path: Path, shape: tuple[int, int], classes: tuple[str, ...]):
        self.source, self.path, self.shape, self.classes = made, path, shape, classes
        self._library = library = loaded(path)
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        self._logits = library[f"{made.name}_logits"]
        self._logits.argtypes, self._logits.restype = (pointer, pointer, pointer), None
        self._batch = library["bandstop_batch"]
        self._batch.argtypes, self._batch.restype = (pointer, size, pointer, pointer), None
        self._frames = library[f"{made.name}_from_frames"]
        self._frames.argtypes = (pointer, size, size, pointer, size, pointer)
        self._frames.restype = ctypes.c_int
        self._scratch = np.zeros(made.scratch, dtype=np.uint8)
        self._in = np.zeros(shape, dtype=np.float32)
        self._out = np.zeros(len(classes), dtype=np.float32)
        self._arguments = (
            self._in.ctypes.data, self._scratch.ctypes.data, self._out.ctypes.data
        )  # fmt: skip
        self._lock = threading.Lock()

    def __call__(
        self, signal: Float[np.ndarray, "*batch node feature"]
    ) -> Float[np.ndarray, "*batch class"]:
        """Logits of a normalised signal, or of a batch, or of lists of numbers. Errors: BadInput for
        another size, or what are no numbers."""
        if not isinstance(signal, np.ndarray):
            signal = _floats(signal)
        if signal.shape == self.shape:
            with self._lock:
                try:
                    self._in[...] = signal
                except (TypeError, ValueError) as error:
                    raise _no_numbers(error) from error
                self._logits(*self._arguments)
                return self._out.copy()
        if signal.ndim != 3 or signal.shape[1:] != self.shape:
            raise BadInput(
                f"the network wants signals of {self.shape[0]} nodes x {self.shape[1]} features, not "
                f"{tuple(signal.shape)}; describe the recording with the network's own chunks"
            )
        signals = _floats(signal)
        out = np.empty((len(signals), len(self.classes)), dtype=np.float32)
        with self._lock:
            self._batch(
                signals.ctypes.data, len(signals), self._scratch.ctypes.data, out.ctypes.data
            )
        return out

    def frames(self, positions: Float[np.ndarray, "frame node xyz"]) -> Answer:
        """Raw frames -> answer. Errors: CodeError, a BadInput."""
        frames = _floats(positions)
        if frames.ndim != 3 or frames.shape[2] != 3:
            raise BadInput(f"positions must be (frames, nodes, 3), not {frames.shape}")
        count = len(self.classes)
        answer = np.zeros(2 * count + 1, dtype=np.float32)
        with self._lock:
            code = self._frames(
                frames.ctypes.data, len(frames), frames.shape[1], self._scratch.ctypes.data,
                self._scratch.nbytes, answer.ctypes.data,
            )  # fmt: skip
        if code:
            raise CodeError(code, SENTENCES.get(code, f"the compiled network returned {code}"))
        label = int(answer[2 * count :].view(np.int32)[0])
        return Answer(label, answer[:count].copy(), answer[count : 2 * count].copy())


def _floats(values: ArrayLike) -> np.ndarray:
    """As C reads them. Errors: BadInput for what are no numbers, or rows of several lengths."""
    try:
        return np.ascontiguousarray(values, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise _no_numbers(error) from error


def _no_numbers(error: Exception) -> BadInput:
    return BadInput(f"signals and frames are arrays of numbers: {error}")


def native_of(
    made: CSource,
    shape: tuple[int, int],
    classes: tuple[str, ...],
    compiler: Compiler | None = None,
) -> Native:
    """Compile (or take from the cache), load, prepare."""
    binding = BATCH.replace("${name}", made.name).replace("$name", made.name)
    files = {
        f"{made.name}.c": made.source,
        f"{made.name}.h": made.header,
        "binding.c": binding.replace("$NAME", made.name.upper()),
    }
    path = shared_library(files, compiler or find_compiler())
    return Native(made, path, shape, classes)
