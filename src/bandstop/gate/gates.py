"""Gates: the handle on all gates of one model, which sets them in each step and reads what they do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from bandstop.budget import Share
from bandstop.errors import BadInput
from bandstop.gate.base import Alive, GateSpec
from bandstop.gate.gated import FixedMask, gated_tensors
from bandstop.gate.survey import counted, survey
from bandstop.number import real


class Gates:
    """The gates on one model: sets them in each step and reads what they do.

    shapes    of every prunable tensor, the exempt ones too
    left_out  name -> why not, of the tensors that are not prunable although they have two dimensions;
              they count nowhere
    settled   whether the masks are final (`prune.settle`); then `update` has nothing left to do
    """

    def __init__(self, model: nn.Module, spec: GateSpec) -> None:
        self.spec = spec
        self.tensors = {g.name: g for g in gated_tensors(model)}
        bare, self.left_out = survey(model)
        tensors = {name: g.latent for name, g in self.tensors.items()} | bare
        self.shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
        sizes = {name: math.prod(shape) for name, shape in self.shapes.items()}
        self.shares: tuple[Share, ...] = spec.budget.resolve(sizes)
        self.weights = sum(sizes.values())

    @property
    def latents(self) -> dict[str, Tensor]:
        """Name -> latent / scale, with its gradient path: what is aligned with the prior."""
        return {n: g.gate.unit(g.latent) for n, g in self.tensors.items()}

    @property
    def settled(self) -> bool:
        return bool(self.tensors) and all(
            isinstance(g.gate, FixedMask) for g in self.tensors.values()
        )

    def hold(self, model: nn.Module, named: Mapping[str, str]) -> None:
        """Take for one's own the gates that now stand in their places: fixed masks.

        named  as `names_in` gave it before they were put there
        """
        now = {g.name: g for g in gated_tensors(model)}
        self.tensors = {name: replace(now[there], name=name) for name, there in named.items()}

    @property
    def device(self) -> torch.device:
        return next(iter(self.tensors.values())).latent.device

    def update(self, progress: float, alive: Alive = dict) -> None:
        """Set thresholds and sharpness for t = progress in [0, 1] of the training.

        Errors: BadInput for another number, such as that of the step, and when the gates are gone.
        """
        update_together([self], progress, alive)

    def names_in(self, model: nn.Module) -> dict[str, str]:
        """Name of each gated tensor -> its name in the model, which may have been wrapped since.

        Errors: BadInput for a model that does not bear these gates, all of them and no others.
        """
        there = list(gated_tensors(model))
        names = {id(g.gate): g.name for g in there}
        missing = [name for name, g in self.tensors.items() if id(g.gate) not in names]
        if not there and missing:
            why = "this model bears no gates; they were finished, baked or detached"
        elif len(missing) == len(self.tensors) > 0:
            fixed = all(isinstance(g.gate, FixedMask) for g in there)
            why = (
                "its masks are fixed already; train on, and end with gate.bake(model)"
                if fixed
                else "this model, a copy perhaps, bears others; finish the model that they were "
                "attached to, or copy both at once: copy.deepcopy((model, gates))"
            )
        elif missing:
            why = f"{counted(missing)} of this model was exchanged since; attach gates anew"
        elif len(there) > len(names):
            why = "a weight that was shared is two now (load_state_dict(assign=True)?); share it again"
        elif len(there) > len(self.tensors):
            why = "this model bears others too; finish its part that they were attached to"
        else:
            return {name: names[id(g.gate)] for name, g in self.tensors.items()}
        raise BadInput(f"these gates are not this model's: {why}")

    @torch.no_grad()
    def scores(self) -> dict[str, Tensor]:
        """Name -> what each weight's survival is judged by, comparable within a share of the budget."""
        found = {name: g.gate.scores(g.latent) for name, g in self.tensors.items()}
        if self.spec.whole_groups:  # ordered by groups, of each tensor apart
            return found
        for share in self.shares:
            units = {n: self.tensors[n].gate.unit(self.tensors[n].latent) for n in share.names}
            energies = {n: v.square().reshape(1, -1) for n, v in units.items()}
            ranked = self.spec.ranked([share], [share.total - share.keep], energies) or {}
            for name, rank in ranked.items():
                g = self.tensors[name]
                found[name] = g.gate.ordered(g.latent, rank.view(g.latent.shape))
        return found

    @torch.no_grad()
    def observed_rate(self) -> float:
        """The fraction of all prunable weights whose mask is below 1/2 now."""
        kept = sum(int(g.gate.hard_mask(g.latent).sum()) for g in self.tensors.values())
        exempt = self.weights - sum(g.latent.numel() for g in self.tensors.values())
        return 1 - (kept + exempt) / self.weights


SLACK = 1e-6
"""By how much a progress that was added up may miss the end."""


@torch.no_grad()
def update_together(models: Sequence[Gates], progress: float, alive: Alive = dict) -> None:
    """`update` of models that differ in their weights, rates and seeds alone, in a few calls for all.

    alive  masks of one model, by name -> the same without what is dead
    """
    if not -SLACK <= (part := real(progress)) <= 1 + SLACK:
        raise BadInput(
            "update takes the part of the training that is done, a number in [0, 1], not "
            f"{progress!r}; give it step / steps"
        )
    for gates in models:
        for g in gates.tensors.values():
            _ = g.latent  # says so where the gate is gone
    if models[0].settled:
        return
    if models[0].tensors:  # there are none where everything is exempt
        if models[0].spec.balanced:
            for gates in models:
                for g in gates.tensors.values():
                    g.gate.measure(g.latent)
        models[0].spec.update(models, min(max(part, 0.0), 1.0), alive)
