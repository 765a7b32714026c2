"""Learner: a network and its objective as one function; Stack: many learners as one computation.

    learner(signal, labels)                      -> the objective's terms
    Stack([learner, learner, …])(signal, labels) -> the same with a leading axis of runs

A stack trains runs of one shape (same network, method and schedule; other fold, seed or rate) with the
products of all runs in one batched call: where a single small network leaves a GPU idle, many of them
do not. Every run keeps its own network, gates and optimiser, whose tensors become views of the
stacked ones; so what sets gates, saves checkpoints or looks at a network need not know of stacks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, vmap

from bandstop.objective import Labels, Objective

ManyLabels = Int[Tensor, "run batch"] | Float[Tensor, "run batch source class"]


class Learner(nn.Module):
    """`net`, its objective, and the optimiser that moves it."""

    def __init__(self, net: nn.Module, objective: Objective, optimiser: torch.optim.AdamW) -> None:
        super().__init__()
        self.net, self.objective, self.optimiser = net, objective, optimiser

    def forward(self, signal: Float[Tensor, "batch ..."], labels: Labels) -> Float[Tensor, " term"]:
        """The unweighted value of every term of the objective."""
        return self.objective(self.net, signal, labels)


def adam(
    model: nn.Module, rate: float, decay: float = 0.0, decayed: Iterable[Tensor] = ()
) -> torch.optim.AdamW:
    """AdamW over every parameter, fused into one kernel a step.

        w <- w - rate decay w - rate m / (sqrt(s) + eps)    for those of `decayed`; without the decay else

    (Decoupled weight decay: Loshchilov and Hutter, arXiv 1711.05101; of the prunable weights alone, whose
    unit variance says what a decay means: our choice. A bias that shrinks, or a gate's own parameter, is
    no smaller network.)
    """
    shrinking = {id(p) for p in decayed} if decay else set()
    groups = [
        {"params": some, "weight_decay": weight}
        for is_in, weight in ((True, decay), (False, 0.0))
        if (some := [p for p in model.parameters() if (id(p) in shrinking) == is_in])
    ]
    return torch.optim.AdamW(groups, lr=rate, fused=True)


class Alone:
    """One learner, as a stack of one that costs nothing."""

    def __init__(self, learner: Learner) -> None:
        self.learners, self.optimiser = [learner], learner.optimiser

    def __call__(
        self, signals: Float[Tensor, "1 batch ..."], labels: ManyLabels
    ) -> Float[Tensor, "1 term"]:
        return self.learners[0](signals[0], labels[0])[None]

    def share_moments(self) -> None:
        """Nothing to share."""


class Stack:
    """Learners whose networks have the same tensors; they must change their gates at the same steps.

    Equal to training each alone but for rounding: batched products sum in another order.
    """

    def __init__(self, learners: Sequence[Learner]) -> None:
        self.learners = list(learners)
        mine = [_parameters(learner.optimiser) for learner in learners]
        self.parameters = [
            torch.stack([p.detach() for p in same]) for same in zip(*mine, strict=True)
        ]
        for stacked, same in zip(self.parameters, zip(*mine, strict=True), strict=True):
            stacked.requires_grad_()
            for p, part in zip(same, stacked.detach(), strict=True):
                p.data = part
        # by object: a parameter's name changes when a gate is put on it or taken off
        self.stacked_of = {id(p): s for p, s in zip(mine[0], self.parameters, strict=True)}
        first = learners[0].optimiser
        places = iter(self.parameters)
        self.optimiser = torch.optim.AdamW(
            [
                group | {"params": [next(places) for _ in group["params"]]}
                for group in first.param_groups
            ]
        )
        self._take_moments(mine)
        self.buffers: dict[str, Tensor] = {}

    def __call__(
        self, signals: Float[Tensor, "run batch ..."], labels: ManyLabels
    ) -> Float[Tensor, "run term"]:
        base = self.learners[0]
        if dict(base.named_buffers()).keys() != self.buffers.keys():
            self._take_buffers()
        parameters = {name: self.stacked_of[id(p)] for name, p in base.named_parameters()}

        def one(state: dict[str, Tensor], signal: Tensor, label: Tensor) -> Tensor:
            return functional_call(base, state, (signal, label))

        return vmap(one)(parameters | self.buffers, signals, labels)

    def _take_buffers(self) -> None:
        """Stack the gates' numbers and masks; each gate goes on writing into its own part."""
        own = [dict(learner.named_buffers()) for learner in self.learners]
        self.buffers = {name: torch.stack([b[name] for b in own]) for name in own[0]}
        for name, stacked in self.buffers.items():
            for buffers, part in zip(own, stacked, strict=True):
                buffers[name].data = part

    def _take_moments(self, mine: Sequence[Sequence[Tensor]]) -> None:
        """Stack Adam's moments where the learners bring some from a checkpoint."""
        optimisers = [learner.optimiser for learner in self.learners]
        for stacked, same in zip(self.parameters, zip(*mine, strict=True), strict=True):
            states = [o.state[p] for o, p in zip(optimisers, same, strict=True)]
            if states[0]:
                self.optimiser.state[stacked] = {
                    "step": states[0]["step"].clone(),
                    "exp_avg": torch.stack([s["exp_avg"] for s in states]),
                    "exp_avg_sq": torch.stack([s["exp_avg_sq"] for s in states]),
                }

    def share_moments(self) -> None:
        """Give each learner's optimiser its part of the moments, for its own checkpoint."""
        for place, stacked in enumerate(self.parameters):
            state = self.optimiser.state[stacked]
            for run, learner in enumerate(self.learners):
                p = _parameters(learner.optimiser)[place]
                learner.optimiser.state[p] = {
                    "step": state["step"],
                    "exp_avg": state["exp_avg"][run],
                    "exp_avg_sq": state["exp_avg_sq"][run],
                }


def _parameters(optimiser: torch.optim.AdamW) -> list[Tensor]:
    return [p for group in optimiser.param_groups for p in group["params"]]
