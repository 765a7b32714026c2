"""One graph convolution on the skeleton and a dense layer: GCN, SGC, Chebyshev and ARMA networks.

    h = relu( sum_k P_k U W_k + b ),   logits = D h + d

U a signal (nodes x features), P_k fixed matrices of the skeleton's graph, in the size and with the head of
`nn.AttentionGCN`. With A the bones both ways, D its degrees, L = -D^(-1/2) A D^(-1/2) and S the same mean
over neighbours with each node among its own,

| network | P_k | source |
|---|---|---|
| gcn  | S | Kipf and Welling, arXiv 1609.02907 |
| sgc  | S^2 | Wu et al., arXiv 1902.07153 |
| cheb | I, L, 2 L^2 - I | Defferrard et al., arXiv 1606.09375, three terms |
| arma | -L, I | Bianchi et al., arXiv 1901.01343, one stack of one step |
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from bandstop.networks.blocks import Bones, Dense


def neighbours(nodes: int, bones: Bones, loops: bool) -> Tensor:
    """D^(-1/2) A D^(-1/2) of the bones both ways.

    Parameters
    ----------
    nodes : how many
    bones : pairs of nodes
    loops : whether every node is its own neighbour

    Returns
    -------
    Tensor of shape (node, node)
        Rows of nodes without a neighbour are 0.
    """
    graph = torch.eye(nodes) if loops else torch.zeros(nodes, nodes)
    for one, other in bones:
        graph[one, other] = graph[other, one] = 1.0
    degree = graph.sum(1)
    scale = torch.where(degree > 0, degree, torch.inf).rsqrt()
    return scale[:, None] * graph * scale


def _gcn(nodes: int, bones: Bones) -> list[Tensor]:
    return [neighbours(nodes, bones, loops=True)]


def _sgc(nodes: int, bones: Bones) -> list[Tensor]:
    mean = neighbours(nodes, bones, loops=True)
    return [mean @ mean]


def _cheb(nodes: int, bones: Bones) -> list[Tensor]:
    one, laplacian = torch.eye(nodes), -neighbours(nodes, bones, loops=False)
    return [one, laplacian, 2 * laplacian @ laplacian - one]


def _arma(nodes: int, bones: Bones) -> list[Tensor]:
    return [neighbours(nodes, bones, loops=False), torch.eye(nodes)]


POLYNOMIALS: dict[str, Callable[[int, Bones], list[Tensor]]] = {
    "gcn": _gcn,
    "sgc": _sgc,
    "cheb": _cheb,
    "arma": _arma,
}
"""Network -> its matrices P_k, of nodes and bones."""


class PolynomialGCN(nn.Module):
    """See the module's words.

    Parameters
    ----------
    kind : a key of POLYNOMIALS
    nodes, bones : the skeleton's
    features : of a node
    filters : of the convolution
    classes : how many
    """

    powers: Tensor

    def __init__(
        self, kind: str, nodes: int, bones: Bones, features: int, filters: int, classes: int
    ) -> None:
        super().__init__()
        self.register_buffer("powers", torch.stack(POLYNOMIALS[kind](nodes, bones)))
        self.filters = nn.Parameter(torch.randn(len(self.powers), features, filters))
        self.scale = (2.0 / (features * len(self.powers))) ** 0.5
        self.bias = nn.Parameter(torch.zeros(filters))
        self.dense = Dense(nodes * filters, classes)

    def forward(self, signal: Tensor) -> Tensor:
        """(batch, node, feature) -> (batch, class)."""
        mixed = torch.einsum("kvw,nwf->nkvf", self.powers, signal)
        h = torch.einsum("nkvf,kfo->nvo", mixed, self.scale * self.filters)
        return self.dense(torch.relu(h + self.bias).flatten(1))
