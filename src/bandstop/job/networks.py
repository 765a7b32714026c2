"""What is trained: the network that the options name, at its seeded start."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bandstop.data.sequence import Dataset
from bandstop.job.batches import stream
from bandstop.job.task import Task, description_of, network_shape
from bandstop.networks import NETWORKS, POLYNOMIALS, FromSignal, PolynomialGCN
from bandstop.nn import AttentionGCN, Network
from bandstop.record import Config


def new_network(task: Task, device: torch.device) -> Network:
    """The network at its seeded start: ours, or the one that a method is to be compared with."""
    generator = torch.Generator().manual_seed(stream(task.config.seed, -1))
    return network_of(task.config, task.dataset, generator).to(device)


def network_of(
    config: Config, dataset: Dataset, generator: torch.Generator | None = None
) -> Network:
    """The network that the options ask for on these recordings.

    Parameters
    ----------
    config, dataset : the run
    generator : of its first weights; default: torch's own stream

    Returns
    -------
    Network
        Reads normalised signals (batch, node, feature).
    """
    if config.network in NETWORKS:
        return _seeded(lambda: temporal(config, dataset), generator)
    if config.network in POLYNOMIALS:
        return _seeded(lambda: polynomial(config, dataset), generator)
    return AttentionGCN(network_shape(config, dataset), generator)


def temporal(config: Config, dataset: Dataset) -> FromSignal:
    """A network that reads frames, of torch's own random stream."""
    skeleton = dataset.skeleton
    persons = skeleton.bodies if config.bodies == "apart" else 1
    nodes = skeleton.nodes // persons
    bones = [(a, b) for a, b in skeleton.node_bones if b < nodes]
    net = NETWORKS[config.network](
        nodes, bones, len(dataset.classes), config.channels, persons, config.block_widths
    )
    return FromSignal(net, persons, config.frames)


def polynomial(config: Config, dataset: Dataset) -> PolynomialGCN:
    """A network of one convolution on the skeleton, of torch's own random stream."""
    skeleton = dataset.skeleton
    nodes, features = description_of(config, skeleton).size
    return PolynomialGCN(
        config.network, nodes, skeleton.node_bones, features, config.filters, len(dataset.classes)
    )


def example_of(config: Config, dataset: Dataset) -> Tensor:
    """A signal of zeros, of the shape that the network reads, with the batch first."""
    return torch.zeros(1, *description_of(config, dataset.skeleton).size)


def _seeded(make: Callable[[], nn.Module], generator: torch.Generator | None) -> nn.Module:
    """What `make` gives when torch's global stream starts from the generator."""
    if generator is None:
        return make()
    seed = int(torch.randint(2**31, (1,), generator=generator))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return make()
