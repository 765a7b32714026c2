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

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bandstop.budget import Share
from bandstop.errors import BadInput
from bandstop.gate.base import Alive, Gate, GateSpec


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
    """The gates on one model: sets them in each step and reads what they do.

    shapes  of every prunable tensor, the exempt ones too
    """

    def __init__(self, model: nn.Module, spec: GateSpec) -> None:
        self.spec = spec
        self.tensors = {g.name: g for g in gated_tensors(model)}
        self.shapes = {name: tuple(tensor.shape) for name, tensor in prunable(model).items()}
        sizes = {name: math.prod(shape) for name, shape in self.shapes.items()}
        self.shares: tuple[Share, ...] = spec.budget.resolve(sizes)
        self.weights = sum(sizes.values())

    @property
    def latents(self) -> dict[str, Tensor]:
        """Name -> latent / scale, with its gradient path: what is aligned with the prior."""
        return {n: g.gate.unit(g.latent) for n, g in self.tensors.items()}

    @property
    def device(self) -> torch.device:
        return next(iter(self.tensors.values())).latent.device

    def update(self, progress: float, alive: Alive = dict) -> None:
        """Set thresholds and sharpness for t = progress in [0, 1] of the training."""
        update_together([self], progress, alive)

    @torch.no_grad()
    def scores(self) -> dict[str, Tensor]:
        """Name -> what each weight's survival is judged by, exempt tensors by magnitude."""
        return {name: g.gate.scores(g.latent) for name, g in self.tensors.items()}

    @torch.no_grad()
    def observed_rate(self) -> float:
        """The fraction of all prunable weights whose mask is below 1/2 now."""
        kept = sum(int(g.gate.hard_mask(g.latent).sum()) for g in self.tensors.values())
        exempt = self.weights - sum(g.latent.numel() for g in self.tensors.values())
        return 1 - (kept + exempt) / self.weights


@torch.no_grad()
def update_together(models: Sequence[Gates], progress: float, alive: Alive = dict) -> None:
    """`update` of models that differ in their weights, rates and seeds alone, in a few calls for all.

    alive  masks of one model, by name -> the same without what is dead
    """
    if models[0].tensors:  # there are none where everything is exempt
        models[0].spec.update(models, progress, alive)


def attach(model: nn.Module, spec: GateSpec) -> Gates:
    """Put a gate of the spec's kind on every prunable, not exempt tensor of the model.

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
        if not 0 < scale < math.inf:
            what = "is all zero" if scale == 0 else "holds NaN or infinite values"
            raise BadInput(f"`{name}` {what} and has no scale; initialise it or exempt it")
        gates[name] = spec.gate(tensors[name], scale)
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
