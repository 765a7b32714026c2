"""ONNX Runtime as what a network that came from a file is compared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bandstop.errors import Failure, Missing


def onnx_runtime(path: str | Path) -> Callable[[Sequence[np.ndarray]], list[np.ndarray]]:
    """A model as a function of its inputs, one thread.

    Parameters
    ----------
    path : of the ONNX file

    Returns
    -------
    callable
        Takes arrays with the batch first, in the order of the model's inputs.

    Raises
    ------
    Missing
        Where ONNX Runtime is not installed.
    Failure
        Where it refuses the model.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise Missing(
            "ONNX Runtime is not installed, and no C is written unproven; pip install 'bandstop[onnx]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its errors share no base but Exception
        why = str(error).partition("\n")[0]
        raise Failure(f"ONNX Runtime refuses the model: {why}") from error
    given = session.get_inputs()
    types = {"tensor(double)": np.float64, "tensor(float16)": np.float16}

    def run(inputs: Sequence[np.ndarray]) -> list[np.ndarray]:
        named = {
            i.name: x.astype(types.get(i.type, np.float32))
            for i, x in zip(given, inputs, strict=True)
        }
        return [np.asarray(y) for y in session.run(None, named)]

    return run
