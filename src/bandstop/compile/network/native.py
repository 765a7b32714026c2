"""The generated C of a graph as a function of NumPy arrays: built, loaded, called."""

from __future__ import annotations

import ctypes
import threading

import numpy as np

from bandstop.compile.build import Compiler, find_compiler
from bandstop.compile.cache import loaded, shared_library
from bandstop.compile.network.emit import NetworkSource
from bandstop.errors import BadInput


class NetworkNative:
    """`native(x)` gives the outputs for one sample, without the batch; safe to share between threads.

    Parameters
    ----------
    made : the generated file
    compiler : which; default: the one that is found

    Raises
    ------
    Missing
        Where there is no C compiler.
    Failure
        Where it refuses the file.
    """

    def __init__(self, made: NetworkSource, compiler: Compiler | None = None) -> None:
        self.made = made
        files = {f"{made.name}.c": made.source, f"{made.name}.h": made.header}
        self.path = shared_library(files, compiler or find_compiler())
        self._run = loaded(self.path)[f"{made.name}_run"]
        self._run.restype = None
        self._run.argtypes = [ctypes.c_void_p] * (len(made.inputs) + len(made.outputs) + 1)
        self._in = [np.zeros(shape, np.float32) for shape in made.inputs]
        self._out = [np.zeros(shape, np.float32) for shape in made.outputs]
        memory = np.zeros(made.scratch + 64, np.uint8)
        start = -memory.ctypes.data % 64
        self._scratch = memory[start : start + made.scratch]
        every: list[np.ndarray] = [*self._in, *self._out, self._scratch]
        self._arguments = tuple(a.ctypes.data for a in every)
        self._lock = threading.Lock()

    def __call__(self, *inputs: np.ndarray) -> np.ndarray | tuple[np.ndarray, ...]:
        """The output, or a tuple of several. Errors: BadInput for shapes that are not the network's."""
        shapes = tuple(np.shape(x) for x in inputs)
        if shapes != self.made.inputs:
            raise BadInput(f"the network takes {self.made.inputs}, not {shapes}")
        with self._lock:
            for mine, x in zip(self._in, inputs, strict=True):
                mine[...] = x
            self._run(*self._arguments)
            found = tuple(out.copy() for out in self._out)
        return found[0] if len(found) == 1 else found
