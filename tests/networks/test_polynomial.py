"""Networks of one graph convolution: PyTorch Geometric's layers are the oracle; pruned as any other."""

from __future__ import annotations

import pytest
import torch
from making import seeded

from bandstop.data import load
from bandstop.errors import BadInput
from bandstop.job import design
from bandstop.networks import POLYNOMIALS, PolynomialGCN
from bandstop.record import Config
from bandstop.record.record import options

NODES, FEATURES, FILTERS, CLASSES = 5, 6, 7, 3
BONES = [(0, 1), (1, 2), (1, 3)]  # node 4 stands alone
ONE_WAY = torch.tensor(BONES).t()
EDGES = torch.cat([ONE_WAY, ONE_WAY.flip(0)], dim=1)


def network(kind: str) -> PolynomialGCN:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = PolynomialGCN(kind, NODES, BONES, FEATURES, FILTERS, CLASSES)
        torch.nn.init.normal_(net.bias)
    return net


def layer(kind: str, filters: torch.Tensor, bias: torch.Tensor):
    """The layer of PyTorch Geometric with the same weights."""
    nn = pytest.importorskip(
        "torch_geometric.nn", reason="the extra bandstop[pyg] is not installed"
    )
    made = {
        "gcn": lambda: nn.GCNConv(FEATURES, FILTERS),
        "sgc": lambda: nn.SGConv(FEATURES, FILTERS, K=2),
        "cheb": lambda: nn.ChebConv(FEATURES, FILTERS, K=3),
        "arma": lambda: nn.ARMAConv(FEATURES, FILTERS, num_stacks=1, num_layers=1),
    }[kind]()
    with torch.no_grad():
        if kind == "arma":
            made.init_weight[0] = filters[0]
            made.root_weight[0, 0] = filters[1]
            made.bias[0, 0] = bias[None]
            return made
        if kind == "cheb":
            for lin, weight in zip(made.lins, filters, strict=True):
                lin.weight.copy_(weight.t())
        else:
            made.lin.weight.copy_(filters[0].t())
        (made.lin if kind == "sgc" else made).bias.copy_(bias)
    return made


@pytest.mark.parametrize("kind", POLYNOMIALS)
def test_the_convolution_is_that_of_pytorch_geometric(kind):
    net, u = network(kind), torch.randn(4, NODES, FEATURES, generator=seeded(1))
    conv = layer(kind, net.scale * net.filters.detach(), net.bias.detach())
    h = torch.stack([torch.relu(conv(each, EDGES)) for each in u])
    torch.testing.assert_close(net(u), net.dense(h.flatten(1)), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", POLYNOMIALS)
def test_it_is_pruned_delivered_and_compiled(kind, tmp_path):
    data = load("synthetic", "gestures")
    config = Config(
        data="synthetic:gestures", network=kind, rate=0.8, steps=50, batch=32, filters=4, chunks=3
    )
    made = design(config, tmp_path, data)
    result = made.record.result
    assert result["weights_kept"] == round(0.2 * result["weights"])
    assert made.bundle.compile().source.macs > 0


def test_what_was_a_method_once_is_named_as_a_network():
    with pytest.raises(BadInput, match="gcn is a network, not a method; give --network gcn"):
        Config(method="gcn")
    old = options({"method": "gcn"})
    assert (old.network, old.method) == ("gcn", "dense")
