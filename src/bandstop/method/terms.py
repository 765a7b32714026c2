"""What a method adds to the cross-entropy, made from the options: one function a term."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from bandstop.objective import (
    Term,
    alignment_term,
    budget_term,
    l0_term,
    rank_term,
    regulariser_term,
)
from bandstop.record import Config

Costs = Callable[[], Mapping[str, float]]
"""Each tensor's name -> multiply-accumulates that one of its weights causes; called where it is needed."""


def alignment(c: Config, names: Collection[str], costs: Costs) -> Term | None:
    if c.alignment in ("none", "transport"):  # transport is a step of its own, not of the loss
        return None
    return alignment_term(c.alignment, c.prior, c.alignment_weight, names)


def budget(c: Config, names: Collection[str], costs: Costs) -> Term:
    return budget_term(c.budget_weight)


def rank(c: Config, names: Collection[str], costs: Costs) -> Term:
    return rank_term(c.rank_weight)


def l0(c: Config, names: Collection[str], costs: Costs) -> Term:
    return l0_term(c.l0_weight)


def l1(c: Config, names: Collection[str], costs: Costs) -> Term:
    return regulariser_term("l1", c.l1_weight, names, {})


def entropy(c: Config, names: Collection[str], costs: Costs) -> Term:
    return regulariser_term("entropy", c.entropy_weight, names, {})


def cost(c: Config, names: Collection[str], costs: Costs) -> Term:
    return regulariser_term("cost", c.cost_weight, names, costs())


TERMS: dict[str, Callable[[Config, Collection[str], Costs], Term | None]] = {
    "alignment": alignment,
    "budget": budget,
    "rank": rank,
    "l0": l0,
    "l1": l1,
    "entropy": entropy,
    "cost": cost,
}
"""Name in the methods' table -> function of the options, the tensors that are pruned, and what their
weights cost."""
