"""What every gate promises on every model: the papers' network and ordinary torch modules alike."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from functools import partial

import pytest
import torch
from making import MODELS, model
from torch import nn
from torch.nn.utils import parametrize

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.gate import (
    PRIORS,
    SPECS,
    BandStop,
    CoarseToFine,
    GateSpec,
    Ladder,
    SemiStructured,
)
from bandstop.gate.base import Gate
from bandstop.gate.gated import FixedMask
from bandstop.gate.groups import COARSE
from bandstop.objective.alignment import quantiles
from bandstop.prune import finish

DEVICES = [
    "cpu",
    pytest.param(
        "cuda",
        marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here"),
    ),
]
RATES = [0.0, 0.5, 0.9]


def ladder(rate: float, **options) -> Ladder:
    """Of the rate and half of it."""
    return Ladder(rate=rate, seen=(rate / 2, rate) if rate else (rate,), **options)


KINDS: dict[str, Callable[..., GateSpec]] = {
    **SPECS,
    "ladder": ladder,
    "coarse-to-fine, symmetric": partial(CoarseToFine, psi="symmetric"),
    "coarse-to-fine, groups": partial(CoarseToFine, levels=COARSE),
    "semi-structured, groups": partial(SemiStructured, levels=COARSE),
    "semi-structured, entries": partial(SemiStructured, levels=("entry",)),
}
BY_MAGNITUDE = ("band-stop", "ladder", "magnitude", "fixed mask", "semi-structured, entries")
EXACT = ("band-stop", "ladder", "magnitude", "semi-structured, entries")
"""Kinds that meet the budget to the weight while they train."""
HELD = (
    "coarse-to-fine", "coarse-to-fine, groups", "semi-structured", "semi-structured, groups",
)  # fmt: skip
"""Kinds whose groups pass no gradient: tests/gate/test_levels.py says what theirs is."""


class Bearer(nn.Module):
    """A module that is one tensor."""

    def __init__(self, latent: torch.Tensor) -> None:
        super().__init__()
        self.weight = nn.Parameter(latent.detach().clone())


def one_gate(kind: str, like: torch.Tensor) -> Gate:
    """A gate of a kind, at work, for a tensor such as `like`."""
    bearer = Bearer(like)
    put(kind, bearer)
    (gated,) = gate.gated_tensors(bearer)
    return gated.gate


GATES = [*KINDS, "fixed mask"]


def put(kind: str, target: nn.Module, rate: float = 0.5) -> None:
    """Bear gates of one kind, at work."""
    if kind == "fixed mask":
        gate.fix(target, some_masks(target, 1 - rate))
    else:
        smallest = min(t.numel() for t in gate.prunable(target).values())
        rate = 0.0 if smallest == 1 else rate
        gate.attach(target, KINDS[kind](rate=rate)).update(0.3)


def some_masks(target: nn.Module, keep: float = 0.5) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    return {
        name: (torch.rand(t.shape, generator=generator) < keep).to(t.device)
        for name, t in gate.prunable(target).items()
    }


def train_a_step(target: nn.Module, optimiser: torch.optim.Optimizer, x: torch.Tensor) -> None:
    optimiser.zero_grad()
    target(x).square().mean().backward()
    optimiser.step()


# --- one gate alone ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 4), (1, 1)])
@pytest.mark.parametrize("device", DEVICES)
def test_a_gate_keeps_shape_type_device_and_sign_and_no_weight_grows(kind, dtype, shape, device):
    latent = torch.randn(shape, dtype=dtype, device=device)
    made = one_gate(kind, latent)
    weight = made(latent)
    assert (weight.shape, weight.dtype, weight.device) == (latent.shape, dtype, latent.device)
    assert (weight * latent >= 0).all()
    assert (weight.abs() <= latent.abs()).all()
    mask = made.hard_mask(latent)
    assert mask.dtype == torch.bool
    assert mask.shape == latent.shape
    assert ((made.mask(latent) >= 0) & (made.mask(latent) <= 1)).all()


@pytest.mark.parametrize("kind", [kind for kind in GATES if kind not in HELD])
def test_a_gates_gradient_is_that_of_finite_differences(kind):
    latent = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
    made = one_gate(kind, latent)
    assert torch.autograd.gradcheck(made, latent)


@pytest.mark.parametrize("kind", BY_MAGNITUDE)
def test_scores_order_weights_by_magnitude(kind):
    latent = torch.randn(20, 2, requires_grad=True)
    scores = one_gate(kind, latent).scores(latent)
    by_magnitude = scores.flatten()[latent.detach().abs().flatten().argsort()]
    assert (by_magnitude.diff() >= 0).all()


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("shape", [(4, 5), (2, 3, 4), (3, 2, 2, 2)])
def test_scores_are_finite_not_negative_and_carry_no_gradient(kind, shape):
    latent = torch.randn(shape, requires_grad=True)
    scores = one_gate(kind, latent).scores(latent)
    assert scores.shape == latent.shape
    assert not scores.requires_grad
    assert (scores.isfinite() & (scores >= 0)).all()


@pytest.mark.parametrize("kind", GATES)
def test_stacked_along_an_axis_of_runs_every_gate_is_each_runs_own(kind):
    latents = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    gates = [one_gate(kind, latent) for latent in latents]
    parameters, buffers = torch.func.stack_module_state(gates)

    def one(state, latent):
        return torch.func.functional_call(gates[0], state, (latent,))

    stacked = torch.func.vmap(one)(parameters | buffers, latents)
    alone = torch.stack([made(latent) for made, latent in zip(gates, latents, strict=True)])
    assert torch.allclose(stacked, alone, atol=1e-6)


def test_a_fixed_mask_holds_only_0_and_1_and_has_its_tensors_shape():
    like = torch.randn(2, 3)
    with pytest.raises(BadInput, match="only 0 and 1"):
        FixedMask(torch.full((2, 3), 0.5), like)
    with pytest.raises(BadInput, match=r"shape \(2, 3\), not \(3, 2\)"):
        FixedMask(torch.ones(3, 2), like)


# --- on every model ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("device", DEVICES)
def test_detaching_gives_the_very_same_parameters_and_values_back(kind, name, device):
    net, x = model(name)
    net, x = net.to(device), x.to(device)
    before = dict(net.named_parameters(remove_duplicate=False))
    values = {n: p.detach().clone() for n, p in before.items()}
    expected = net(x)
    put(kind, net)
    assert not torch.equal(net(x), expected)
    gate.detach(net)
    after = dict(net.named_parameters(remove_duplicate=False))
    assert after.keys() == before.keys()
    assert all(after[n] is before[n] for n in before)
    assert all(torch.equal(after[n], values[n]) for n in before)
    assert not any(parametrize.is_parametrized(m) for m in net.modules())
    assert torch.equal(net(x), expected)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("name", MODELS)
def test_the_state_dict_carries_the_gates_so_another_model_computes_the_same(kind, name):
    (one, x), (other, _) = model(name, 0), model(name, 1)
    put(kind, one, 0.7)
    put(kind, other, 0.2)
    assert not torch.equal(one(x), other(x))
    other.load_state_dict(one.state_dict())
    assert torch.equal(one(x), other(x))


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("name", MODELS)
def test_a_deep_copy_computes_the_same_and_shares_nothing(kind, name):
    net, x = model(name)
    put(kind, net)
    twin = copy.deepcopy(net)
    expected = net(x)
    assert torch.equal(twin(x), expected)
    with torch.no_grad():
        for g in gate.gated_tensors(twin):
            g.latent.mul_(3)
    assert torch.equal(net(x), expected)
    assert not torch.equal(twin(x), expected)


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("name", MODELS)
def test_in_double_precision_it_stays_in_double_precision(kind, name):
    net, x = model(name)
    put(kind, net)
    single = net(x)
    net = net.double()
    double = net(x.double())
    assert double.dtype == torch.float64
    assert torch.allclose(single.double(), double, atol=1e-4)
    gate.bake(net)
    assert all(p.dtype == torch.float64 for p in net.parameters())


@pytest.mark.parametrize("kind", GATES)
@pytest.mark.parametrize("name", MODELS)
def test_baking_leaves_exactly_the_masked_function_and_an_ordinary_module(kind, name):
    (net, x), (plain, _) = model(name), model(name)
    put(kind, net)
    masks = {g.name: g.gate.hard_mask(g.latent) for g in gate.gated_tensors(net)}
    assert any(not m.all() for m in masks.values())
    gate.bake(net)
    with torch.no_grad():
        for tensor, of in gate.prunable(plain).items():
            of.mul_(masks[tensor])
    assert torch.equal(net(x), plain(x))
    assert net.state_dict().keys() == plain.state_dict().keys()
    assert type(net) is type(plain)


@pytest.mark.parametrize("name", MODELS)
def test_a_baked_model_can_be_pickled_and_saved(name):
    net, x = model(name)
    put("band-stop", net)
    gate.bake(net)
    assert torch.equal(pickle.loads(pickle.dumps(net))(x), net(x))
    file = io.BytesIO()
    torch.save(net, file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=False)(x), net(x))


@pytest.mark.parametrize("name", MODELS)
def test_given_masks_are_what_is_baked(name):
    net, _ = model(name)
    masks = some_masks(net)
    put("band-stop", net)
    latents = {n: t.detach().clone() for n, t in gate.prunable(net).items()}
    gate.bake(net, masks)
    after = gate.prunable(net)
    assert all(torch.equal(after[n], latents[n] * masks[n]) for n in masks)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("optimiser", [torch.optim.SGD, torch.optim.Adam])
def test_an_optimiser_made_before_the_gates_goes_on_through_every_change(name, optimiser):
    net, x = model(name)
    made = optimiser(net.parameters(), lr=0.05)
    held = {id(p) for group in made.param_groups for p in group["params"]}

    def steps_change_the_latents() -> bool:
        before = {n: t.detach().clone() for n, t in gate.prunable(net).items()}
        train_a_step(net, made, x)
        after = gate.prunable(net)
        return all(id(t) in held and not torch.equal(t, before[n]) for n, t in after.items())

    gates = gate.attach(net, BandStop(rate=0.5))
    gates.update(0.3)
    assert steps_change_the_latents()
    gate.fix(net, some_masks(net))
    assert steps_change_the_latents()
    gate.detach(net)
    assert steps_change_the_latents()


@pytest.mark.parametrize("name", MODELS)
def test_with_fixed_masks_what_is_removed_gets_no_gradient(name):
    net, x = model(name)
    masks = some_masks(net)
    gate.fix(net, masks)
    net(x).square().mean().backward()
    for n, latent in gate.prunable(net).items():
        assert (latent.grad[~masks[n]] == 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_gates_are_not_put_on_gates(name):
    net, x = model(name)
    put("band-stop", net)
    before = net(x)
    with pytest.raises(BadInput, match="bears gates already"):
        gate.attach(net, BandStop(rate=0.5))
    assert torch.equal(net(x), before)


@pytest.mark.parametrize("name", MODELS)
def test_gating_does_not_change_what_is_prunable_or_its_names(name):
    net, _ = model(name)
    before = gate.prunable(net)
    put("band-stop", net)
    during = gate.prunable(net)
    assert during.keys() == before.keys()
    assert all(during[n] is before[n] for n in before)
    assert all(t.dim() >= 2 for t in before.values())
    assert len({id(t) for t in before.values()}) == len(before)


@pytest.mark.parametrize("name", [n for n in MODELS if n not in ("linear", "conv1d")])
@pytest.mark.parametrize("device", DEVICES)
def test_exempt_tensors_bear_no_gate_keep_their_weights_and_are_counted(name, device):
    net, _ = model(name)
    net = net.to(device)
    last = min(gate.prunable(net), key=lambda n: gate.prunable(net)[n].numel())
    whole = gate.prunable(net)[last].detach().clone()
    total = sum(t.numel() for t in gate.prunable(net).values())
    gates = gate.attach(net, BandStop(rate=0.4, exempt=(last,)))
    gates.update(1.0)
    assert last not in gates.tensors
    assert gates.observed_rate() == pytest.approx(1 - round(0.6 * total) / total, abs=1e-12)
    gate.bake(net)
    assert torch.equal(gate.prunable(net)[last], whole)


@pytest.mark.parametrize("kind", KINDS)
def test_where_everything_is_exempt_nothing_bears_a_gate_and_nothing_is_removed(kind):
    net, x = model("nested")
    expected = net(x)
    gates = gate.attach(net, KINDS[kind](rate=0.0, exempt=("*",)))
    gates.update(0.5)
    assert gates.observed_rate() == 0
    assert torch.equal(net(x), expected)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("rate", [0.0, 0.9])
def test_networks_of_every_precision_are_updated_and_end_in_the_budget(kind, dtype, rate):
    net, _ = model("nested")
    gates = gate.attach(net.to(dtype), KINDS[kind](rate=rate))
    for progress in (0.0, 0.4, 1.0):
        gates.update(progress)
    masks = finish(net, gates)
    kept, asked = sum(int(m.sum()) for m in masks.values()), round((1 - rate) * 108)
    assert kept <= asked if gates.spec.whole_groups else kept == asked
    assert all(m.any() for m in masks.values())
    assert {t.dtype for t in gate.prunable(net).values()} == {dtype}


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("device", DEVICES)
def test_at_the_end_the_empirical_threshold_meets_the_budget_to_the_weight(
    kind, name, rate, scope, device
):
    net, _ = model(name)
    net = net.to(device)
    total = sum(t.numel() for t in gate.prunable(net).values())
    gates = gate.attach(net, KINDS[kind](rate=rate, scope=scope))
    gates.update(1.0)
    assert gates.observed_rate() == pytest.approx(1 - round((1 - rate) * total) / total, abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_during_the_warmup_the_rate_follows_the_ramp(name):
    net, _ = model(name)
    total = sum(t.numel() for t in gate.prunable(net).values())
    gates = gate.attach(net, BandStop(rate=0.8, warmup=0.5))
    removed = total - round(0.2 * total)
    for progress in (0.0, 0.1, 0.25, 0.5, 0.9):
        gates.update(progress)
        asked = round(removed * gates.spec.ramp(progress)) / total
        assert gates.observed_rate() == pytest.approx(asked, abs=1e-12)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("rate", [0.5, 0.9])
def test_the_priors_threshold_gives_the_rate_when_the_latents_lie_on_the_prior(name, prior, rate):
    net, _ = model(name)
    tensors = gate.prunable(net)
    total = sum(t.numel() for t in tensors.values())
    order = torch.randperm(total, generator=torch.Generator().manual_seed(0))
    laid = (
        quantiles(PRIORS[prior], total)[order].float().split([t.numel() for t in tensors.values()])
    )
    with torch.no_grad():
        for tensor, values in zip(tensors.values(), laid, strict=True):
            tensor.copy_(values.view_as(tensor))
    gates = gate.attach(net, BandStop(rate=rate, prior=prior, threshold="prior", scale="unit"))
    gates.update(1.0)
    # the prior is symmetric, so weights come and go in pairs: one more or less than asked for
    asked = total - round((1 - rate) * total)
    assert abs(gates.observed_rate() - asked / total) <= 1 / total + 1e-9


@pytest.mark.parametrize("name", MODELS)
def test_by_default_latents_are_measured_in_their_own_root_mean_square(name):
    net, _ = model(name)
    rms = {n: float(t.detach().square().mean().sqrt()) for n, t in gate.prunable(net).items()}
    gates = gate.attach(net, BandStop(rate=0.5))
    for n, g in gates.tensors.items():
        assert float(g.gate.scale) == pytest.approx(rms[n])
        assert float(gates.latents[n].detach().square().mean()) == pytest.approx(1, rel=1e-5)
        assert gates.latents[n].requires_grad


def test_one_threshold_treats_layers_of_different_sizes_of_weights_alike():
    net = nn.Sequential(nn.Linear(20, 20), nn.Linear(20, 20))
    with torch.no_grad():
        net[1].weight.mul_(1000)
    gates = gate.attach(net, BandStop(rate=0.5))
    gates.update(1.0)
    kept = [float(g.gate.hard_mask(g.latent).float().mean()) for g in gates.tensors.values()]
    assert kept == pytest.approx([0.5, 0.5], abs=0.1)


@pytest.mark.parametrize("name", MODELS)
def test_a_tensor_that_is_all_zero_has_no_scale_and_nothing_is_changed(name):
    net, x = model(name)
    first = next(iter(gate.prunable(net)))
    with torch.no_grad():
        gate.prunable(net)[first].zero_()
    expected = net(x)
    with pytest.raises(BadInput, match=f"`{first}` is all zero"):
        gate.attach(net, BandStop(rate=0.5))
    assert not list(gate.gated_tensors(net))
    assert torch.equal(net(x), expected)
    gate.attach(net, BandStop(rate=0.5, scale="unit"))


# --- what must be refused, before anything is changed --------------------------------------------


def test_a_model_with_nothing_to_prune_is_refused():
    with pytest.raises(BadInput, match="nothing to prune"):
        gate.attach(nn.LayerNorm(5), BandStop(rate=0.5))


@pytest.mark.parametrize("act", [gate.fix, gate.bake])
def test_masks_that_do_not_fit_are_refused_and_the_gates_stay(act):
    net, x = model("nested")
    put("band-stop", net)
    expected = net(x)
    good = some_masks(net)
    name = next(iter(good))
    for masks, said in [
        ({**good, "nowhere": torch.ones(2, 2)}, "no prunable tensor is named 'nowhere'"),
        ({**good, name: torch.ones(1, 2)}, "must have its tensor's shape"),
        ({**good, name: good[name] * 0.5}, "only 0 and 1"),
    ]:
        with pytest.raises(BadInput, match=said):
            act(net, masks)
    assert torch.equal(net(x), expected)
    assert len(list(gate.gated_tensors(net))) == len(good)


def test_a_tensor_that_holds_nan_has_no_scale_either_and_the_error_says_so():
    net, _ = model("linear")
    with torch.no_grad():
        net.weight[0, 0] = torch.nan
    with pytest.raises(BadInput, match="`weight` holds NaN or infinite values"):
        gate.attach(net, BandStop(rate=0.5))


def test_an_unreachable_budget_is_refused_and_nothing_is_changed():
    net, _ = model("linear")
    with pytest.raises(BadInput, match="budget unreachable"):
        gate.attach(net, BandStop(rate=0.5, exempt=("weight",)))
    assert not parametrize.is_parametrized(net)


# --- a weight that is used in two places -----------------------------------------------------------


@pytest.mark.parametrize("kind", GATES)
def test_a_tied_weight_is_masked_wherever_it_is_used_and_stays_tied(kind):
    net, x = model("tied")
    assert list(gate.prunable(net)) == ["first.weight", "last.weight"]
    put(kind, net)
    assert torch.equal(net.first.weight, net.second.weight)
    assert len(list(gate.gated_tensors(net))) == 2
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    train_a_step(net, optimiser, x)
    assert torch.equal(net.first.weight, net.second.weight)
    gate.bake(net)
    assert net.first.weight is net.second.weight
    assert (net.first.weight == 0).any()
