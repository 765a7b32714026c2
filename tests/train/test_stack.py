"""A stack of runs is the runs, each as if it were alone."""

from __future__ import annotations

import pytest
import torch
from making import seeded

from bandstop.method import METHODS, Pruning, after_step, before_step
from bandstop.nn import AttentionGCN, Shape
from bandstop.objective import NO_LABEL
from bandstop.record import Config
from bandstop.train import Alone, Clock, Learner, Stack, adam, train

RATES = (0.3, 0.6, 0.7)
STEPS = 40
TRAINING = [name for name, method in METHODS.items() if method.trains]
SIGNALS = torch.randn(3, 20, 6, 4, generator=seeded(0), dtype=torch.float64)
LABELS = torch.randint(0, 3, (3, 20), generator=seeded(1))
LABELS[1, 15:] = NO_LABEL  # a run with fewer sequences than the others


def a_run(method: str, run: int, **options) -> tuple[Learner, Pruning]:
    own = {"method": method, "rate": RATES[run], "seed": run, "steps": STEPS}
    config = Config(**own | options)
    net = AttentionGCN(Shape(2, 6, 4, 8, 3), seeded(run)).double()
    pruning = Pruning(net, config)
    optimiser = adam(net, 0.03, config.weight_decay, pruning.tensors.values())
    return Learner(net, pruning.objective(), optimiser), pruning


def train_them(runs, rows, steps: int = STEPS, first: int = 0):
    """Through the real loop; gives the terms of every epoch and run."""
    learners, prunings = [r[0] for r in runs], [r[1] for r in runs]
    epochs = []
    train(
        Stack(learners) if len(runs) > 1 else Alone(learners[0]),
        lambda step: (SIGNALS[rows], LABELS[rows]), Clock(steps, 10), 0.03,
        lambda step: before_step(prunings, step),
        lambda: [{"rate": p.observed_rate()} for p in prunings], epochs.append, first,
        lambda step: after_step(prunings, step),
    )  # fmt: skip
    return epochs


def same(a: Learner, b: Learner, tolerance: float) -> None:
    for (name, x), y in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
        assert torch.allclose(x, y, rtol=0, atol=tolerance), name


TRANSPORT = {"alignment": "transport", "threshold": "prior"}
VARIANTS = [
    *((m, {"seen": "30,50,70"} if METHODS[m].many else {}) for m in TRAINING),
    ("pmp", {"alignment": "kl"}),
    ("pmp", {"threshold": "prior", "prior": "laplace"}),
    ("pmp", {"exempt": ("attention",)}),
    ("pmp", {"scope": "layer"}),
    ("pmp", TRANSPORT),
    ("pmp", TRANSPORT | {"scope": "layer"}),
    ("mrmp", TRANSPORT | {"seen": "30,50,70"}),
    ("dense", {"label_smoothing": 0.1}),
    ("pmp", {"weight_decay": 0.5}),
]


@pytest.mark.parametrize(("method", "options"), VARIANTS)
def test_each_run_of_a_stack_is_the_run_alone_but_for_rounding(method, options):
    steps = STEPS // 2
    together = [a_run(method, run, steps=steps, **options) for run in range(3)]
    epochs = train_them(together, [0, 1, 2], steps)
    for run in range(3):
        alone = a_run(method, run, steps=steps, **options)
        own = train_them([alone], [run], steps)
        same(alone[0], together[run][0], 1e-9)
        for both, (single,) in zip(epochs, own, strict=True):
            assert both[run].terms == pytest.approx(single.terms, abs=1e-9)
            assert both[run].extra == single.extra
        if METHODS[method].cut is not None:
            masks = alone[1].finish()
            assert all(torch.equal(m, masks[n]) for n, m in together[run][1].finish().items())


def test_a_run_taken_out_of_a_stack_goes_on_alone_with_its_own_moments():
    together = [a_run("pmp", run) for run in range(3)]
    learners = [learner for learner, _ in together]
    stack = Stack(learners)
    half = STEPS // 2
    train(
        stack, lambda step: (SIGNALS, LABELS), Clock(STEPS, half), 0.03,
        lambda step: before_step([p for _, p in together], step), lambda: [{}, {}, {}],
        lambda epochs: halt() if epochs[0].epoch == 0 else None, 1,
    )  # fmt: skip
    for run, (learner, _) in enumerate(together):
        for p, stacked in zip(
            learner.optimiser.param_groups[0]["params"], stack.parameters, strict=True
        ):
            mine, all_ = learner.optimiser.state[p], stack.optimiser.state[stacked]
            assert torch.equal(p, stacked[run])
            assert torch.equal(mine["exp_avg"], all_["exp_avg"][run])
            assert float(mine["step"]) == float(all_["step"]) == half


def halt() -> None:
    raise AssertionError("the first epoch was to be skipped")


def test_what_was_trained_alone_goes_on_in_a_stack():
    split, whole = [a_run("pmp", r) for r in range(3)], [a_run("pmp", r) for r in range(3)]
    clock = Clock(STEPS, 10)
    for run, (learner, pruning) in enumerate(split):
        for step in range(20):  # two epochs by hand
            pruning.before_step(step)
            learner.optimiser.param_groups[0]["lr"] = 0.03
            learner.optimiser.zero_grad()
            learner.objective.total(learner(SIGNALS[run], LABELS[run])).backward()
            learner.optimiser.step()
    for step in range(20):
        if step == 0:
            stack = Stack([learner for learner, _ in whole])
        before_step([p for _, p in whole], step)
        stack.optimiser.param_groups[0]["lr"] = 0.03
        stack.optimiser.zero_grad()
        whole[0][0].objective.total(stack(SIGNALS, LABELS)).backward()
        stack.optimiser.step()
    stack.share_moments()
    train_them(split, [0, 1, 2], first=2)
    train_them(whole, [0, 1, 2], first=2)
    assert clock.epochs == 4
    for (a, _), (b, _) in zip(split, whole, strict=True):
        same(a, b, 1e-9)


def test_the_networks_of_a_stack_see_every_step():
    """Their tensors are views of the stacked ones, masks and thresholds too."""
    runs = [a_run("pmp", run) for run in range(3)]
    stack = Stack([learner for learner, _ in runs])
    before_step([p for _, p in runs], 30)
    assert all(p.masks is None for _, p in runs)
    stack(SIGNALS, LABELS)
    for step in (31, 39):  # gated, then fixed
        before_step([p for _, p in runs], step)
        values = stack(SIGNALS, LABELS)
        for run, (learner, _) in enumerate(runs):
            assert torch.allclose(learner(SIGNALS[run], LABELS[run]), values[run])
        stack.optimiser.zero_grad()
        runs[0][0].objective.total(values).backward()
        stack.optimiser.step()
    assert all(p.masks is not None for _, p in runs)
