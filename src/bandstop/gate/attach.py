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
import types
import warnings
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bandstop.errors import BadInput
from bandstop.gate.balance import odd_starts
from bandstop.gate.base import Gate, GateSpec, GateWarning, wide
from bandstop.gate.gated import FixedMask, chain_on, gated_places, gated_tensors, prunable
from bandstop.gate.gates import Gates
from bandstop.gate.survey import counted, places, reasons, survey


def attach(model: nn.Module, spec: GateSpec) -> Gates:
    """Put a gate of the spec's kind on every prunable, not exempt tensor of the model.

    Checks everything before it changes anything. What cannot bear a gate, or must not be touched, is
    left out and named in a GateWarning and in `Gates.left_out`.
    Errors: BadInput for a budget that cannot be met, a model with nothing to prune, or one that bears
    gates already.
    """
    if not isinstance(model, nn.Module):
        raise BadInput(f"gates are attached to a torch.nn.Module, not to {type(model).__name__}")
    if not isinstance(spec, GateSpec):
        raise BadInput(
            f"gates are asked for by a value such as BandStop(rate=0.9), not by {spec!r}"
        )
    if any(True for _ in gated_tensors(model)):
        raise BadInput("the model bears gates already; bake or detach them first")
    tensors, left_out = survey(model)
    beside = f"left out, and not in the budget's total: {reasons(left_out)}" if left_out else ""
    if not tensors:
        why = beside or "the model has no parameter of two or more dimensions"
        raise BadInput(f"nothing to prune: {why}")
    try:
        shares = spec.budget.resolve({name: t.numel() for name, t in tensors.items()})
    except BadInput as error:
        raise BadInput(f"{error}; {beside}" if beside else str(error)) from error
    if len(devices := {str(t.device) for t in tensors.values()}) > 1:
        raise BadInput(
            f"the weights lie on several devices, {', '.join(sorted(devices))}, and compete for one "
            "budget; move the model to one"
        )
    gates = {}
    for name in (name for share in shares for name in share.names):
        scale = 1.0 if spec.scale == "unit" else root_mean_square(name, tensors[name])
        gates[name] = spec.gate(tensors[name], scale)
    if beside:
        warnings.warn(beside, GateWarning, stacklevel=2)
    if odd := odd_starts({name: tensors[name] for name in gates}) if spec.balanced else "":
        warnings.warn(odd, GateWarning, stacklevel=2)
    for name, gate in gates.items():
        try:
            _put(model, tensors[name], gate)
        except (RuntimeError, ValueError, TypeError, AttributeError, LookupError) as error:
            detach(model)
            raise BadInput(f"`{name}` cannot bear a gate ({error}); exempt it") from error
    return Gates(model, spec)


@torch.no_grad()
def root_mean_square(name: str, tensor: Tensor) -> float:
    """sqrt(mean v^2), where that is a scale; by way of the largest, whose square may leave the range.

    Errors: BadInput for a tensor that is all zero, not finite, or without values.
    """
    if tensor.is_meta:
        raise BadInput(f"`{name}` is on the meta device and has no values yet; load them first")
    largest = float(wide(tensor).abs().max())
    if not 0 < largest < math.inf:
        what = "is all zero" if largest == 0 else "holds NaN or infinite values"
        raise BadInput(f"`{name}` {what} and has no scale; initialise it or exempt it")
    return largest * float((wide(tensor) / largest).square().mean().sqrt())


def detach(model: nn.Module) -> None:
    """Take all gates off; the latents are the parameters again, untouched.

    Errors: BadInput, before any is taken off, where something was put on top of one.
    """
    there = list(gated_places(model))
    for g in there:
        if len(chain_on(g.module, g.attribute)) > 1:  # type: ignore[arg-type]
            raise BadInput(
                f"another parametrization was put on `{g.name}` after its gate; remove that one first"
            )
    for g in there:
        order, held = _order(g.module), g.module._parameters
        _own_class(g.module)
        parametrize.remove_parametrizations(g.module, g.attribute, leave_parametrized=False)
        for name in filter(held.__contains__, order):
            held[name] = held.pop(name)  # torch puts it last


def _order(module: nn.Module) -> tuple[str, ...]:
    """The names of the module's parameters as they stood before any gate: an optimiser counts by them."""
    chains = module.parametrizations.values() if parametrize.is_parametrized(module) else ()  # type: ignore[operator]
    known = (chain.order for chain in chains if hasattr(chain, "order"))
    return next(known, tuple(module._parameters))


def _own_class(module: nn.Module) -> None:
    """A deep copy of a parametrized module shares its made-up class, which removing changes: torch would
    take the weight away from the copy too."""
    shared = type(module)
    members = {k: v for k, v in vars(shared).items() if k not in ("__dict__", "__weakref__")}
    module.__class__ = types.new_class(
        shared.__name__, shared.__bases__, exec_body=lambda body: body.update(members)
    )


@torch.no_grad()
def bake(model: nn.Module, masks: Mapping[str, Tensor] | None = None) -> None:
    """Make the masks final: each latent is multiplied by its 0/1 mask and the gates are gone.

    `masks`: name -> 0/1; where not given, the gates' own masks made hard.
    """
    tensors = prunable(model)
    if masks is None:
        masks = {g.name: g.gate.hard_mask(g.latent) for g in gated_tensors(model)}
    else:
        _check(model, tensors, masks)
    detach(model)
    for name, mask in masks.items():
        tensors[name].mul_(mask.to(tensors[name]))


def fix(model: nn.Module, masks: Mapping[str, Tensor]) -> None:
    """Replace all gates by fixed 0/1 masks; training can go on with what is left."""
    tensors = prunable(model)
    _check(model, tensors, masks)
    sizes = {g.name: g.gate.size for g in gated_tensors(model)}
    detach(model)
    for name, mask in masks.items():
        _put(model, tensors[name], FixedMask(mask, tensors[name], sizes.get(name, 1.0)))


def _check(model: nn.Module, tensors: Mapping[str, Tensor], masks: Mapping[str, Tensor]) -> None:
    """Errors: BadInput for a mask that does not fit its tensor, or a gated tensor without one."""
    for name, mask in masks.items():
        if name not in tensors:
            left_out = survey(model)[1]
            why = left_out.get(name) or f"there are {', '.join(tensors)}"
            raise BadInput(f"no prunable tensor is named {name!r}; {why}")
        FixedMask(mask, tensors[name])
    if missing := [g.name for g in gated_tensors(model) if g.name not in masks]:
        raise BadInput(f"there is no mask for {counted(missing)}; give one for every gated tensor")


def _put(model: nn.Module, tensor: Tensor, gate: Gate) -> None:
    """The gate on the tensor, wherever it is used: a tied weight has one latent and one mask."""
    for place in [p for p in places(model) if p.tensor is tensor]:
        order = _order(place.module)
        try:
            parametrize.register_parametrization(place.module, place.attribute, gate)
        except Exception:
            held = place.module._parameters
            # torch has taken it away
            held.setdefault(place.attribute, place.tensor)  # type: ignore[call-overload]
            raise
        place.module.parametrizations[place.attribute].order = order  # type: ignore[index,union-attr]
