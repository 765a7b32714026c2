"""How large the network of a run is, and what memory a training step of it takes."""

from __future__ import annotations

import os

import torch
from torch import Tensor, nn

from bandstop import gate
from bandstop.data.sequence import Dataset
from bandstop.errors import BadInput
from bandstop.job.networks import example_of, network_of
from bandstop.job.task import network_shape
from bandstop.nn import Shape
from bandstop.record import Config


def weights_of(config: Config, dataset: Dataset) -> int:
    """Prunable weights of the network that the options ask for.

    Parameters
    ----------
    config, dataset : the run
    """
    if config.closed:
        return network_shape(config, dataset).weights
    with torch.device("meta"):
        net = network_of(config, dataset).to("meta")
    return sum(t.numel() for t in gate.prunable(net).values())


def bytes_of_a_step(config: Config, dataset: Dataset, batch: int) -> int:
    """About how much memory a training step takes: weights, gradients and two moments, and for each product
    its result and that result's gradient, all float32.

    Parameters
    ----------
    config, dataset : the run
    batch : sequences in a step
    """
    if config.closed:
        return _attention_bytes(network_shape(config, dataset), batch)
    with torch.device("meta"):
        net, x = network_of(config, dataset).to("meta"), example_of(config, dataset)
    return 4 * (4 * weights_of(config, dataset) + 2 * _results(net, x) * batch)


def _attention_bytes(shape: Shape, batch: int) -> int:
    mixed = shape.features * shape.heads * shape.outputs * batch
    hidden = shape.channels * shape.outputs * batch
    return 4 * (4 * shape.weights + 2 * mixed + 4 * hidden)


def _results(net: nn.Module, example: Tensor) -> int:
    """Numbers that all modules of a network make of one sample."""
    made = []
    for module in net.modules():
        module.register_forward_hook(lambda _, __, out: made.append(out.numel()))
    with torch.no_grad():
        net.eval()(example)
    return sum(made)


def require_memory(config: Config, dataset: Dataset, batch: int) -> None:
    """Refuse a training step that cannot fit into this machine's memory, before it is filled.

    Parameters
    ----------
    config, dataset : the run
    batch : sequences in a step

    Raises
    ------
    BadInput
        With what it needs and what there is.
    """
    has = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    needs = bytes_of_a_step(config, dataset, batch)
    if needs > has:
        sizes = "widths, frames" if config.temporal else "filters, chunks"
        raise BadInput(
            f"a training step of this network needs about {needs / 2**30:.0f} GiB, and this machine has "
            f"{has / 2**30:.0f} GiB; lower {sizes} or batch"
        )
