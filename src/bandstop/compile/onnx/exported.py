"""The model of a network that is a graph, by torch's own exporter."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from bandstop.compile.onnx.model import onnx_package
from bandstop.graph import GraphNet
from bandstop.graph.limits import largest_input


class Answering(nn.Module):
    """Logits and probabilities; NaN where a signal is beyond what nothing overflows with.

    Parameters
    ----------
    net : signals to logits
    reach : the largest signal; None: any
    """

    def __init__(self, net: GraphNet, reach: float | None) -> None:
        super().__init__()
        self.net, self.reach = net, reach

    def forward(self, signal: Tensor) -> tuple[Tensor, Tensor]:
        logits = self.net(signal)
        assert isinstance(logits, Tensor)
        if self.reach is not None:
            refused = torch.where(signal.abs() <= self.reach, 0.0, torch.nan)
            logits = logits + refused.sum((1, 2))[:, None]
        return logits, logits.softmax(1)


def exported(net: GraphNet, name: str, facts: Mapping[str, str], guarded: bool = True) -> bytes:
    """The file's content.

    Parameters
    ----------
    net : in eval mode
    name : of the model
    facts : key -> value, kept as the model's metadata
    guarded : whether signals that are too large give NaN

    Returns
    -------
    bytes
        A model that takes any batch of `signal` and gives `logits` and `probabilities`.
    """
    onnx = onnx_package()
    content, (shape,) = io.BytesIO(), net.graph.inputs.values()
    whole = Answering(net, largest_input(net.graph_now) if guarded else None)
    names = ("logits", "probabilities")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        torch.onnx.export(
            whole, (torch.zeros(3, *shape[1:]),), content,  # type: ignore[arg-type]
            dynamo=False, input_names=["signal"],
            output_names=list(names), dynamic_axes={n: {0: "batch"} for n in ("signal", *names)},
        )  # fmt: skip
    made = onnx.load_from_string(content.getvalue())
    made.graph.name = name
    onnx.helper.set_model_props(made, dict(facts))
    return bytes(made.SerializeToString())
