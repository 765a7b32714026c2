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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from bandstop.budget import Share
from bandstop.errors import BadInput
from bandstop.gate.balance import odd_starts
from bandstop.gate.base import Alive, Gate, GateSpec, GateWarning, wide
from bandstop.gate.survey import counted, places, reasons, survey
from bandstop.number import real


class FixedMask(Gate):
    """A mask that no longer changes: 0/1, a buffer; and the unit that the gate before it measured in."""

    chosen: Tensor

    def __init__(self, chosen: Tensor, like: Tensor, size: float = 1.0) -> None:
        super().__init__()
        self._size = size
        if chosen.shape != like.shape:
            raise BadInput(
                f"a mask must have its tensor's shape {tuple(like.shape)}, not {tuple(chosen.shape)}"
            )
        if not ((chosen == 0) | (chosen == 1)).all():
            raise BadInput("a fixed mask holds only 0 and 1")
        self.register_buffer("chosen", chosen.to(like))

    def mask(self, latent: Tensor) -> Tensor:
        return self.chosen

    def unit(self, latent: Tensor) -> Tensor:
        return latent / self.size

    @property
    def size(self) -> float:
        return self._size


@dataclass(frozen=True)
class Gated:
    """One gated tensor: its full name, where it lives, its gate."""

    name: str
    module: nn.Module
    attribute: str
    gate: Gate

    @property
    def latent(self) -> Tensor:
        """The parameter as the module holds it now: loading may have put another one there.

        Errors: BadInput where the gate is gone.
        """
        chain = _chain(self.module, self.attribute)
        if chain is None or chain[0] is not self.gate:
            raise BadInput(
                f"`{self.name}` bears this gate no more: it was finished, fixed, baked or detached; "
                "attach gates anew"
            )
        return chain.original


def _chain(module: nn.Module, attribute: str) -> parametrize.ParametrizationList | None:
    """What stands on a tensor of the module, if anything does."""
    if not parametrize.is_parametrized(module, attribute):
        return None
    return module.parametrizations[attribute]  # type: ignore[index,return-value]


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
        for attribute in module.parametrizations:
            gate = _chain(module, attribute)[0]  # type: ignore[index]
            if isinstance(gate, Gate):
                yield Gated(f"{path}.{attribute}" if path else attribute, module, attribute, gate)


def prunable(model: nn.Module) -> dict[str, Tensor]:
    """Name -> latent of everything that can be pruned: parameters of two or more dimensions, without
    those that `survey` leaves out.

    Biases and normalisation scales have one dimension and stay. A tensor used in several places is
    listed once, under its first name. Gated tensors are listed under the name they had before.
    Errors: BadInput for a parameter that has no shape yet.
    """
    found = {g.name: g.latent for g in gated_tensors(model)}
    return found | survey(model)[0]


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

    def settle(self, model: nn.Module, masks: Mapping[str, Tensor]) -> None:
        """Fix the masks, by name; what is gated bears them from now on."""
        named = self.names_in(model)
        fix(model, {there: masks[name] for name, there in named.items()})
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
    there = list(_gated_places(model))
    for g in there:
        if len(_chain(g.module, g.attribute)) > 1:  # type: ignore[arg-type]
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
