"""Alignment by transport: the step, what it minimises, and what it makes of a training."""

from __future__ import annotations

from contextlib import suppress

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded

from bandstop import gate
from bandstop.gate import PRIORS
from bandstop.method import Pruning, after_step
from bandstop.nn import AttentionGCN, Shape
from bandstop.objective import quantiles, strength, transport, transported
from bandstop.record import Config
from bandstop.train import Alone, Clock, Learner, Stack, adam, train

PULLS = st.floats(0.01, 1.0)


def weights(seed: int, count: int = 200) -> torch.Tensor:
    return 3 * torch.randn(count, generator=seeded(seed), dtype=torch.float64) + 1


@pytest.mark.parametrize("name", PRIORS)
@given(seed=st.integers(0, 99), eta=PULLS)
def test_every_weight_goes_that_part_of_the_way_to_the_priors_quantile_of_its_rank(name, seed, eta):
    v, q = weights(seed), quantiles(PRIORS[name], 200)
    expected = [x + eta * (q[int((v < x).sum())] - x) for x in v]
    assert torch.allclose(transported(v, PRIORS[name], eta), torch.stack(expected))


@pytest.mark.parametrize("name", PRIORS)
@given(seed=st.integers(0, 99), eta=st.floats(0.01, 0.99))
def test_the_order_is_kept_and_the_step_is_the_proximal_one_of_the_squared_distance(
    name, seed, eta
):
    """argmin_x |x - v|^2 / 2 + (eta / (1 - eta)) sum (x_(i) - q_i)^2 / 2: there its slope is 0."""
    v, prior = weights(seed), PRIORS[name]
    moved = transported(v, prior, eta)
    assert torch.equal(moved.argsort(), v.argsort())
    target = transported(moved, prior, 1.0)
    slope = moved - v + eta / (1 - eta) * (moved - target)
    assert slope.abs().max() < 1e-9


@pytest.mark.parametrize("name", PRIORS)
def test_rows_are_moved_each_by_itself_and_repeated_steps_end_at_the_prior(name):
    rows = torch.stack([weights(0), weights(1)])
    moved = transported(rows, PRIORS[name], 0.3)
    for row, own in zip(moved, rows, strict=True):
        assert torch.equal(row, transported(own, PRIORS[name], 0.3))
    for _ in range(60):
        moved = transported(moved, PRIORS[name], 0.3)
    assert torch.allclose(moved.sort().values, quantiles(PRIORS[name], 200).expand(2, -1))


@given(pull=PULLS, t=st.floats(0, 1))
def test_the_step_is_constant_and_in_the_last_fifth_rises_to_the_whole_way(pull, t):
    assert pull <= strength(pull, t) <= 1
    assert strength(pull, 1.0) == 1
    if t <= 0.8:
        assert strength(pull, t) == pytest.approx(pull)


@pytest.mark.parametrize("scope", ["global", "layer"])
def test_shares_of_the_budget_are_moved_each_as_a_whole_and_the_exempt_stay(scope):
    net = AttentionGCN(Shape(2, 6, 4, 8, 3), seeded(0)).double()
    for k, latent in enumerate(net.parameters()):
        torch.nn.init.normal_(latent, mean=k, std=2, generator=seeded(k))
    before = {n: getattr(net, n).detach().clone() for n in net.shape.tensors}
    spec = gate.BandStop(rate=0.5, scope=scope, exempt=("filters",), scale="unit")
    gates = gate.attach(net, spec)
    transport([gates], "laplace", 1.0)
    after = {n: t.detach() for n, t in gate.prunable(net).items()}
    assert torch.equal(after["filters"], before["filters"])
    pools = [["attention", "dense"]] if scope == "global" else [["attention"], ["dense"]]
    for names in pools:
        pool = torch.cat([after[n].flatten() for n in names])
        assert torch.allclose(pool.sort().values, quantiles(PRIORS["laplace"], len(pool)))


# --- in a training ---------------------------------------------------------------------------

STEPS = 60
SHAPE = Shape(heads=4, nodes=20, features=24, filters=32, classes=8)
SIGNALS = torch.randn(60, SHAPE.nodes, SHAPE.features, generator=seeded(2))
LABELS = torch.randint(0, SHAPE.classes, (60,), generator=seeded(3))


def a_run(method: str, seed: int = 0, **options) -> tuple[Learner, Pruning]:
    config = Config(
        method=method, alignment="transport", threshold="prior", steps=STEPS, seed=seed, **options
    )
    net = AttentionGCN(SHAPE, seeded(seed))
    pruning = Pruning(net, config)
    return Learner(net, pruning.objective(), adam(net, 0.03)), pruning


def carry_out(runs, first: int = 0, last: int = STEPS) -> None:
    """Steps from `first` to `last`, in epochs of 10."""
    learners, prunings = [r[0] for r in runs], [r[1] for r in runs]
    count = len(runs)

    def before(step: int) -> None:
        if step >= last:
            raise Stopped
        for run in prunings:
            run.before_step(step)

    with suppress(Stopped):
        train(
            Stack(learners) if count > 1 else Alone(learners[0]),
            lambda step: (SIGNALS.expand(count, -1, -1, -1), LABELS.expand(count, -1)),
            Clock(STEPS, 10), 0.03, before, lambda: [{}] * count, lambda epochs: None, first // 10,
            lambda step: after_step(prunings, step),
        )  # fmt: skip


class Stopped(Exception):
    """Crash in the middle."""


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("rate", [0.5, 0.9, 0.99])
def test_with_the_priors_threshold_the_rate_before_the_cut_is_the_one_asked_for(prior, rate):
    learner, pruning = a_run("pmp", prior=prior, rate=rate)
    carry_out([(learner, pruning)], last=pruning.cut_step)
    v = torch.cat([t.detach().flatten() for t in pruning.tensors.values()])
    assert torch.allclose(v.sort().values.double(), quantiles(PRIORS[prior], len(v)), atol=1e-5)
    pruning.cut()
    assert pruning.observed == pytest.approx(rate, abs=0.001)


@pytest.mark.parametrize("prior", PRIORS)
def test_a_training_of_many_rates_has_each_of_them_before_the_cut(prior):
    run = a_run("mrmp", prior=prior, seen="50,90,99")
    carry_out([run])
    v = torch.cat([t.detach().flatten() for t in run[1].tensors.values()])
    for rate in (0.5, 0.7, 0.9, 0.99):
        observed = float((v.abs() < PRIORS[prior].threshold(rate)).float().mean())
        assert observed == pytest.approx(rate, abs=0.001)


def test_after_the_cut_the_weights_that_stay_are_free():
    learner, pruning = a_run("pmp", rate=0.9, settle=0.3)
    carry_out([(learner, pruning)])
    v = torch.cat([t.detach().flatten() for t in pruning.tensors.values()]).double()
    assert not torch.allclose(v.sort().values, quantiles(PRIORS["gaussian"], len(v)), atol=1e-3)


@pytest.mark.parametrize("method", ["pmp", "mrmp"])
@pytest.mark.parametrize("stop", [20, 50])
def test_what_is_stopped_and_goes_on_from_its_tensors_ends_the_same_bit_for_bit(method, stop):
    options = {"seen": "50,90"} if method == "mrmp" else {"rate": 0.9, "settle": 0.3}
    whole, begun, again = (a_run(method, **options) for _ in range(3))
    carry_out([whole])
    carry_out([begun], last=stop)
    again[1].restore(begun[1].facts())
    again[0].net.load_state_dict(begun[0].net.state_dict())
    again[0].optimiser.load_state_dict(begun[0].optimiser.state_dict())
    again[1].loaded()
    carry_out([again], first=stop)
    for a, b in zip(whole[0].parameters(), again[0].parameters(), strict=True):
        assert torch.equal(a, b)
