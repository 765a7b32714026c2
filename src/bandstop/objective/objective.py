"""What training minimises: named terms and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from bandstop.gate.prior import PRIORS
from bandstop.objective.alignment import ALIGNMENTS


@dataclass(frozen=True)
class Term:
    """weight * value(); `value` looks at the model when it is called."""

    name: str
    weight: float
    value: Callable[[], Tensor]


@dataclass(frozen=True)
class Objective:
    """cross-entropy(logits, labels) + sum of weight * term.

    smoothing  label smoothing of the cross-entropy, in [0, 1)
    """

    terms: tuple[Term, ...] = ()
    smoothing: float = 0.0

    @property
    def names(self) -> tuple[str, ...]:
        return ("cross_entropy", *(term.name for term in self.terms))

    def __call__(
        self, logits: Float[Tensor, "batch class"], labels: Int[Tensor, " batch"]
    ) -> tuple[Tensor, Tensor]:
        """The sum to minimise, and the unweighted value of every term, in the order of `names`."""
        values = [functional.cross_entropy(logits, labels, label_smoothing=self.smoothing)]
        total = values[0]
        for term in self.terms:
            value = term.value()
            total = total + term.weight * value
            values.append(value)
        return total, torch.stack([v.detach() for v in values])


def alignment_term(
    kind: str, prior: str, weight: float, latents: Callable[[], dict[str, Tensor]]
) -> Term:
    """lambda * distance(P, Q) over all the latents together; `kind` is a key of ALIGNMENTS."""

    def value() -> Tensor:
        pooled = torch.cat([v.flatten() for v in latents().values()])
        return ALIGNMENTS[kind](pooled, PRIORS[prior])

    return Term(f"alignment_{kind}", weight, value)
