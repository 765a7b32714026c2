"""What training minimises: named terms and their weighted sum."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from bandstop.gate import gated_tensors
from bandstop.gate.ladder import NO_LABEL, Labels
from bandstop.gate.prior import PRIORS
from bandstop.objective.alignment import ALIGNMENTS


@dataclass(frozen=True)
class Term:
    """weight * value(network).

    value  looks at the network that it is called with, and only through it, so that several networks
           can be evaluated as one (`bandstop.train.Stack`)
    """

    name: str
    weight: float
    value: Callable[[nn.Module], Float[Tensor, ""]]


Outputs = Callable[[nn.Module, Tensor, Tensor], tuple[Tensor, Tensor]]
"""(network, signal, labels) -> logits, and the label of each of their rows."""


def once(net: nn.Module, signal: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The network as it is, called once with every sample."""
    return net(signal), labels


@dataclass(frozen=True)
class Objective:
    """cross-entropy(net(signal), labels) + sum of weight * term(net).

    smoothing  label smoothing of the cross-entropy, in [0, 1)
    weights    of the classes in the cross-entropy; None: all the same
    outputs    how the network is called: once, or at several rates
    temperature  at which it is held to its teachers, where labels come from those too
    """

    terms: tuple[Term, ...] = ()
    smoothing: float = 0.0
    outputs: Outputs = once
    weights: Float[Tensor, " class"] | None = None
    temperature: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        return ("cross_entropy", *(term.name for term in self.terms))

    def __call__(self, net: nn.Module, signal: Tensor, labels: Labels) -> Float[Tensor, " term"]:
        """The unweighted value of every term, in the order of `names`."""
        logits, wanted = self.outputs(net, signal, labels)
        if wanted.is_floating_point():
            first = taught_cross_entropy(logits, wanted, self.temperature, self.weights)
        else:
            first = cross_entropy(logits, wanted, self.smoothing, self.weights)
        return torch.stack([first, *(term.value(net) for term in self.terms)])

    def total(self, values: Float[Tensor, "*run term"]) -> Float[Tensor, ""]:
        """What is minimised: the weighted sum, over runs too (no run's gradient sees another's)."""
        weights = (1.0, *(term.weight for term in self.terms))
        parts = (w * v.sum() for w, v in zip(weights, values.unbind(-1), strict=True) if w)
        return sum(parts, start=values.new_zeros(()))


def cross_entropy(
    logits: Float[Tensor, "batch class"],
    labels: Int[Tensor, " batch"],
    smoothing: float = 0.0,
    weights: Float[Tensor, " class"] | None = None,
) -> Float[Tensor, ""]:
    """Mean of -ln softmax(logits)[label] over the samples that have a label, in nats; a sample weighs as
    much as its class does."""
    return functional.cross_entropy(
        logits, labels, weights, ignore_index=NO_LABEL, label_smoothing=smoothing
    )


def taught_cross_entropy(
    logits: Float[Tensor, "batch class"],
    parts: Float[Tensor, "batch two class"],
    temperature: float,
    weights: Float[Tensor, " class"] | None = None,
) -> Float[Tensor, ""]:
    """sum_ic w_c (t_i0c (-ln p_ic) + T^2 t_i1c (-ln q_ic)) / sum w t, p = softmax(logits),
    q = softmax(logits / T): held to its label at temperature 1 and to its teachers at T, whose gradients
    T^2 makes as large (Hinton et al., arXiv 1503.02531). parts: see `distilled`."""
    parts = parts if weights is None else parts * weights
    own, taught = parts.unbind(dim=1)
    softer = temperature**2 * taught * (logits / temperature).log_softmax(dim=1)
    return -(own * logits.log_softmax(dim=1) + softer).sum() / parts.sum()


def distilled(
    labels: Int[Tensor, "*run batch"],
    taught: Float[Tensor, "*run batch class"],
    part: float,
    smoothing: float = 0.0,
) -> Float[Tensor, "*run batch two class"]:
    """(1 - part) smooth(label), and part taught: what each source has of a label, nothing without one."""
    classes, known = taught.shape[-1], labels != NO_LABEL
    hard = functional.one_hot(labels.clamp(min=0), classes).to(taught.dtype)
    smooth = (1 - smoothing) * hard + smoothing / classes
    return torch.stack([(1 - part) * smooth, part * taught], dim=-2) * known[..., None, None]


def balanced(labels: Int[Tensor, " sample"], classes: int) -> Float[Tensor, " class"]:
    """N / (K n_c): weights that make each of the K classes that occur count as much in the loss.

    >>> balanced(torch.tensor([0, 0, 0, 2]), 3)
    tensor([0.6667, 0.0000, 2.0000])
    """
    counts = labels.bincount(minlength=classes).float()
    weights = len(labels) / (int((counts > 0).sum()) * counts)
    return torch.where(counts > 0, weights, 0.0)


def alignment_term(kind: str, prior: str, weight: float, names: Collection[str]) -> Term:
    """lambda * distance(P, Q) over the latents of those gated tensors together.

    kind  a key of ALIGNMENTS
    """

    def value(net: nn.Module) -> Tensor:
        latents = [g.gate.unit(g.latent) for g in gated_tensors(net) if g.name in names]
        return ALIGNMENTS[kind](torch.cat([v.flatten() for v in latents]), PRIORS[prior])

    return Term(f"alignment_{kind}", weight, value)
