"""Pruning: one method at work on one network, from its gates to the final masks.

Before every step it sets what must be set: gates while there are any, then, once, the exact masks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from bandstop import gate
from bandstop.budget import Budget
from bandstop.method.gates import GATES
from bandstop.method.table import METHODS
from bandstop.method.terms import TERMS
from bandstop.nn import Network
from bandstop.objective import Objective, Outputs, once, strength, transport
from bandstop.prune import (
    NEVER,
    Masks,
    Topology,
    coarsest_levels,
    masks_at,
    topology_of,
)
from bandstop.record import Config


class Pruning:
    """Attach the method's gates to `net` and carry its plan out.

    stage  "open" (no mask yet), "gated", then "fixed"
    observed  the rate just before the exact cut, where a gate or a budget decided it
    ranks  of a method of many rates: which weights stay at which rate, once it is cut
    note  how near whole groups came to the budget, where they alone decide
    example  an input of the network with the batch first; not needed for an attention GCN
    Errors: BadInput, before any training, when the budget cannot keep a path to every class.
    """

    def __init__(
        self, net: Network, config: Config, example: Tensor | Sequence[Tensor] | None = None
    ) -> None:
        self.net, self.config, self.method = net, config, METHODS[config.method]
        rate = config.seen_rates[-1] if self.method.many else config.rate
        self.budget = Budget(rate, config.scope, config.exempt, config.rates)
        self.tensors: dict[str, Tensor] = gate.prunable(net)
        self.weights = sum(t.numel() for t in self.tensors.values())
        self.example = example
        self.observed: float | None = None
        self.note: str | None = None
        self.masks: Masks | None = None
        self.ranks: dict[str, Tensor] | None = None
        self.gates: gate.Gates | None = None
        self.cut_step = self._cut_step()
        if self.method.cut is not None:
            self.topology.check(self.budget)
        if self.method.gate is not None:
            spec = GATES[self.method.gate](config)
            if spec.whole_groups:
                if self.method.coarsest:
                    levels = coarsest_levels(self.budget, self.topology, spec.whole_groups)
                    spec = replace(spec, levels=levels)  # type: ignore[call-arg]
                self.topology.check_groups(self.budget, spec.whole_groups)
            self.gates = gate.attach(net, spec)

    def _cut_step(self) -> int | None:
        if self.method.cut is None:
            return None
        part = 1 - self.config.settle if self.method.cut == "settle" else float(self.method.cut)
        return round(part * self.config.steps)

    @property
    def stage(self) -> str:
        if self.masks is not None:
            return "fixed"
        return "gated" if self.gates is not None else "open"

    def objective(self) -> Objective:
        """Cross-entropy and the method's terms, over the tensors that are pruned."""
        shares = self.budget.resolve({name: t.numel() for name, t in self.tensors.items()})
        names = [name for share in shares for name in share.names]
        if not names:  # everything is exempt
            return Objective(smoothing=self.config.label_smoothing)
        made = (TERMS[term](self.config, names, self._costs) for term in self.method.terms)
        terms = tuple(term for term in made if term is not None and term.weight > 0)
        return Objective(terms, self.config.label_smoothing, self._outputs())

    def _outputs(self) -> Outputs:
        """How the network is called in a step: once, or at several rates."""
        if not self.method.many:
            return once
        spread = self.config.samples == "spread"
        return gate.at_one_rung_each if spread else gate.at_every_rung

    def before_step(self, step: int) -> None:
        """Set the gates for this step; at the cut make the masks exact and final."""
        before_step([self], step)

    def after_step(self, step: int) -> None:
        """Move the latents to the prior, where the method aligns them by transport."""
        after_step([self], step)

    @torch.no_grad()
    def cut(self) -> None:
        """Choose the weights that stay, exactly within the budget and all of them live, and fix them."""
        if self.masks is not None:
            return
        scores = {name: latent.detach().abs() for name, latent in self.tensors.items()}
        levels: tuple[str, ...] = ()
        if self.gates is not None:
            self.gates.update(1.0, self.alive)
            scores |= self.gates.scores()
            levels = self.gates.spec.whole_groups
        self.observed = self.observed_rate()
        if self.method.many:
            lowest = replace(self.budget, rate=self.config.seen_rates[0])
            self.ranks = self.topology.order(scores, lowest, self.budget)
            masks = masks_at(self.ranks, NEVER)
        elif levels:
            masks, reached = self.topology.choose_groups(
                scores, self.budget, levels, self._opened()
            )
            self.note = "; ".join(map(str, reached))
        else:
            masks = self.topology.choose(scores, self.budget)
        self.fix(masks)

    def _opened(self) -> Masks:
        """What the gates leave open and alive at the moment."""
        masks = {n: torch.ones_like(t, dtype=torch.bool) for n, t in self.tensors.items()}
        gated = gate.gated_tensors(self.net)
        return self.alive(masks | {g.name: g.gate.hard_mask(g.latent) for g in gated})

    def alive(self, masks: Masks) -> Masks:
        """The masks without what can do nothing in this network."""
        return self.topology.live(masks)

    @cached_property
    def topology(self) -> Topology:
        """How the weights hang together; followed before there are gates, and only where it is asked."""
        return topology_of(self.net, self.example)

    def _costs(self) -> Mapping[str, float]:
        return self.topology.costs

    def fix(self, masks: Masks) -> None:
        gate.fix(self.net, masks)
        self.masks = masks

    def finish(self) -> Masks:
        """After the last step: the final masks (all ones for the dense network)."""
        if self.masks is None and self.cut_step is not None:
            self.cut()
        if self.masks is None:
            return {name: torch.ones_like(t, dtype=torch.bool) for name, t in self.tensors.items()}
        return self.masks

    def observed_rate(self) -> float:
        """The fraction of prunable weights that are removed at this moment (soft masks at 1/2)."""
        if self.masks is not None:
            kept = sum(int(m.sum()) for m in self.masks.values())
            return 1 - kept / self.weights
        return self.gates.observed_rate() if self.gates is not None else 0.0

    def facts(self) -> dict[str, Any]:
        """What a checkpoint must know beside the tensors."""
        return {"stage": self.stage, "observed": self.observed, "note": self.note}

    def restore(self, facts: dict[str, Any]) -> None:
        """Bear the gates that the checkpoint's tensors expect; their values are loaded afterwards."""
        if facts["stage"] == "fixed":
            self.fix({n: torch.ones_like(t, dtype=torch.bool) for n, t in self.tensors.items()})
        self.observed, self.note = facts["observed"], facts.get("note")

    def loaded(self) -> None:
        """After a checkpoint's tensors are loaded: read the fixed masks back from the gates."""
        if self.masks is not None:
            self.masks = {
                g.name: g.gate.mask(g.latent).bool() for g in gate.gated_tensors(self.net)
            }


def before_step(runs: Sequence[Pruning], step: int) -> None:
    """`Pruning.before_step` of runs that differ in fold, seed and rate alone."""
    cut = runs[0].cut_step
    if runs[0].masks is not None:
        return
    if cut is not None and step >= cut:
        for run in runs:
            run.cut()
    elif gates := [run.gates for run in runs if run.gates is not None]:
        gate.update_together(gates, step / cut if cut else 1.0, runs[0].alive)


def after_step(runs: Sequence[Pruning], step: int) -> None:
    """`Pruning.after_step` of runs that differ in fold, seed and rate alone."""
    first, config = runs[0], runs[0].config
    gates = [run.gates for run in runs if run.gates is not None and run.masks is None]
    if gates and "alignment" in first.method.terms and config.alignment == "transport":
        progress = (step + 1) / (first.cut_step or config.steps)
        transport(gates, config.prior, strength(config.pull, progress))
