"""Attach, update, fix, bake and detach gates on any nn.Module, by torch.nn.utils.parametrize.

    gates = attach(model, BandStop(rate=0.9))      weights become latent * mask(latent)
    gates.update(progress)                         in every step: threshold and sharpness
    fix(model, masks)                              the mask becomes 0/1 and stays; training can go on
    bake(model)                                    plain parameters again, masked
    detach(model)                                  plain parameters again, the latents untouched

The latent is the very parameter object that was there before, so an optimiser made before attaching
goes on working through every change, and gets the same object back at the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bandstop.budget import Share
from bandstop.errors import BadInput
from bandstop.gate.band_stop import band_stop
from bandstop.gate.prior import PRIORS
from bandstop.gate.spec import BandStop, magnitude_quantiles


class Gate(nn.Module):
    """A parametrization: latent -> latent * mask(latent)."""

    def mask(self, latent: Tensor) -> Tensor:
        """The mask, in [0, 1], the latent's shape."""
        raise NotImplementedError

    def scores(self, latent: Tensor) -> Tensor:
        """What a weight's survival is judged by, comparable between tensors."""
        return latent.detach().abs()

    def unit(self, latent: Tensor) -> Tensor:
        """The latent in its own unit, in which the prior has variance 1."""
        return latent

    def hard_mask(self, latent: Tensor) -> Tensor:
        """The mask made 0/1: kept where it is at least 1/2."""
        return self.mask(latent.detach()) >= 0.5

    def forward(self, latent: Tensor) -> Tensor:
        return latent * self.mask(latent)


class BandStopGate(Gate):
    """psi_{a, sigma}(latent / scale); the three numbers are buffers, so they travel in state_dict."""

    threshold: Tensor
    sharpness: Tensor
    scale: Tensor

    def __init__(self, like: Tensor, scale: float, sharpness: float) -> None:
        super().__init__()
        for name, value in [("threshold", 0.0), ("sharpness", sharpness), ("scale", scale)]:
            self.register_buffer(name, torch.tensor(value, dtype=like.dtype, device=like.device))

    def unit(self, latent: Tensor) -> Tensor:
        return latent / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        return band_stop(self.unit(latent), self.threshold, self.sharpness)

    def scores(self, latent: Tensor) -> Tensor:
        return latent.detach().abs() / self.scale


class FixedMask(Gate):
    """A mask that no longer changes: 0/1, a buffer."""

    chosen: Tensor

    def __init__(self, chosen: Tensor, like: Tensor) -> None:
        super().__init__()
        if chosen.shape != like.shape:
            raise BadInput(
                f"a mask must have its tensor's shape {tuple(like.shape)}, not {tuple(chosen.shape)}"
            )
        if not ((chosen == 0) | (chosen == 1)).all():
            raise BadInput("a fixed mask holds only 0 and 1")
        self.register_buffer("chosen", chosen.to(like))

    def mask(self, latent: Tensor) -> Tensor:
        return self.chosen


@dataclass(frozen=True)
class Gated:
    """One gated tensor: its full name, where it lives, its gate, its latent."""

    name: str
    module: nn.Module
    attribute: str
    gate: Gate
    latent: Tensor


def gated_tensors(model: nn.Module) -> Iterator[Gated]:
    """Every tensor of the model that bears a gate of ours, in the order of `named_modules`.

    A tensor used in several places is given once, where it is used first.
    """
    seen = set()
    for g in _gated_places(model):
        if id(g.latent) not in seen:
            seen.add(id(g.latent))
            yield g


def _gated_places(model: nn.Module) -> Iterator[Gated]:
    """Every place where a gate of ours stands: several for a tensor used in several."""
    for path, module in model.named_modules():
        if not parametrize.is_parametrized(module):
            continue
        assert isinstance(module.parametrizations, nn.ModuleDict)
        for attribute, chain in module.parametrizations.items():
            gate = chain[0]  # type: ignore[index]
            if isinstance(gate, Gate):
                name = f"{path}.{attribute}" if path else attribute
                yield Gated(name, module, attribute, gate, chain.original)  # type: ignore[arg-type]


def prunable(model: nn.Module) -> dict[str, Tensor]:
    """Name -> latent of everything that can be pruned: parameters of two or more dimensions.

    Biases and normalisation scales have one dimension and stay. A tensor used in several places is
    listed once, under its first name. Gated tensors are listed under the name they had before.
    """
    found = {g.name: g.latent for g in gated_tensors(model)}
    seen = {id(latent) for latent in found.values()}
    for _, _, name, tensor in _parameters(model):
        if tensor.dim() >= 2 and id(tensor) not in seen:
            seen.add(id(tensor))
            found[name] = tensor
    return found


def _parameters(model: nn.Module) -> Iterator[tuple[nn.Module, str, str, Tensor]]:
    """(module, attribute, full name, parameter) at every place where a parameter without gate stands."""
    for path, module in model.named_modules():
        if isinstance(module, parametrize.ParametrizationList | Gate):
            continue
        for attribute, tensor in module._parameters.items():
            if tensor is not None:
                yield module, attribute, f"{path}.{attribute}" if path else attribute, tensor


class Gates:
    """The band-stop gates on one model: sets them in each step and reads what they do."""

    def __init__(self, model: nn.Module, spec: BandStop) -> None:
        self.spec = spec
        self.tensors = {g.name: g for g in gated_tensors(model)}
        sizes = {name: tensor.numel() for name, tensor in prunable(model).items()}
        self.shares: tuple[Share, ...] = spec.budget.resolve(sizes)
        self.weights = sum(sizes.values())

    @property
    def latents(self) -> dict[str, Tensor]:
        """Name -> latent / scale, with its gradient path: what is aligned with the prior."""
        return {n: g.gate.unit(g.latent) for n, g in self.tensors.items()}

    def update(self, progress: float) -> None:
        """Set threshold and sharpness for t = progress in [0, 1] of the training."""
        update_together([self], progress)

    @torch.no_grad()
    def observed_rate(self) -> float:
        """The fraction of all prunable weights whose mask is below 1/2 now."""
        kept = sum(int(g.gate.hard_mask(g.latent).sum()) for g in self.tensors.values())
        exempt = self.weights - sum(g.latent.numel() for g in self.tensors.values())
        return 1 - (kept + exempt) / self.weights


@torch.no_grad()
def update_together(models: Sequence[Gates], progress: float) -> None:
    """`update` of models that differ in their weights and rates alone, in a few calls for all."""
    spec = models[0].spec
    sharpness, ramp = spec.sharpness(progress), spec.ramp(progress)
    for shares in zip(*(m.shares for m in models), strict=True):
        removed = [round((share.total - share.keep) * ramp) for share in shares]
        gates = [[m.tensors[name].gate for m in models] for name in shares[0].names]
        if spec.threshold == "empirical":
            scores = [
                torch.stack([m.tensors[name].latent for m in models]).flatten(1).abs()
                / torch.stack([gate.scale for gate in same])[:, None]  # type: ignore[misc]
                for name, same in zip(shares[0].names, gates, strict=True)
            ]
            a = magnitude_quantiles(torch.cat(scores, dim=1), removed)
        else:
            prior = PRIORS[spec.prior]
            rates = (r / share.total for r, share in zip(removed, shares, strict=True))
            a = torch.tensor([prior.threshold(rate) for rate in rates])
        for same in gates:
            thresholds: list[Tensor] = [gate.threshold for gate in same]  # type: ignore[misc]
            torch._foreach_copy_(thresholds, list(a.to(thresholds[0]).unbind()))
            for gate in same:
                gate.sharpness.fill_(sharpness)  # type: ignore[operator]


def attach(model: nn.Module, spec: BandStop) -> Gates:
    """Put a band-stop gate on every prunable, not exempt tensor of the model.

    Checks everything before it changes anything. Errors: BadInput for a budget that cannot be met, a
    model with nothing to prune, or one that bears gates already.
    """
    if any(True for _ in gated_tensors(model)):
        raise BadInput("the model bears gates already; bake or detach them first")
    tensors = prunable(model)
    if not tensors:
        raise BadInput("the model has no parameter of two or more dimensions: nothing to prune")
    shares = spec.budget.resolve({name: t.numel() for name, t in tensors.items()})
    gates = {}
    for name in (name for share in shares for name in share.names):
        scale = (
            1.0 if spec.scale == "unit" else float(tensors[name].detach().square().mean().sqrt())
        )
        if not scale > 0:
            raise BadInput(f"`{name}` is all zero and has no scale; initialise it or exempt it")
        gates[name] = BandStopGate(tensors[name], scale, spec.sharpness(0.0))
    for name, gate in gates.items():
        _put(model, tensors[name], gate)
    return Gates(model, spec)


def detach(model: nn.Module) -> None:
    """Take all gates off; the latents are the parameters again, untouched."""
    for g in list(_gated_places(model)):
        parametrize.remove_parametrizations(g.module, g.attribute, leave_parametrized=False)


@torch.no_grad()
def bake(model: nn.Module, masks: Mapping[str, Tensor] | None = None) -> None:
    """Make the masks final: each latent is multiplied by its 0/1 mask and the gates are gone.

    `masks`: name -> 0/1; where not given, the gates' own masks made hard.
    """
    chosen = _checked(model, masks) if masks is not None else None
    if chosen is None:
        chosen = {g.name: g.gate.hard_mask(g.latent) for g in gated_tensors(model)}
    detach(model)
    tensors = prunable(model)
    for name, mask in chosen.items():
        tensors[name].mul_(mask.to(tensors[name]))


def fix(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Replace all gates by fixed 0/1 masks; training can go on with what is left."""
    chosen = _checked(model, masks)
    detach(model)
    tensors = prunable(model)
    for name, mask in chosen.items():
        _put(model, tensors[name], FixedMask(mask, tensors[name]))


def _checked(model: nn.Module, masks: Mapping[str, Tensor]) -> dict[str, Tensor]:
    tensors = prunable(model)
    for name, mask in masks.items():
        if name not in tensors:
            raise BadInput(f"no prunable tensor is named {name!r}; there are {', '.join(tensors)}")
        FixedMask(mask, tensors[name])
    return dict(masks)


def _put(model: nn.Module, tensor: Tensor, gate: Gate) -> None:
    """The gate on the tensor, wherever it is used: a tied weight has one latent and one mask."""
    places = [(m, attribute) for m, attribute, _, t in _parameters(model) if t is tensor]
    for module, attribute in places:
        parametrize.register_parametrization(module, attribute, gate)
