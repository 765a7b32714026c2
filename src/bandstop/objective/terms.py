"""Terms that look at the gates and latents of the network they are called with, ready for an objective."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import torch
from torch import Tensor, nn

from bandstop.gate import gated_tensors, prunable
from bandstop.gate.gated import FixedMask, Gated
from bandstop.gate.groups import as_blocks
from bandstop.gate.hard_concrete import HardConcreteGate, open_probability
from bandstop.objective.budget import budget_distance
from bandstop.objective.objective import Term
from bandstop.objective.rank import relative_rank
from bandstop.objective.regularisers import REGULARISERS


def budget_term(weight: float) -> Term:
    """lambda ( (sum of masks - c) / N )^2 over the gated tensors, c what their gates' `keep` asks for at
    the moment; see `budget_distance`."""

    def value(net: nn.Module) -> Tensor:
        gates = _at_work(net)
        if not gates:
            return _zero(net)
        masks = [g.gate.mask(g.latent) for g in gates]
        keeps: list[Tensor] = [g.gate.keep * g.latent.numel() for g in gates]  # type: ignore[operator,misc]
        return budget_distance(masks, torch.stack(keeps).sum())

    return Term("budget", weight, value)


def rank_term(weight: float) -> Term:
    """lambda times the mean over tensors of the masks' relative rank; see `relative_rank`."""

    def value(net: nn.Module) -> Tensor:
        ranks = [relative_rank(as_blocks(g.gate.mask(g.latent))) for g in _at_work(net)]
        return torch.stack(ranks).mean() if ranks else _zero(net)

    return Term("rank", weight, value)


def l0_term(weight: float) -> Term:
    """lambda times the expected part of open hard concrete gates."""

    def value(net: nn.Module) -> Tensor:
        gates = [g.gate for g in _at_work(net) if isinstance(g.gate, HardConcreteGate)]
        if not gates:
            return _zero(net)
        return torch.cat([open_probability(gate.alpha).flatten() for gate in gates]).mean()

    return Term("l0", weight, value)


def regulariser_term(
    kind: str, weight: float, names: Collection[str], costs: Mapping[str, float]
) -> Term:
    """lambda times a regulariser of the latents of those tensors, until their masks are final.

    kind  a key of REGULARISERS
    """

    def value(net: nn.Module) -> Tensor:
        if any(isinstance(g.gate, FixedMask) for g in gated_tensors(net)):
            return _zero(net)
        latents = {name: v for name, v in prunable(net).items() if name in names}
        return REGULARISERS[kind](latents, costs)

    return Term(kind, weight, value)


def _at_work(net: nn.Module) -> list[Gated]:
    """The gates whose masks still change."""
    return [g for g in gated_tensors(net) if not isinstance(g.gate, FixedMask)]


def _zero(net: nn.Module) -> Tensor:
    return next(net.parameters()).new_zeros(())
