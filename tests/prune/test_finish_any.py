"""`finish` and `settle` of any network with an example: the budget, a path to every output, less of it."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import bandstop as bs
from bandstop.gate import CoarseToFine, Magnitude, SemiStructured
from bandstop.graph import live, reached, trace

FILE = Path(__file__).parents[2] / "benchmarks" / "foreign_networks.py"
spec = importlib.util.spec_from_file_location("foreign_networks", FILE)
assert spec is not None
assert spec.loader is not None
foreign = importlib.util.module_from_spec(spec)
spec.loader.exec_module(foreign)

BONES, NODES, FRAMES, CLASSES = [(0, 1), (1, 2), (1, 3)], 4, 8, 3
RATES = (0.5, 0.9, 0.98, 0.99)
GROUPS = ("channel", "row", "column")
SPECS = {
    "band-stop": lambda rate: bs.BandStop(rate=rate),
    "magnitude": lambda rate: Magnitude(rate=rate),
    "coarse to fine": lambda rate: CoarseToFine(rate=rate),
    "groups": lambda rate: SemiStructured(rate=rate, levels=GROUPS),
}
FAST = {("tcn", 0.5, "band-stop"), ("stgcn", 0.9, "magnitude"), ("stgcn", 0.99, "band-stop"),
        ("stgcn", 0.9, "groups"), ("tcn", 0.98, "groups"), ("stgcn", 0.9, "coarse to fine"),
        ("agcn", 0.98, "band-stop")}  # fmt: skip
"""The others take some 10 s each."""
CASES = [
    pytest.param(name, rate, kind, marks=() if (name, rate, kind) in FAST else pytest.mark.slow)
    for name in foreign.NETWORKS
    for rate in RATES
    for kind in SPECS
]


def as_trained(model: nn.Module) -> nn.Module:
    """With nothing at exactly its starting value: no 0 in an adjacency, statistics of some data."""
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(0.1 * torch.randn_like(tensor))
        for name, tensor in model.named_buffers():
            if name.endswith("running_var"):
                tensor.copy_(torch.rand_like(tensor) + 0.5)
            elif name.endswith("running_mean"):
                tensor.copy_(torch.randn_like(tensor))
    return model


def settled(model: nn.Module, gates, example) -> dict[str, Tensor]:
    gates.update(1.0)
    return bs.prune.settle(model, gates, example)


def kept(masks: dict[str, Tensor]) -> int:
    return sum(int(m.sum()) for m in masks.values())


def require_small(
    model: nn.Module, small: nn.Module, *shapes: tuple[int, ...], dtype=torch.float32
):
    """The same for other batches, within 1e-5."""
    model.eval()
    for batch in (1, 2, 5):
        inputs = [torch.randn(batch, *shape, dtype=dtype) for shape in shapes]
        with torch.no_grad():
            there, now = model(*inputs), small(*inputs)
        assert now.dtype == there.dtype == dtype
        assert now.shape == there.shape
        assert (there - now).abs().max() <= 1e-5 * there.abs().max()


@pytest.mark.parametrize(("name", "rate", "kind"), CASES)
@pytest.mark.filterwarnings("ignore::bandstop.gate.GateWarning")
def test_a_foreign_network_meets_its_budget_lives_and_is_made_smaller(name, rate, kind):
    model = as_trained(foreign.NETWORKS[name](NODES, BONES, CLASSES))
    x = torch.randn(2, 3, FRAMES, NODES)
    gates = bs.gate.attach(model, SPECS[kind](rate))
    total = sum(torch.Size(s).numel() for s in gates.shapes.values())
    masks = settled(model, gates, x)
    budget = round((1 - rate) * total)
    if kind == "groups":
        assert 0 < kept(masks) <= budget
    else:
        assert kept(masks) == budget
    small = bs.prune.finish(model, gates, example=x)
    graph = trace(model, x)
    assert all(r.all() for r in reached(graph, masks).values())
    alive = live(graph, masks)
    assert all(torch.equal(alive[n], masks[n]) for n in masks)
    require_small(model, small, (3, FRAMES, NODES))
    gained = sum(t.numel() for n, t in small.tensors.items() if n.endswith(".constant"))
    whole = sum(t.numel() for t in model.state_dict().values())
    assert sum(t.numel() for t in small.tensors.values()) - gained < whole


class Two(nn.Module):
    """Two inputs, a tied weight, and a layer that is not used."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.unused = nn.Linear(6, 8), nn.Linear(5, 8), nn.Linear(4, 4)
        self.middle, self.again, self.last = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 3)
        self.again.weight = self.middle.weight

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z = torch.tanh(self.one(x)) * torch.sigmoid(self.other(y))
        return self.last(torch.relu(self.again(torch.tanh(self.middle(z)))))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_two_inputs_a_tied_weight_and_one_that_is_not_used(dtype):
    model, example = (
        Two().to(dtype),
        (torch.randn(4, 6, dtype=dtype), torch.randn(4, 5, dtype=dtype)),
    )
    gates = bs.gate.attach(model, bs.BandStop(rate=0.5))
    total = 6 * 8 + 5 * 8 + 16 + 8 * 8 + 8 * 3
    masks = settled(model, gates, example)
    assert kept(masks) == round(total / 2)
    assert not masks["unused.weight"].any()
    small = bs.prune.finish(model, gates, example=example)
    require_small(model, small, (6,), (5,), dtype=dtype)
    assert model.again.weight is model.middle.weight
    assert all(p.dtype == dtype for p in small.parameters())


def a_network(*last: nn.Module) -> nn.Module:
    return nn.Sequential(
        nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 4), *last
    )


def test_exempt_tensors_stay_whole():
    model, x = a_network(), torch.randn(3, 6)
    gates = bs.gate.attach(model, bs.BandStop(rate=0.8, exempt=("4.weight",)))
    masks = settled(model, gates, x)
    assert masks["4.weight"].all()
    assert kept(masks) == round(0.2 * (120 + 400 + 80))
    require_small(model, bs.prune.finish(model, gates, example=x), (6,))


@pytest.mark.filterwarnings("ignore::bandstop.gate.GateWarning")
def test_each_tensor_keeps_its_own_rate():
    model, x = a_network(), torch.randn(3, 6)
    gates = bs.gate.attach(model, bs.BandStop(rate=0.8, scope="layer"))
    masks = settled(model, gates, x)
    assert [int(m.sum()) for m in masks.values()] == [24, 80, 16]


def test_the_small_network_trains_on_and_is_saved():
    model, x = a_network(), torch.randn(8, 6)
    gates = bs.gate.attach(model, bs.BandStop(rate=0.8))
    settled(model, gates, x)
    small = bs.prune.finish(model, gates, example=x)
    before = {n: t.clone() for n, t in small.state_dict().items()}
    optimiser = torch.optim.SGD(small.parameters(), lr=0.1)
    small(x).square().mean().backward()
    optimiser.step()
    assert any(not torch.equal(t, before[n]) for n, t in small.state_dict().items())
    small.load_state_dict(before)
    require_small(model, small, (6,))


def test_finish_alone_settles_and_leaves_the_mode_as_it_was():
    model, x = a_network(nn.Dropout(0.5)), torch.randn(3, 6)
    gates = bs.gate.attach(model, bs.BandStop(rate=0.8))
    small = bs.prune.finish(model.train(), gates, example=x)
    assert model.training
    assert sum(int((p != 0).sum()) for p in model.parameters() if p.ndim > 1) == 120
    require_small(model, small, (6,))


def test_a_module_whose_output_hears_nothing_of_its_input_is_refused():
    class Deaf(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(6, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(torch.ones(len(x), 6))

    model = Deaf()
    gates = bs.gate.attach(model, bs.BandStop(rate=0.5))
    before = model.layer.weight.clone()
    with pytest.raises(bs.BadInput, match="can reach"):
        bs.prune.finish(model, gates, example=torch.randn(3, 6))
    assert torch.equal(model.layer.weight, before)


@pytest.mark.parametrize("kind", ["band-stop", "groups"])
def test_a_budget_below_the_paths_is_refused_with_both_figures(kind):
    model = nn.Sequential(nn.Linear(40, 10), nn.ReLU(), nn.Linear(10, 10))
    gates = bs.gate.attach(model, SPECS[kind](0.99))
    with pytest.raises(bs.BadInput, match=r"budget unreachable: 5 .*\b[1-9]\d\b"):
        bs.prune.settle(model, gates, torch.randn(3, 40))
    assert not gates.settled


def test_a_network_that_cannot_be_followed_is_left_alone():
    model = a_network(nn.Softplus())
    gates = bs.gate.attach(model, bs.BandStop(rate=0.5))
    with pytest.raises(bs.BadInput, match="softplus in 5"):
        bs.prune.finish(model, gates, example=torch.randn(3, 6))
    assert not gates.settled
    bs.prune.finish(model, gates)


def test_a_small_network_that_is_off_is_never_handed_out(monkeypatch):
    """A fault planted in the compaction."""
    inside = vars(sys.modules["bandstop.prune.finish"])
    shrink = inside["shrink"]

    def off(graph):
        small = shrink(graph)
        return small.with_tensors({n: t * 1.001 for n, t in small.tensors.items()})

    monkeypatch.setitem(inside, "shrink", off)
    model = a_network()
    gates = bs.gate.attach(model, bs.BandStop(rate=0.5))
    with pytest.raises(bs.Failure, match="off the whole one"):
        bs.prune.finish(model, gates, example=torch.randn(3, 6))


def test_a_graph_that_is_not_the_model_is_never_handed_out(monkeypatch):
    """A fault planted in the reading: ReLU is read as the identity."""
    readers = trace.__globals__["READERS"]
    monkeypatch.setitem(readers, "relu", readers["clone"])
    model = a_network()
    gates = bs.gate.attach(model, bs.BandStop(rate=0.5))
    with pytest.raises(bs.Failure, match="off the whole one"):
        bs.prune.finish(model, gates, example=torch.randn(3, 6))
