"""The dense networks that ours are compared with: what they compute, what they cost, where they stop."""

from __future__ import annotations

import builtins
from dataclasses import replace

import pytest
import torch
from making import seeded

from bandstop.data import load
from bandstop.errors import BadInput
from bandstop.job import design, is_finished
from bandstop.method import METHODS
from bandstop.nn import Shape
from bandstop.nn.graph_gcn import CONVOLUTIONS, GraphGCN, geometric
from bandstop.record import WHOLE, Config
from bandstop.report import draw_all
from bandstop.sweep import Table, expand, sweep

SHAPE = Shape(heads=1, nodes=5, features=6, filters=7, classes=3)
ONE_WAY = torch.tensor([[0, 1, 1], [1, 2, 3]])
EDGES = torch.cat([ONE_WAY, ONE_WAY.flip(0)], dim=1)  # node 4 stands alone


@pytest.fixture
def without_extra(monkeypatch) -> None:
    real = builtins.__import__

    def refuse(name, *rest, **more):
        if name.startswith("torch_geometric"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)


def network(kind: str) -> GraphGCN:
    return GraphGCN(kind, SHAPE, EDGES, seeded(0))


@pytest.fixture(autouse=True)
def _extra(request) -> None:
    if "without_extra" not in request.fixturenames:
        pytest.importorskip("torch_geometric", reason="the extra bandstop[pyg] is not installed")


def adjacency(loops: bool) -> torch.Tensor:
    a = torch.zeros(5, 5)
    a[EDGES[1], EDGES[0]] = 1
    a += torch.eye(5) if loops else 0
    scale = a.sum(dim=1).clamp(min=1e-12).rsqrt() * (a.sum(dim=1) > 0)
    return scale[:, None] * a * scale


def test_gcn_is_the_symmetric_mean_over_neighbours_of_the_filtered_signal():
    net, u = network("gcn"), torch.randn(4, 5, 6, generator=seeded(1))
    h = torch.relu(adjacency(True) @ (u @ net.conv.lin.weight.t()) + net.conv.bias)
    assert torch.allclose(net(u), net.dense(h.flatten(1)), atol=1e-5)


def test_sgc_is_two_hops_and_one_product():
    net, u = network("sgc"), torch.randn(4, 5, 6, generator=seeded(1))
    a = adjacency(True)
    assert torch.allclose(
        net(u), net.dense(torch.relu(net.conv.lin(a @ a @ u)).flatten(1)), atol=1e-5
    )


def test_cheb_is_three_polynomials_of_the_scaled_laplacian():
    net, u = network("cheb"), torch.randn(4, 5, 6, generator=seeded(1))
    laplacian = -adjacency(False)
    laplacian[4, 4] = 0.0
    ts = [u, laplacian @ u]
    ts.append(2 * laplacian @ ts[1] - u)
    h = sum(lin(t) for lin, t in zip(net.conv.lins, ts, strict=True)) + net.conv.bias
    assert torch.allclose(net(u)[:, :], net.dense(torch.relu(h).flatten(1)), atol=1e-4)


def test_arma_is_one_step_from_the_signal_with_a_skip_of_it():
    net, u = network("arma"), torch.randn(4, 5, 6, generator=seeded(1))
    conv = net.conv
    step = adjacency(False) @ (u @ conv.init_weight[0])
    h = torch.relu(step + u @ conv.root_weight[0, 0] + conv.bias[0, 0])
    assert torch.allclose(net(u), net.dense(torch.relu(h).flatten(1)), atol=1e-5)


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_the_same_seed_gives_the_same_network_and_leaves_the_global_stream_alone(kind):
    before = torch.get_rng_state()
    one, other = network(kind), network(kind)
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_every_weight_is_a_latent_of_unit_variance(kind):
    latents = [p for name, p in network(kind).named_parameters() if name.endswith("original")]
    assert sum(p.numel() for p in latents) == network(kind).weights
    assert all(p.square().mean().item() == pytest.approx(1, abs=1e-4) for p in latents)


@pytest.mark.parametrize(
    ("kind", "macs"), [("gcn", 287), ("sgc", 342), ("arma", 462), ("cheb", 762)]
)
def test_macs_of_the_layers_by_hand(kind, macs):
    assert network(kind).macs == macs + 5 * 7 * 3


@pytest.mark.parametrize("kind", CONVOLUTIONS)
def test_a_run_delivers_a_record_and_no_bundle_and_is_finished_then(kind, tmp_path):
    data = load("synthetic", "gestures")
    base = Config(data="synthetic:gestures", steps=10, batch=32, heads=1, filters=4, chunks=3)
    config = replace(base, method=kind)
    made = design(config, tmp_path, data)
    assert made.bundle is None
    assert is_finished(made.folder)
    assert not made.folder.bundle.exists()
    assert made.record.result["rate"] == made.record.options.rate == 0
    assert made.record.result["weights"] > 0
    again = design(config, tmp_path, data)
    assert again.record == made.record
    with pytest.raises(BadInput, match="delivers no bundle"):
        _ = again.model
    names = {path.stem for path in draw_all(made.record, made.folder.figures)}
    assert names == {"training", "confusion"}


def test_a_table_of_dense_networks_makes_each_once_a_fold_and_seed(tmp_path):
    data = load("synthetic", "gestures")
    base = Config(data="synthetic:gestures", steps=10, batch=32, heads=1, filters=4, chunks=3)
    plan = expand(base, Table(("dense", "gcn"), (0.5, 0.9), ("1", "2"), (0,)), data)
    assert len(plan.rest) == 2
    done = sweep(plan, data, tmp_path, jobs=1, stack=8)
    assert done.failed == ()
    assert len(done.records) == 4


def test_the_methods_that_remove_nothing_are_listed():
    assert set(WHOLE) == {name for name, method in METHODS.items() if method.cut is None}
    assert {m.network for m in METHODS.values()} - {None} == set(CONVOLUTIONS)


def test_without_the_extra_it_is_named_before_any_training(without_extra, tmp_path):
    with pytest.raises(BadInput, match=r"pip install 'bandstop\[pyg\]'"):
        geometric()
    with pytest.raises(BadInput, match=r"bandstop\[pyg\]"):
        design(Config(method="gcn", data="synthetic:gestures"), tmp_path)
    assert not list(tmp_path.iterdir())
