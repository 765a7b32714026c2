"""Terms have names and weights, and their sum is what is minimised."""

from __future__ import annotations

import pytest
import torch
from making import seeded
from torch.nn import functional

from bandstop.gate import PRIORS
from bandstop.objective import ALIGNMENTS, Objective, Term, alignment_term

LOGITS = torch.randn(6, 4, generator=seeded(0), dtype=torch.float64)
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])


def constant(name: str, weight: float, value: float) -> Term:
    return Term(name, weight, lambda: torch.tensor(value, dtype=torch.float64))


def test_alone_it_is_the_cross_entropy():
    total, values = Objective()(LOGITS, LABELS)
    expected = -LOGITS.log_softmax(1)[torch.arange(6), LABELS].mean()
    assert float(total) == pytest.approx(float(expected))
    assert values.tolist() == [float(total)]


def test_the_total_is_the_weighted_sum_and_the_values_are_unweighted_in_the_order_of_the_names():
    objective = Objective((constant("rank", 0.5, 3.0), constant("budget", 2.0, 7.0)))
    total, values = objective(LOGITS, LABELS)
    assert objective.names == ("cross_entropy", "rank", "budget")
    assert values[1:].tolist() == [3.0, 7.0]
    assert float(total) == pytest.approx(float(values[0]) + 0.5 * 3 + 2 * 7)


def test_label_smoothing_mixes_the_labels_with_the_uniform_distribution():
    total, _ = Objective(smoothing=0.2)(LOGITS, LABELS)
    target = 0.8 * functional.one_hot(LABELS, 4) + 0.2 / 4
    assert float(total) == pytest.approx(float(-(target * LOGITS.log_softmax(1)).sum(1).mean()))
    assert float(total) != pytest.approx(float(Objective()(LOGITS, LABELS)[0]))


def test_a_term_looks_at_the_model_when_it_is_called():
    state = torch.zeros((), dtype=torch.float64)
    objective = Objective((Term("state", 1.0, lambda: state),))
    before, _ = objective(LOGITS, LABELS)
    state += 5
    after, _ = objective(LOGITS, LABELS)
    assert float(after - before) == pytest.approx(5)


@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_the_alignment_pools_all_latents_and_reaches_each_of_them(kind):
    latents = {
        "a": torch.randn(3, 4, generator=seeded(1), requires_grad=True),
        "b": torch.randn(2, 3, 2, generator=seeded(2), requires_grad=True),
    }
    term = alignment_term(kind, "laplace", 0.1, lambda: latents)
    pooled = torch.cat([v.flatten() for v in latents.values()])
    assert term.name == f"alignment_{kind}"
    assert float(term.value().detach()) == float(
        ALIGNMENTS[kind](pooled, PRIORS["laplace"]).detach()
    )
    term.value().backward()
    assert all(v.grad.abs().max() > 0 for v in latents.values())


def test_the_reported_values_carry_no_gradient():
    v = torch.randn(5, requires_grad=True)
    objective = Objective((Term("t", 1.0, lambda: v.square().mean()),))
    total, values = objective(LOGITS, LABELS)
    assert total.requires_grad
    assert not values.requires_grad
