"""Tensors of somebody else's network share a budget whatever their scales, at the start and later."""

from __future__ import annotations

import copy
import math
import warnings

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import MODELS, model, seeded
from torch import Tensor, nn

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.gate import BandStop, GateWarning, Ladder, Magnitude, SemiStructured
from bandstop.gate.balance import FLOOR, ranks
from bandstop.prune import finish, settle

KINDS = {
    "band-stop": BandStop,
    "band-stop, prior": lambda rate, **o: BandStop(rate=rate, threshold="prior", **o),
    "magnitude": Magnitude,
    "ladder": lambda rate, **o: Ladder(rate=rate, seen=(rate / 2, rate), **o),
    "semi-structured, entries": lambda rate, **o: SemiStructured(rate=rate, levels=("entry",), **o),
}
EXACT = [kind for kind in KINDS if "prior" not in kind]


class Bag(nn.Module):
    """Tensors and nothing else."""

    def __init__(self, tensors: list[Tensor]) -> None:
        super().__init__()
        self.tensors = nn.ParameterList([nn.Parameter(t.clone()) for t in tensors])


FILLS = {
    "spread": lambda size, rng: torch.randn(size, generator=rng),
    "uniform": lambda size, rng: torch.rand(size, generator=rng) - 0.5,
    "constant": lambda size, rng: torch.ones(size),
    "all but constant": lambda size, rng: 1 + 1e-4 * torch.randn(size, generator=rng),
    "few large": lambda size, rng: torch.randn(size, generator=rng) ** 9,
    "one": lambda size, rng: torch.eye(size[0], size[1]) + 1e-9,
    "mostly zero": lambda size, rng: torch.randn(size, generator=rng).relu() + torch.eye(*size),
}


@st.composite
def bags(draw: st.DrawFn) -> list[Tensor]:
    """Two to five tensors of any sizes, distributions and scales."""
    made = []
    for _ in range(draw(st.integers(2, 5))):
        size = (draw(st.integers(2, 12)), draw(st.integers(2, 12)))
        fill = FILLS[draw(st.sampled_from(list(FILLS)))]
        made.append(
            2.0 ** draw(st.integers(-20, 20)) * fill(size, seeded(draw(st.integers(0, 99))))
        )
    return made


def attached(spec: gate.GateSpec, tensors: list[Tensor]) -> tuple[nn.Module, gate.Gates]:
    net = Bag(tensors)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GateWarning)
        return net, gate.attach(net, spec)


def finished(net: nn.Module, gates: gate.Gates) -> dict[str, Tensor]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GateWarning)
        return finish(net, gates)


def open_now(gates: gate.Gates) -> dict[str, Tensor]:
    return {name: g.gate.hard_mask(g.latent) for name, g in gates.tensors.items()}


@pytest.mark.parametrize("kind", KINDS)
@given(bags(), st.data())
def test_a_factor_on_a_tensor_changes_nothing_neither_in_training_nor_at_the_end(
    kind, tensors, data
):
    factors = [2.0 ** data.draw(st.integers(-20, 20)) for _ in tensors]
    spec = KINDS[kind](rate=0.6)
    net, gates = attached(spec, tensors)
    other, scaled = attached(spec, tensors)
    with torch.no_grad():
        for tensor, factor in zip(gate.prunable(other).values(), factors, strict=True):
            tensor.mul_(factor)
    for progress in (0.2, 1.0):
        gates.update(progress)
        scaled.update(progress)
        one, two = open_now(gates), open_now(scaled)
        assert all(torch.equal(one[n], two[n]) for n in one)
    one, two = finished(net, gates), finished(other, scaled)
    assert all(torch.equal(one[n], two[n]) for n in one)


@pytest.mark.parametrize("kind", KINDS)
@given(bags(), st.floats(0.3, 0.7), st.floats(0, 1))
def test_no_tensor_falls_below_its_floor_neither_in_training_nor_at_the_end(
    kind, tensors, rate, progress
):
    net, gates = attached(KINDS[kind](rate=rate), tensors)
    (share,) = gates.shares
    gates.update(progress)
    open_ = share.total - round((share.total - share.keep) * gates.spec.ramp(progress))
    sizes = {name: g.latent.numel() for name, g in gates.tensors.items()}
    for name, mask in open_now(gates).items():
        if kind != "ladder":  # its ramp ends earlier
            least = max(1, round(FLOOR * sizes[name] * open_ / share.total))
            assert int(mask.sum()) >= min(sizes[name], least)
    masks = finished(net, gates)
    assert sum(int(m.sum()) for m in masks.values()) == share.keep
    whole = sum(max(1, round(FLOOR * size * share.keep / share.total)) for size in sizes.values())
    if whole <= share.keep:
        for name, mask in masks.items():
            assert int(mask.sum()) >= round(FLOOR * sizes[name] * share.keep / share.total)
    assert all(m.any() for m in masks.values())


@pytest.mark.parametrize("kind", EXACT)
def test_what_is_open_when_training_ends_is_what_stays(kind):
    tensors = [torch.randn(20, 9), 1e-6 * torch.rand(25, 25), 30 * torch.randn(6, 5) ** 3]
    net, gates = attached(KINDS[kind](rate=0.8), tensors)
    gates.update(1.0)
    last = open_now(gates)
    masks = finished(net, gates)
    assert all(torch.equal(last[n], masks[n]) for n in masks)


@given(st.integers(1, 60), st.integers(0, 60), st.integers(0, 99))
def test_ranks_rise_with_the_energy_and_the_first_come_before_all_others(size, first, seed):
    energy = torch.randn(1, size, generator=seeded(seed)).square()
    order = energy[0].argsort()
    rank = ranks(energy, [first])[0][order]
    assert (rank.diff() > 0).all()
    assert int((rank >= 1).sum()) == max(min(first, size), 1)
    assert rank[-1] == 1 + (first > 0)


def test_the_unit_follows_what_training_makes_of_a_tensor():
    net, gates = attached(BandStop(rate=0.5), [1e-6 * torch.ones(25, 25), torch.randn(8, 8)])
    with torch.no_grad():
        net.tensors.parametrizations["0"].original.copy_(torch.randn(25, 25))
    gates.update(0.1)
    first = next(iter(gates.tensors.values()))
    assert float(first.gate.scale) == pytest.approx(
        float(first.latent.detach().square().mean().sqrt())
    )


def test_latents_of_unit_variance_share_one_threshold_and_keep_their_unit():
    _, gates = attached(BandStop(rate=0.5, scale="unit"), [torch.randn(9, 9), torch.rand(9, 9)])
    gates.update(1.0)
    assert len({float(g.gate.threshold) for g in gates.tensors.values()}) == 1
    assert {float(g.gate.scale) for g in gates.tensors.values()} == {1.0}


@pytest.mark.parametrize("name", MODELS)
def test_exempt_tensors_and_those_with_a_rate_of_their_own_take_no_part(name):
    net, _ = model(name)
    tensors = gate.prunable(net)
    if len(tensors) < 3:
        return
    first, second, *_ = tensors
    size = tensors[second].numel()
    gates = gate.attach(net, BandStop(rate=0.4, exempt=(first,), rates={second: 0.5}))
    gates.update(1.0)
    masks = finish(net, gates)
    assert masks[first].all()
    assert int(masks[second].sum()) == round(0.5 * size)


# --- what attach and finish say -------------------------------------------------------------------


ODD = {
    "ones": torch.ones(25, 25),
    "the same everywhere": torch.full((3, 25, 25), 1e-6),
    "all but the same": 1 + 1e-5 * torch.randn(5, 5),
    "tiny": torch.empty(25, 25).uniform_(-1e-6, 1e-6),
    "huge": 1e4 * torch.randn(6, 4),
}


@pytest.mark.parametrize("kind", ODD)
def test_attach_names_a_tensor_that_starts_constant_or_far_out_of_scale(kind):
    net = nn.ParameterDict({"odd": nn.Parameter(ODD[kind]), "usual": nn.Parameter(torch.eye(9))})
    with pytest.warns(GateWarning, match="start constant or far out of scale: `odd`") as said:
        gate.attach(net, BandStop(rate=0.5))
    assert len(said) == 1
    assert "usual`" not in str(said[0].message)
    assert "\n" not in str(said[0].message)


USUAL = {
    "linear": lambda: nn.Linear(64, 5),
    "convolution": lambda: nn.Conv2d(3, 64, (9, 1)),
    "depthwise": lambda: nn.Conv1d(32, 32, 9, groups=32),
    "transposed": lambda: nn.ConvTranspose1d(8, 16, 4),
    "recurrent": lambda: nn.GRU(30, 128),
    "attention": lambda: nn.MultiheadAttention(64, 4),
    "embedding": lambda: nn.Embedding(100, 256),
    "graph": lambda: nn.ParameterDict({"a": nn.Parameter(torch.eye(25).repeat(3, 1, 1))}),
    "positions": lambda: nn.ParameterDict({"a": nn.Parameter(0.02 * torch.randn(1, 64, 96))}),
}


@pytest.mark.parametrize("kind", USUAL)
def test_attach_has_nothing_to_say_about_usual_layers(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gate.attach(USUAL[kind](), BandStop(rate=0.5))


def test_attach_says_nothing_where_latents_are_said_to_have_unit_variance():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gate.attach(Bag([torch.ones(5, 5)]), BandStop(rate=0.5, scale="unit"))


@pytest.mark.parametrize("act", [settle, finish])
def test_tensors_down_to_under_1_percent_are_named_where_the_masks_are_chosen(act):
    net, gates = attached(BandStop(rate=0.994), [torch.randn(90, 90), torch.randn(3, 4)])
    with pytest.warns(GateWarning, match=r"under 1 % .*`tensors\.0` \(\d+ of 8100\)") as said:
        act(net, gates)
    assert "tensors.1" not in str(said[0].message)


# --- the final masks while training goes on -------------------------------------------------------


@pytest.mark.parametrize("kind", gate.SPECS)
@pytest.mark.parametrize("name", MODELS)
def test_after_settling_updates_change_nothing_and_finish_bakes_the_same_masks(kind, name):
    net, x = model(name)
    rate = {"rate": 0.5, **({"seen": (0.25, 0.5)} if kind == "ladder" else {})}
    gates = gate.attach(net, gate.SPECS[kind](**rate))
    gates.update(0.6)
    masks = settle(net, gates)
    assert gates.settled
    expected = net(x)
    gates.update(0.9)
    assert torch.equal(net(x), expected)
    assert all(torch.equal(m, masks[n]) for n, m in settle(net, gates).items())
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    net(x).square().mean().backward()
    optimiser.step()
    trained = net(x)
    final = finish(net, gates)
    assert torch.equal(net(x), trained)
    assert all(torch.equal(final[n], masks[n]) for n in masks)
    assert all((t[~masks[n]] == 0).all() for n, t in gate.prunable(net).items())


def test_a_settled_model_and_its_gates_can_be_copied_together_and_not_apart():
    net, x = model("nested")
    gates = gate.attach(net, BandStop(rate=0.5))
    settle(net, gates)
    expected = net(x)
    twin, twins_gates = copy.deepcopy((net, gates))
    with pytest.raises(BadInput, match="not this model's"):
        finish(twin, gates)
    finish(twin, twins_gates)
    assert torch.equal(twin(x), expected)


def test_latents_keep_their_unit_when_the_masks_are_settled():
    net, gates = attached(BandStop(rate=0.5), [1e-4 * torch.randn(9, 9), 30 * torch.randn(8, 8)])
    gates.update(0.7)
    before = {name: v.detach().clone() for name, v in gates.latents.items()}
    settle(net, gates)
    assert all(torch.allclose(v, before[name]) for name, v in gates.latents.items())


def test_a_step_number_is_refused_after_settling_too():
    net, _ = model("nested")
    gates = gate.attach(net, BandStop(rate=0.5))
    settle(net, gates)
    with pytest.raises(BadInput, match="part of the training"):
        gates.update(75)


def test_exempt_tensors_stay_whole_when_settled():
    net, _ = model("nested")
    first, *_ = gate.prunable(net)
    gates = gate.attach(net, BandStop(rate=0.5, exempt=(first,)))
    before = gate.prunable(net)[first].detach().clone()
    assert settle(net, gates)[first].all()
    finish(net, gates)
    assert torch.equal(gate.prunable(net)[first], before)
    assert math.isclose(float((before != 0).float().mean()), 1)
