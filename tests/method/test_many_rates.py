"""One training of several rates (MRMP): what it trains, and what it gives."""

from __future__ import annotations

import pytest
import torch
from making import seeded

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.gate import PRIORS, BandStop, Ladder, at_every_rung, at_one_rung_each
from bandstop.gate.ladder import CRISP, NO_LABEL
from bandstop.method import Pruning
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import kept_at, live, masks_at
from bandstop.record import Config
from bandstop.train import Alone, Clock, Learner, adam, train

SHAPE = Shape(2, 6, 4, 8, 3)
SIGNALS = torch.randn(24, 6, 4, generator=seeded(0))
LABELS = torch.randint(0, 3, (24,), generator=seeded(1))
SEEN = (0.3, 0.5, 0.6, 0.7, 0.8)
STEPS = 40


def a_net(seed: int = 0) -> AttentionGCN:
    return AttentionGCN(SHAPE, seeded(seed))


def trained(**options) -> tuple[AttentionGCN, Pruning]:
    seen = ",".join(map(str, SEEN))
    config = Config(method="mrmp", seen=seen, steps=STEPS, **options).canonical()
    net = a_net()
    pruning = Pruning(net, config)
    optimiser = adam(net, 0.03)
    train(
        Alone(Learner(net, pruning.objective(), optimiser)),
        lambda step: (SIGNALS[None], LABELS[None]), Clock(STEPS, 10), 0.03, pruning.before_step,
        lambda: [{}], lambda epochs: None,
    )  # fmt: skip
    return net, pruning


def test_the_rates_of_a_step_hold_the_lowest_and_the_highest_and_all_are_trained():
    spec = Ladder(rate=0.8, seen=SEEN, together=3)
    seen = set()
    for step in range(60):
        rates = spec.rates_at(step / 60)
        assert rates == spec.rates_at(step / 60)
        assert (rates[0], rates[-1], len(rates)) == (0.3, 0.8, 3)
        assert list(rates) == sorted(rates)
        seen |= set(rates)
    assert seen == set(SEEN)
    assert Ladder(rate=0.8, seen=SEEN, together=0).rates_at(0.4) == SEEN


@pytest.mark.parametrize("together", [0, 2, 4])
def test_every_rung_removes_exactly_its_rate(together):
    net = a_net()
    gates = gate.attach(net, Ladder(rate=0.8, seen=SEEN, together=together, scale="unit"))
    gates.update(0.7)
    latents = torch.cat([g.latent.flatten() for g in gate.gated_tensors(net)]).abs()
    (rungs,) = {tuple(g.gate.rungs.tolist()) for g in gate.gated_tensors(net)}
    for rate, a in zip(gates.spec.rates_at(0.7), rungs, strict=True):
        assert int((latents >= a).sum()) == kept_at(rate, SHAPE.weights)
    assert gates.observed_rate() == pytest.approx(0.8, abs=1 / SHAPE.weights)


def test_with_the_priors_thresholds_the_rungs_are_its_quantiles_whatever_the_latents():
    net = a_net()
    spec = Ladder(rate=0.8, seen=SEEN, together=0, scale="unit", threshold="prior", prior="laplace")
    gate.attach(net, spec).update(0.7)
    expected = [PRIORS["laplace"].threshold(rate) for rate in SEEN]
    for g in gate.gated_tensors(net):
        assert g.gate.rungs.tolist() == pytest.approx(expected, abs=1e-3)
        assert g.gate.threshold == g.gate.rungs[-1]


def test_at_every_rung_the_network_is_that_of_one_band_stop_gate():
    """Both forms, against a plain band-stop gate of each rate."""
    net = a_net()
    gate.attach(net, Ladder(rate=0.8, seen=SEEN, together=0, scale="unit")).update(0.6)
    sharpness = next(gate.gated_tensors(net)).gate.sharpness
    expected = []
    for rate in SEEN:
        alone = a_net()
        gates = gate.attach(alone, BandStop(rate=rate, scale="unit", warmup=0))
        gates.update(1.0)
        for g in gates.tensors.values():
            g.gate.sharpness.copy_(sharpness)
        expected.append(alone(SIGNALS))
    logits, labels = at_every_rung(net, SIGNALS, LABELS)
    assert torch.allclose(logits, torch.cat(expected), atol=1e-5)
    assert torch.equal(labels, LABELS.repeat(5))
    spread, labels = at_one_rung_each(net, SIGNALS, LABELS)
    assert torch.equal(labels, torch.cat([LABELS, torch.tensor([NO_LABEL])]))  # 25 fill five rounds
    for row in range(24):
        assert torch.allclose(spread[row], expected[row % 5][row], atol=1e-5)


def test_in_the_end_masks_are_crisp():
    net = a_net()
    gates = gate.attach(net, Ladder(rate=0.8, seen=SEEN, settle=0.2, scale="unit"))
    gates.update(0.79)
    assert max(float(g.gate.sharpness) for g in gates.tensors.values()) <= 100
    gates.update(0.8)
    for g in gate.gated_tensors(net):
        assert float(g.gate.sharpness) == CRISP
        mask = g.gate.mask(g.latent)
        assert ((mask == 0) | (mask == 1)).all()
    net(SIGNALS).square().sum().backward()
    assert all(p.grad.isfinite().all() for p in net.parameters())


@pytest.mark.parametrize("samples", ["spread", "repeated"])
def test_a_training_gives_an_order_with_every_rates_budget_alive(samples):
    _, pruning = trained(samples=samples)
    masks = pruning.finish()
    assert pruning.ranks is not None
    assert sum(int(m.sum()) for m in masks.values()) == kept_at(SEEN[0], SHAPE.weights)
    for rate in (*SEEN, 0.44, 0.777):
        keep = kept_at(rate, SHAPE.weights)
        chosen = masks_at(pruning.ranks, keep)
        assert sum(int(m.sum()) for m in chosen.values()) == keep
        assert live(chosen, SHAPE)["dense"].any(0).any(0).all()
    highest = masks_at(pruning.ranks, kept_at(SEEN[-1], SHAPE.weights))
    assert all(torch.equal(m, live(highest, SHAPE)[n]) for n, m in highest.items())


@pytest.mark.parametrize("threshold", ["empirical", "prior"])
def test_of_one_rate_it_is_pmp_up_to_the_cut(threshold):
    """SRMP, the single-rate form, is PMP: the same gates, the same loss, step for step."""
    both = []
    for method, options in [
        ("pmp", {"rate": 0.7, "threshold": threshold}),
        ("mrmp", {"seen": "70", "samples": "repeated", "threshold": threshold}),
    ]:
        config = Config(method=method, steps=STEPS, settle=0.1, **options).canonical()
        net = a_net()
        pruning = Pruning(net, config)
        optimiser = adam(net, 0.03)
        for step in range(round(0.9 * STEPS)):
            pruning.before_step(step)
            objective = pruning.objective()
            optimiser.zero_grad()
            objective.total(objective(net, SIGNALS, LABELS)).backward()
            optimiser.step()
        both.append([p.detach() for p in net.parameters()])
    for a, b in zip(*both, strict=True):
        assert torch.allclose(a, b, atol=1e-4)


def test_what_does_not_go_with_one_order_is_refused():
    with pytest.raises(BadInput, match="one order over all tensors"):
        Config(method="mrmp", scope="layer")


def test_a_ladder_checks_its_rates():
    for wrong in (
        {"seen": (0.5, 0.3)},
        {"seen": (0.3,)},
        {"together": 1},
        {"settle": 1.0},
    ):
        with pytest.raises(BadInput, match="multi-rate gate"):
            Ladder(**{"rate": 0.8, "seen": SEEN} | wrong)
