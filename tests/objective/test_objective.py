"""Terms have names and weights, and their sum is what is minimised."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from making import seeded
from torch import nn
from torch.nn import functional

from bandstop.gate import PRIORS, BandStop, attach
from bandstop.objective import ALIGNMENTS, NO_LABEL, Objective, Term, alignment_term, distilled
from bandstop.objective.objective import cross_entropy, taught_cross_entropy

LOGITS = torch.randn(6, 4, generator=seeded(0), dtype=torch.float64)
LABELS = torch.tensor([0, 1, 2, 3, 0, 1])


SAME = nn.Identity()
"""A network whose output is its input."""


def constant(name: str, weight: float, value: float) -> Term:
    return Term(name, weight, lambda net: torch.tensor(value, dtype=torch.float64))


def test_alone_it_is_the_cross_entropy():
    values = Objective()(SAME, LOGITS, LABELS)
    expected = -LOGITS.log_softmax(1)[torch.arange(6), LABELS].mean()
    assert values.tolist() == pytest.approx([float(expected)])
    assert float(Objective().total(values)) == float(values[0])


def test_samples_without_a_label_count_nothing():
    some = torch.cat([LOGITS, 9 * LOGITS]), torch.cat([LABELS, torch.full((6,), NO_LABEL)])
    assert torch.allclose(Objective()(SAME, *some), Objective()(SAME, LOGITS, LABELS))


def test_the_total_is_the_weighted_sum_and_the_values_are_unweighted_in_the_order_of_the_names():
    objective = Objective((constant("rank", 0.5, 3.0), constant("budget", 2.0, 7.0)))
    values = objective(SAME, LOGITS, LABELS)
    assert objective.names == ("cross_entropy", "rank", "budget")
    assert values[1:].tolist() == [3.0, 7.0]
    total = float(objective.total(values))
    assert total == pytest.approx(float(values[0]) + 0.5 * 3 + 2 * 7)
    assert float(objective.total(torch.stack([values, 2 * values]))) == pytest.approx(3 * total)


def test_label_smoothing_mixes_the_labels_with_the_uniform_distribution():
    (value,) = Objective(smoothing=0.2)(SAME, LOGITS, LABELS)
    target = 0.8 * functional.one_hot(LABELS, 4) + 0.2 / 4
    assert float(value) == pytest.approx(float(-(target * LOGITS.log_softmax(1)).sum(1).mean()))
    assert float(value) != pytest.approx(float(Objective()(SAME, LOGITS, LABELS)[0]))


def test_a_term_looks_at_the_network_that_it_is_called_with():
    objective = Objective((Term("state", 1.0, lambda net: net.weight.sum()),))
    one, two = nn.Linear(4, 4).double(), nn.Linear(4, 4).double()
    for net in (one, two):
        assert objective(net, LOGITS, LABELS)[1] == net.weight.sum()


@pytest.mark.parametrize("kind", ALIGNMENTS)
def test_the_alignment_pools_all_named_latents_and_reaches_each_of_them(kind):
    net = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 5), nn.Linear(5, 5))
    attach(net, BandStop(rate=0.5, scale="unit"))
    latents = [net[k].parametrizations["weight"].original for k in range(3)]
    term = alignment_term(kind, "laplace", 0.1, ["0.weight", "1.weight"])
    pooled = torch.cat([v.flatten() for v in latents[:2]])
    assert term.name == f"alignment_{kind}"
    assert torch.equal(term.value(net), ALIGNMENTS[kind](pooled, PRIORS["laplace"]))
    term.value(net).backward()
    assert all(v.grad.abs().max() > 0 for v in latents[:2])
    assert latents[2].grad is None


@given(st.integers(0, 50), st.floats(0, 1), st.floats(0, 0.9), st.floats(0.5, 8))
def test_what_is_taught_is_held_to_at_its_temperature(seed, part, smoothing, temperature):
    draw = seeded(seed)
    logits = torch.randn(6, 4, generator=draw, dtype=torch.float64)
    labels = torch.randint(4, (6,), generator=draw)
    said = torch.randn(6, 4, generator=draw, dtype=torch.float64)
    taught = (said / temperature).softmax(1)
    mixed = distilled(labels, taught, part, smoothing)
    divergence = functional.kl_div(
        (logits / temperature).log_softmax(1), taught, reduction="batchmean"
    )
    entropy = -(taught * taught.log()).sum(1).mean()
    expected = (1 - part) * cross_entropy(logits, labels, smoothing)
    expected = expected + part * temperature**2 * (divergence + entropy)
    assert torch.allclose(taught_cross_entropy(logits, mixed, temperature), expected)


def test_a_student_that_says_what_its_teachers_say_has_no_gradient_from_them():
    logits = torch.randn(6, 4, generator=seeded(0), dtype=torch.float64, requires_grad=True)
    taught = (logits.detach() / 4).softmax(1)
    mixed = distilled(torch.zeros(6, dtype=torch.long), taught, 1.0)
    taught_cross_entropy(logits, mixed, 4.0).backward()
    assert logits.grad.abs().max() < 1e-12


def test_a_sample_without_a_label_is_taught_nothing():
    logits = torch.randn(3, 4, generator=seeded(0))
    mixed = distilled(torch.tensor([1, NO_LABEL, 2]), torch.full((3, 4), 0.25), 0.5)
    assert not mixed[1].any()
    found = taught_cross_entropy(logits, mixed, 2.0)
    assert torch.allclose(found, taught_cross_entropy(logits[[0, 2]], mixed[[0, 2]], 2.0))


def test_parts_of_labels_weigh_as_much_as_their_classes():
    logits = torch.randn(5, 3, generator=seeded(0))
    labels = torch.tensor([0, 1, 2, 1, 0])
    weights = torch.tensor([1.0, 2.0, 0.5])
    alone = distilled(labels, torch.zeros(5, 3), 0.0)
    expected = cross_entropy(logits, labels, weights=weights)
    assert torch.allclose(taught_cross_entropy(logits, alone, 2.0, weights), expected)
