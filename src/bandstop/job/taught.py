"""Batches whose labels come in part from networks that were trained before (distillation)."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.func import functional_call, vmap

from bandstop.nn import Network
from bandstop.objective import distilled
from bandstop.record import Config


class Taught:
    """step -> signals, and parts of labels: those of the batch mixed with what the teachers say of the
    very same signals, varied as they are.

    teachers  of each run as many networks, all of one shape: one computation for all runs
    """

    def __init__(
        self,
        batches: Callable[[int], tuple[Tensor, Tensor]],
        teachers: Sequence[Sequence[Network]],
        config: Config,
    ) -> None:
        self.batches, self.config = batches, config
        self.net = teachers[0][0].eval().requires_grad_(False)
        self.states = [
            {
                name: torch.stack([net.state_dict()[name] for net in same])
                for name in self.net.state_dict()
            }
            for same in zip(*teachers, strict=True)
        ]

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        signals, labels = self.batches(step)
        taught = self.say(signals)
        return signals, distilled(labels, taught, self.config.distil, self.config.label_smoothing)

    @torch.no_grad()
    def say(
        self, signals: Float[Tensor, "run batch node feature"]
    ) -> Float[Tensor, "run batch class"]:
        """The mean over the teachers of softmax(logits / temperature)."""

        def one(state: dict[str, Tensor], signal: Tensor) -> Tensor:
            return functional_call(self.net, state, (signal,))

        several = vmap(one) if len(signals) > 1 else _alone(one)
        said = [several(state, signals) / self.config.temperature for state in self.states]
        return torch.stack([logits.softmax(dim=-1) for logits in said]).mean(dim=0)


def _alone(one: Callable[[dict[str, Tensor], Tensor], Tensor]) -> Callable[..., Tensor]:
    """Of one run as of many, without batched products."""
    return lambda states, signals: one({n: s[0] for n, s in states.items()}, signals[0])[None]
