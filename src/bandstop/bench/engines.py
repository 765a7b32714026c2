"""The engines: each takes a network and signals, and gives a function that carries them out once.

Everything that can be done once (compiling, loading, copying the signals) is done before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from bandstop.bundle import Bundle
from bandstop.bundle.nets import Net
from bandstop.compile import compile_native
from bandstop.compile.onnx import Runtime, compile_onnx, copying
from bandstop.errors import Missing

Signals = Float[np.ndarray, "batch node feature"]
Call = Callable[[], np.ndarray]
"""Carries out all signals once; their logits."""
Bind = Callable[[Signals], Call]


@dataclass(frozen=True)
class Engine:
    """make  a network -> what binds signals; Missing where the engine is not installed or does not work
    here. The bundle gives description, normalisation and classes.
    nets  what it is measured with
    """

    make: Callable[[Net, Bundle], Bind]
    nets: tuple[str, ...]


def pytorch(net: Net, bundle: Bundle) -> Bind:
    return _by_tensors(net)


def torch_compile(net: Net, bundle: Bundle) -> Bind:
    try:
        made = torch.compile(net, dynamic=False)
        made(torch.zeros(1, *bundle.network.signal))
    except Exception as error:  # whatever its backend raises
        said = str(error).strip().partition("\n")[0] or type(error).__name__
        raise Missing(f"does not work here: {said[:160]}") from error
    return _by_tensors(made)


def _by_tensors(net: Callable[[torch.Tensor], torch.Tensor]) -> Bind:
    def bind(signals: Signals) -> Call:
        given = torch.from_numpy(signals)

        def call() -> np.ndarray:
            with torch.inference_mode():
                return net(given).numpy()

        return call

    return bind


def onnx_runtime(net: Net, bundle: Bundle) -> Bind:
    runtime = Runtime(_onnx(net, bundle))
    return lambda signals: lambda: runtime(signals)


def openvino(net: Net, bundle: Bundle) -> Bind:
    try:
        import openvino as ov
    except ImportError as error:
        raise Missing("not installed; pip install 'bandstop[openvino]'") from error

    options = {
        "INFERENCE_NUM_THREADS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # else it rounds to bfloat16 where the processor can
    }
    model = ov.Core().read_model(_onnx(net, bundle, sparse=False))

    def bind(signals: Signals) -> Call:
        model.reshape(list(signals.shape))
        request = ov.compile_model(model, "CPU", options).create_infer_request()
        return lambda: np.asarray(request.infer([signals])[0])

    return bind


def compiled(net: Net, bundle: Bundle) -> Bind:
    native = compile_native(net, bundle.description, bundle.normalisation, bundle.classes)

    def bind(signals: Signals) -> Call:
        if len(signals) > 1:
            return lambda: native(signals)
        single = signals[0]  # which has a faster way of its own
        return lambda: native(single)[None]

    return bind


def nothing(bundle: Bundle) -> Bind:
    """ONNX Runtime with a model that only copies its signals: what a call costs by itself."""
    runtime = Runtime(copying(*bundle.network.signal), "copy")
    return lambda signals: lambda: runtime(signals)


def _onnx(net: Net, bundle: Bundle, sparse: bool = True) -> bytes:
    about = bundle.description, bundle.normalisation, bundle.classes
    return compile_onnx(net, *about, sparse=sparse, guarded=False).content


ENGINES: dict[str, Engine] = {
    "PyTorch": Engine(pytorch, ("dense", "masked")),
    "torch.compile": Engine(torch_compile, ("dense", "masked")),
    "ONNX Runtime": Engine(onnx_runtime, ("dense", "pruned")),
    "OpenVINO": Engine(openvino, ("dense", "pruned")),
    "C": Engine(compiled, ("dense", "pruned")),
}
