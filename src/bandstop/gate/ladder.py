"""Many rates at once: one latent tensor, a threshold for every rate of the step (MRMP, arXiv 2312.17615).

    weights at rate r:   latent * psi_{a(r), sigma}(latent)

A gate holds its rates' thresholds as `rungs`. `at_every_rung` evaluates the network at all of them in
one batched computation; by itself the network is at the highest rate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, vmap

from bandstop.budget import Budget
from bandstop.gate.base import Alive, Rule
from bandstop.gate.spec import BandStop, BandStopGate, fill, magnitudes, set_sharpness
from bandstop.number import real, whole

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

SEEN = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
"""The rates that the paper trains with."""

Labels = Int[Tensor, " batch"] | Float[Tensor, "batch source class"]
"""A class each, NO_LABEL for none; or each class's part of a label from each of its sources, all zero for
none."""

NO_LABEL = -100
"""In place of a label: a sample that counts nothing, as torch's cross-entropy has it."""

CRISP = 1e6
"""Sharpness at which a mask is 0 or 1 in float32 and its slope 0."""


class LadderGate(BandStopGate):
    """A band-stop gate with several thresholds; `threshold` is the highest rate's."""

    rungs: Float[Tensor, " rung"]

    def __init__(self, like: Tensor, scale: float, sharpness: float, count: int) -> None:
        super().__init__(like, scale, sharpness)
        self.hold(like, rungs=torch.zeros(count))


@dataclass(frozen=True)
class Ladder(BandStop):
    """Band-stop gates for several rates; `rate` is the highest of them.

    seen      the rates that are trained, rising
    together  how many of them in a step, at least 2: always the lowest and the highest, and others by
              turns (our choice); 0: all (the paper's form)
    settle    part at the end in which the masks are crisp, so that what is trained is what stays
              (our choice)
    """

    seen: tuple[float, ...] = SEEN
    together: int = 4
    settle: float = 0.1

    @property
    def count(self) -> int:
        """Rungs of a step."""
        return min(self.together, len(self.seen)) if self.together else len(self.seen)

    @property
    def words(self) -> str:
        return "multi-rate gate"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "seen", tuple(map(real, self.seen)))

    @property
    def numbers(self) -> dict[str, Rule]:
        return super().numbers | {
            "together": (whole, "0 or at least 2", lambda v: v == 0 or v >= 2),
            "settle": (real, "in [0, 1)", lambda v: 0 <= v < 1),
        }

    def problems(self) -> list[str]:
        try:
            seen = list(map(real, self.seen))
        except TypeError:
            seen = []
        if not seen or seen != sorted(set(seen)) or not 0 <= seen[0] <= seen[-1] < 1:
            return [f"the seen rates must rise within [0, 1), not {self.seen!r}"]
        problems = []
        if real(self.rate) != seen[-1]:
            problems.append(f"the rate must be the highest seen, {seen[-1]}, not {self.rate!r}")
        if whole(self.together) > max(len(seen), self.default("together")):
            problems.append(f"together is {self.together!r}, and only {len(seen)} rates are seen")
        return problems

    def gate(self, like: Tensor, scale: float) -> LadderGate:
        return LadderGate(like, scale, self.sharpness(0.0), self.count)

    def rates_at(self, progress: float) -> tuple[float, ...]:
        """The rates of the step at t: a function of t alone, so a resumed training makes the same."""
        first, *inner, last = self.seen if len(self.seen) > 1 else (*self.seen, *self.seen)
        if self.count >= len(self.seen):
            return self.seen
        seed = hashlib.blake2b(f"{progress:.9f}".encode(), digest_size=8).digest()
        generator = torch.Generator().manual_seed(int.from_bytes(seed) >> 1)
        order = torch.randperm(len(inner), generator=generator)[: self.count - 2]
        return (first, *(inner[i] for i in order.sort().values.tolist()), last)

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """The thresholds of this step's rates, each by magnitude in every share of its budget, or by
        the prior."""
        ramp, rates = self.ramp(progress / (1 - self.settle)), self.rates_at(progress)
        sizes = {name: prod(shape) for name, shape in models[0].shapes.items()}
        budgets = [Budget(r, self.scope, self.exempt, self.rates).resolve(sizes) for r in rates]
        for shares in zip(*budgets, strict=True):
            fields = magnitudes(models, shares[0].names)
            rungs = [self.thresholds([s] * len(models), fields, ramp) for s in shares]
            for name in fields:
                at = torch.stack([rung[name] for rung in rungs], dim=1)
                fill(models, name, "rungs", at)
                fill(models, name, "threshold", at[:, -1])
        crisp = progress >= 1 - self.settle
        set_sharpness(models, CRISP if crisp else self.sharpness(progress / (1 - self.settle)))


def at_every_rung(
    net: nn.Module, signal: Float[Tensor, "batch ..."], labels: Labels
) -> tuple[Tensor, Tensor]:
    """Logits of every sample at every rung, rung after rung, and the labels: the paper's sum over rates,
    divided by their number."""
    rungs = _thresholds(net)
    count = len(next(iter(rungs.values())))
    logits = _at_each(net, rungs, signal.expand(count, *signal.shape))
    return logits.flatten(0, 1), labels.repeat(len(logits), *[1] * (labels.ndim - 1))


def at_one_rung_each(
    net: nn.Module, signal: Float[Tensor, "batch ..."], labels: Labels
) -> tuple[Tensor, Tensor]:
    """Logits of every sample at one rung: rung k sees samples k, k + K, … So a step costs what it costs
    at one rate (our choice). The last round is filled up with samples that have no label."""
    rungs = _thresholds(net)
    count = len(next(iter(rungs.values())))
    more = -len(signal) % count
    signal = torch.cat([signal, signal[:1].expand(more, *signal.shape[1:])])
    none = 0 if labels.is_floating_point() else NO_LABEL
    labels = torch.cat([labels, labels.new_full((more, *labels.shape[1:]), none)])
    parts = signal.unflatten(0, (-1, count)).transpose(0, 1)
    logits = _at_each(net, rungs, parts)
    return logits.transpose(0, 1).flatten(0, 1), labels


def _at_each(
    net: nn.Module, rungs: dict[str, Tensor], parts: Float[Tensor, "rung ..."]
) -> Float[Tensor, "rung ..."]:
    """The network at every rung; one after the other where it keeps running statistics, which are one
    for all rungs."""
    if not any(isinstance(m, BATCH_NORMS) and m.track_running_stats for m in net.modules()):
        return vmap(partial(_at, net))(rungs, parts)
    each = [{name: t[k] for name, t in rungs.items()} for k in range(len(parts))]
    return torch.stack([_at(net, t, part) for t, part in zip(each, parts, strict=True)])


BATCH_NORMS = nn.modules.batchnorm._BatchNorm


def _thresholds(net: nn.Module) -> dict[str, Float[Tensor, " rung"]]:
    return {
        f"{name}.threshold": module.rungs
        for name, module in net.named_modules()
        if isinstance(module, LadderGate)
    }


def _at(net: nn.Module, thresholds: dict[str, Tensor], signal: Tensor) -> Tensor:
    return functional_call(net, thresholds, (signal,))
