"""Dense networks on a given graph, from PyTorch Geometric's layers: what the papers compare theirs with.

    h = relu( conv(U) ),   logits = D h + d

conv a graph convolution on fixed edges, D a dense layer over all filters at all nodes, as in
`AttentionGCN`: the same signal, the same width, the same head. Every weight is a unit-variance latent
times the spread of its layer's own start, as in `AttentionGCN`, so that one learning rate means the
same. PyTorch Geometric is imported when a network is made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bandstop.errors import BadInput
from bandstop.nn.attention_gcn import Shape


@dataclass(frozen=True)
class Convolution:
    """A layer of PyTorch Geometric.

    make  (its module, features, filters) -> the layer
    macs  (nodes, edges both ways, features, filters) -> multiply-accumulates of it for one sequence
    """

    make: Callable[[Any, int, int], nn.Module]
    macs: Callable[[int, int, int, int], int]


CONVOLUTIONS: dict[str, Convolution] = {
    "gcn": Convolution(
        lambda pyg, s, f: pyg.GCNConv(s, f),
        lambda n, e, s, f: n * s * f + (e + n) * f,
    ),
    "arma": Convolution(
        lambda pyg, s, f: pyg.ARMAConv(s, f, num_stacks=1, num_layers=1),
        lambda n, e, s, f: 2 * n * s * f + e * f,
    ),
    "sgc": Convolution(
        lambda pyg, s, f: pyg.SGConv(s, f, K=2),
        lambda n, e, s, f: 2 * (e + n) * s + n * s * f,
    ),
    "cheb": Convolution(
        lambda pyg, s, f: pyg.ChebConv(s, f, K=3),
        lambda n, e, s, f: 2 * (e + n) * s + 3 * n * s * f,
    ),
}
"""Name -> layer; hops and stacks are our choice. MACs are counted as the layer computes: a weight of the
normalised adjacency works once for each of the columns that it mixes."""


def geometric() -> Any:
    """PyTorch Geometric's layers. Errors: BadInput naming the extra where it is not installed."""
    try:
        import torch_geometric.nn
    except ImportError as error:
        raise BadInput(
            f"{', '.join(CONVOLUTIONS)} need PyTorch Geometric: pip install 'bandstop[pyg]'"
        ) from error
    return torch_geometric.nn


class Scaled(nn.Module):
    """w = c * latent, with c the spread that the layer started with."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.c = float(weight.detach().square().mean().sqrt())

    def forward(self, latent: Tensor) -> Tensor:
        return self.c * latent

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight / self.c


class GraphGCN(nn.Module):
    """See the module's words.

    kind   a key of CONVOLUTIONS
    edges  (2, edges): from, to; both ways where the graph is undirected
    Errors: BadInput for another kind, or where the extra is missing.
    """

    edges: Tensor

    def __init__(
        self,
        kind: str,
        shape: Shape,
        edges: Int[Tensor, "two edge"],
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.shape, self.kind = shape, kind
        layers = geometric()
        seed = int(torch.randint(2**31, (1,), generator=generator))
        with torch.random.fork_rng(devices=[]):  # these layers start from the global stream
            torch.manual_seed(seed)
            self.conv = CONVOLUTIONS[kind].make(layers, shape.features, shape.filters)
            self.dense = nn.Linear(shape.filters * shape.nodes, shape.classes)
        self.register_buffer("edges", edges)
        for module in [*self.modules()]:
            for name, weight in [*module.named_parameters(recurse=False)]:
                if weight.dim() >= 2 and "bias" not in name:
                    parametrize.register_parametrization(module, name, Scaled(weight))

    @property
    def weights(self) -> int:
        """Weights without biases, as `Shape.weights` counts them."""
        return sum(p.numel() for name, p in self.named_parameters() if name.endswith("original"))

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one sequence: the layer and the dense layer."""
        s, edges = self.shape, self.edges.shape[1]
        layer = CONVOLUTIONS[self.kind].macs(s.nodes, edges, s.features, s.filters)
        return layer + s.nodes * s.filters * s.classes

    def forward(self, signal: Float[Tensor, "batch node feature"]) -> Float[Tensor, "batch class"]:
        h = torch.relu(self.conv(signal, self.edges))
        return self.dense(h.flatten(1))
