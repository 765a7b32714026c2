"""An ONNX model carried out by ONNX Runtime, one thread."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from bandstop.errors import Failure, Missing


class Runtime:
    """`runtime(signals)` gives logits of a batch; `both` gives probabilities as well.

    output  what calls give
    Errors: Missing where onnxruntime is not installed, Failure where it refuses the model.
    """

    def __init__(self, content: bytes, output: str = "logits") -> None:
        self.outputs = (output,)
        try:
            import onnxruntime
        except ImportError as error:
            raise Missing(
                "ONNX Runtime is not installed, and no ONNX file is written unproven; "
                "pip install 'bandstop[onnx]'"
            ) from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self.session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its errors share no base but Exception
            raise Failure(
                f"ONNX Runtime refuses the model: {str(error).partition(chr(10))[0]}; please report "
                "this with the bundle"
            ) from error

    def both(
        self, signals: Float[np.ndarray, "batch node feature"]
    ) -> tuple[Float[np.ndarray, "batch class"], Float[np.ndarray, "batch class"]]:
        """Logits and probabilities."""
        logits, probabilities = self.session.run(None, {"signal": signals})
        return logits, probabilities

    def __call__(
        self, signals: Float[np.ndarray, "batch node feature"]
    ) -> Float[np.ndarray, "batch class"]:
        found: np.ndarray = self.session.run(self.outputs, {"signal": signals})[0]
        return found
