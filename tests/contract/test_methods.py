"""What every method promises, on a tiny problem: the budget, a live network, the same weights again."""

from __future__ import annotations

import copy

import pytest
import torch
from making import FUSIONS, masked, seeded

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.measure import relative_error
from bandstop.method import METHODS, Pruning
from bandstop.method.gates import GATES
from bandstop.nn import AttentionGCN, Shape
from bandstop.objective import ALIGNMENTS
from bandstop.prune import compact, live
from bandstop.record import CHOICES, Config
from bandstop.train import Alone, Clock, Epoch, Learner, adam, train

STEPS = 20
SIGNALS = torch.randn(48, 6, 4, generator=seeded(10))
LABELS = (SIGNALS[:, 0, 0] > 0).long() + (SIGNALS[:, 1, 1] > 0).long()
OURS = [*METHODS]
"""Of the network that is pruned; tests/nn has the others."""
PRUNING = [name for name, method in METHODS.items() if method.cut is not None]


GROUP = 6 * 6 + 4 * 8
"""The largest group: a head, its attention and its filters."""


def whole_groups(method: str) -> bool:
    """Do groups alone decide, so that the budget is met in whole groups?"""
    kind = METHODS[method].gate
    return kind is not None and bool(GATES[kind](config_of(method)).whole_groups)


def config_of(method: str, rate: float = 0.8, **options) -> Config:
    if METHODS[method].many:  # here of one rate: tests/method has those of several
        options["seen"] = f"{rate}"
    return Config(**{"method": method, "rate": rate, "steps": STEPS} | options)


def new_network(config: Config, seed: int = 0) -> AttentionGCN:
    return AttentionGCN(Shape(2, 6, 4, 8, 3, config.fusion), seeded(seed))


def trained(config: Config, seed: int = 0) -> tuple[AttentionGCN, Pruning, list[Epoch]]:
    """Through the real loop, as a run does it."""
    net = new_network(config, seed)
    pruning = Pruning(net, config)
    optimiser = adam(net, 0.03)
    history: list[Epoch] = []
    if METHODS[config.method].trains:
        train(
            Alone(Learner(net, pruning.objective(), optimiser)),
            lambda step: (SIGNALS[None], LABELS[None]), Clock(config.steps, 5), 0.03,
            pruning.before_step,
            lambda: [{"rate": pruning.observed_rate()}], history.extend, 0, pruning.after_step,
        )  # fmt: skip
    return net, pruning, history


def loss(net: AttentionGCN, pruning: Pruning) -> torch.Tensor:
    objective = pruning.objective()
    return objective.total(objective(net, SIGNALS, LABELS))


def kept(masks) -> int:
    return sum(int(m.sum()) for m in masks.values())


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("scope", ["global", "layer"])
@pytest.mark.parametrize("rate", [0.5, 0.9])
@pytest.mark.parametrize("method", PRUNING)
def test_a_method_delivers_the_budget_all_of_it_alive_and_no_layer_empty(
    method, rate, scope, fusion
):
    if METHODS[method].many and scope == "layer":
        with pytest.raises(BadInput, match="one order over all tensors"):
            config_of(method, rate, scope=scope)
        return
    options = {"scope": scope, "fusion": fusion}
    options |= {"steps": 40, "label_smoothing": 0.0}  # as the bound was found
    net, pruning, _ = trained(config_of(method, rate, **options))
    masks = pruning.finish()
    allowed = round((1 - rate) * net.shape.weights)
    if whole_groups(method):
        assert 0 <= allowed - kept(masks) < GROUP
        assert pruning.note
    elif scope == "global":
        assert kept(masks) == allowed
    else:  # where a layer's share does not fit to the others' paths, fewer stay than may
        assert 0.9 * allowed <= kept(masks) <= allowed
    assert all(m.any() for m in masks.values())
    assert all(torch.equal(masks[n], alive) for n, alive in live(masks, net.shape).items())


@pytest.mark.parametrize("method", PRUNING)
@pytest.mark.parametrize("options", [{"exempt": ("dense",)}, {"layer_rate": ("dense=0.2",)}])
def test_exempt_tensors_and_rates_of_their_own_are_kept_to(method, options):
    if METHODS[method].many and "layer_rate" in options:
        with pytest.raises(BadInput, match="one order over all tensors"):
            config_of(method, 0.4, **options)
        return
    net, pruning, _ = trained(config_of(method, 0.4, **options))
    masks = pruning.finish()
    assert kept(masks) <= round(0.6 * net.shape.weights)
    size = masks["dense"].numel()
    if "exempt" in options:
        assert masks["dense"].all()
    else:
        assert int(masks["dense"].sum()) <= round(0.8 * size)


def test_the_dense_network_keeps_every_weight():
    net, pruning, _ = trained(config_of("dense", 0.0))
    assert kept(pruning.finish()) == net.shape.weights
    assert pruning.observed is None
    assert pruning.stage == "open"


@pytest.mark.parametrize("method", OURS)
def test_the_same_seed_gives_the_same_weights_and_another_seed_others(method):
    rate = 0.0 if method == "dense" else 0.8

    def weights(seed: int) -> torch.Tensor:
        net, pruning, _ = trained(config_of(method, rate), seed)
        masks = pruning.finish()
        gate.bake(net, masks)
        return torch.cat([w.detach().flatten() for w in net.weights().values()])

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


@pytest.mark.parametrize("method", OURS)
@pytest.mark.parametrize("fusion", FUSIONS)
def test_gated_baked_and_compacted_network_agree(method, fusion):
    rate = 0.0 if method == "dense" else 0.8
    net, pruning, _ = trained(config_of(method, rate, fusion=fusion))
    masks = pruning.finish()
    before = net(SIGNALS)
    gate.bake(net, masks)
    assert torch.allclose(net(SIGNALS), before, atol=1e-5)
    assert relative_error(net, lambda s: masked(net, masks, s), SIGNALS) < 1e-5
    assert relative_error(net, compact(net, masks), SIGNALS) < 1e-5


@pytest.mark.parametrize("method", [n for n in OURS if METHODS[n].trains])
def test_training_lowers_the_cross_entropy(method):
    rate = 0.0 if method == "dense" else 0.5
    _, _, history = trained(config_of(method, rate, label_smoothing=0.0))  # whose least is 0
    assert history[-1].terms["cross_entropy"] < 0.85 * history[0].terms["cross_entropy"]


@pytest.mark.parametrize("method", [n for n in PRUNING if METHODS[n].trains])
def test_the_stages_follow_each_other_and_after_the_cut_the_masks_stay(method):
    config = config_of(method, settle=0.25)
    net = new_network(config)
    pruning = Pruning(net, config)
    optimiser = adam(net, 0.03)
    stages, fixed = [], None
    for step in range(STEPS):
        pruning.before_step(step)
        stages.append(pruning.stage)
        if pruning.masks is not None:
            fixed = fixed or {n: m.clone() for n, m in pruning.masks.items()}
        optimiser.zero_grad()
        loss(net, pruning).backward()
        optimiser.step()
    first = "gated" if METHODS[method].gate else "open"
    part = METHODS[method].cut
    cut = STEPS * 3 // 4 if part == "settle" else round(STEPS * part)
    if cut == STEPS:  # at the very end
        fixed = pruning.finish()
    assert stages == [first] * cut + ["fixed"] * (STEPS - cut)
    assert fixed is not None
    assert all(torch.equal(m, fixed[n]) for n, m in pruning.finish().items())


@pytest.mark.parametrize("alignment", CHOICES["alignment"])
@pytest.mark.parametrize("prior", ["gaussian", "laplace", "uniform"])
@pytest.mark.parametrize("threshold", ["empirical", "prior"])
def test_pmp_meets_the_budget_with_every_alignment_prior_and_threshold(alignment, prior, threshold):
    config = config_of("pmp", 0.7, alignment=alignment, prior=prior, threshold=threshold)
    net, pruning, history = trained(config)
    assert kept(pruning.finish()) == round(0.3 * net.shape.weights)
    assert pruning.observed is not None
    names = (
        {"cross_entropy", f"alignment_{alignment}"}
        if alignment in ALIGNMENTS
        else {"cross_entropy"}
    )
    assert set(history[-1].terms) == names
    if threshold == "empirical":
        removed = net.shape.weights - round(0.3 * net.shape.weights)
        assert pruning.observed == pytest.approx(removed / net.shape.weights, abs=1e-12)


def test_the_aligned_latents_are_those_that_bear_gates():
    config = config_of("pmp", 0.5, exempt=("attention",))
    net = new_network(config)
    pruning = Pruning(net, config)
    (term,) = pruning.objective().terms
    term.value(net).backward()
    assert net.parametrizations["dense"].original.grad is not None
    assert net.attention.grad is None


@pytest.mark.parametrize("method", PRUNING)
def test_an_unreachable_budget_is_refused_before_training_and_nothing_is_changed(method):
    config = config_of(method, 0.99)
    net = new_network(config)
    with pytest.raises(BadInput, match="budget unreachable"):
        Pruning(net, config)
    assert not list(gate.gated_tensors(net))


@pytest.mark.parametrize("method", PRUNING)
def test_cutting_twice_changes_nothing(method):
    net, pruning, _ = trained(config_of(method))
    masks = pruning.finish()
    pruning.cut()
    assert pruning.finish() is masks
    assert net(SIGNALS).isfinite().all()


@pytest.mark.parametrize("method", PRUNING)
@pytest.mark.parametrize("stop", [0, 7, 19])
def test_a_pruning_restored_from_its_facts_and_tensors_goes_on_the_same(method, stop):
    config = config_of(method)

    def steps(net, pruning, optimiser, first, last):
        for step in range(first, last):
            pruning.before_step(step)
            optimiser.zero_grad()
            loss(net, pruning).backward()
            optimiser.step()

    def new():
        net = new_network(config)
        return net, Pruning(net, config), torch.optim.Adam(net.parameters(), 0.03)

    one, its, optimiser = new()
    steps(one, its, optimiser, 0, stop)
    facts = its.facts()
    tensors = {k: v.clone() for k, v in one.state_dict().items()}
    moments = copy.deepcopy(optimiser.state_dict())

    other, pruning, again = new()
    pruning.restore(facts)
    other.load_state_dict(tensors)
    again.load_state_dict(moments)
    pruning.loaded()
    assert pruning.stage == its.stage
    steps(one, its, optimiser, stop, STEPS)
    steps(other, pruning, again, stop, STEPS)
    masks = its.finish()
    assert all(torch.equal(m, masks[n]) for n, m in pruning.finish().items())
    assert torch.equal(one(SIGNALS), other(SIGNALS))
    assert pruning.observed == its.observed
