"""Which parameters of a network may bear a gate, and which are left out, each with its reason.

Prunable are parameters of two or more dimensions that an optimiser trains and a mask can be multiplied
with. A new kind to be left out is a row of `LEFT_OUT`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

from bandstop.errors import BadInput
from bandstop.gate.base import Gate

TYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
"""In which gates are computed."""


@dataclass(frozen=True)
class Place:
    """A parameter where a module holds it; `foreign` under a parametrization that is not ours."""

    module: nn.Module
    attribute: str
    name: str
    tensor: Tensor
    foreign: bool = False


def places(model: nn.Module) -> Iterator[Place]:
    """Every place of every parameter but those of our gates, in the order of `named_modules`."""
    inside = set()
    for path, module in model.named_modules():
        if parametrize.is_parametrized(module):
            inside |= {id(m) for m in module.parametrizations.modules()}
            for attribute, chain in module.parametrizations.items():
                if not isinstance(chain[0], Gate):
                    name = f"{path}.{attribute}" if path else attribute
                    for tensor in chain.parameters():
                        yield Place(module, attribute, name, tensor, foreign=True)
        if id(module) in inside:
            continue
        for attribute, tensor in module._parameters.items():
            if tensor is not None:
                name = f"{path}.{attribute}" if path else attribute
                yield Place(module, attribute, name, tensor)


LEFT_OUT: tuple[tuple[str, Callable[[Place], object]], ...] = (
    ("no elements", lambda p: p.tensor.numel() == 0),
    (
        "{dtype}, in which gates are not computed",
        lambda p: p.tensor.dtype not in TYPES or is_traceable_wrapper_subclass(p.tensor),
    ),
    ("parametrized already; remove that, or attach first", lambda p: p.foreign),
    (
        "a hook computes `{hooked}` from it, as weight_norm does; remove that first",
        lambda p: _hooked(p),
    ),
    (
        "sparse gradients; give sparse=False",
        lambda p: isinstance(p.module, nn.Embedding | nn.EmbeddingBag) and p.module.sparse,
    ),
    ("part of a normalisation", lambda p: isinstance(p.module, nn.LayerNorm | nn.RMSNorm)),
    (
        "in a TorchScript module; attach first",
        lambda p: isinstance(p.module, torch.jit.ScriptModule),
    ),
    (
        "frozen, requires_grad is False",  # what functional_call puts in its place is no Parameter
        lambda p: isinstance(p.tensor, nn.Parameter) and not p.tensor.requires_grad,
    ),
)
"""Why, and whether."""

PARTS = ("orig", "g", "v", "bar")
"""`weight_orig` and so on: parameters that hooks compute a plain attribute `weight` from."""


def _hooked(place: Place) -> str:
    """The tensor that a hook computes from this parameter before each forward; empty for none."""
    made, _, part = place.attribute.rpartition("_")
    return made if part in PARTS and isinstance(vars(place.module).get(made), Tensor) else ""


def survey(model: nn.Module) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Name -> tensor of what is prunable and bears no gate; name -> why not, of what is left out.

    A tensor used in several places is listed under its first name, and left out where one of them is.
    Errors: BadInput for a parameter that has no shape yet.
    """
    held: dict[int, list[Place]] = {}
    gated = {id(t) for m in model.modules() for t in _ours(m)}
    for place in places(model):
        if is_lazy(place.tensor):
            raise BadInput(
                f"`{place.name}` has no shape yet; run the model once on an example before gates are "
                "attached"
            )
        if place.tensor.dim() >= 2 and id(place.tensor) not in gated:
            held.setdefault(id(place.tensor), []).append(place)
    found: dict[str, Tensor] = {}
    left_out: dict[str, str] = {}
    for those in held.values():
        name, why = those[0].name, next(filter(None, map(_why_not, those)), None)
        if why is None:
            found[name] = those[0].tensor
        else:
            left_out[name] = why
    return found, left_out


def _ours(module: nn.Module) -> list[Tensor]:
    """The latents of a module's gates."""
    if not parametrize.is_parametrized(module):
        return []
    chains = module.parametrizations.values()  # type: ignore[operator]
    return [chain.original for chain in chains if isinstance(chain[0], Gate)]


def _why_not(place: Place) -> str | None:
    for words, holds in LEFT_OUT:
        if holds(place):
            return words.format(dtype=place.tensor.dtype, hooked=_hooked(place))
    return None


SHOWN = 5
"""Names that a message lists of many."""


def counted(names: Sequence[str]) -> str:
    """The first names, and how many more there are.

    >>> counted(["a", "b"])
    '`a`, `b`'
    """
    words = ", ".join(f"`{name}`" for name in names[:SHOWN])
    return words if len(names) <= SHOWN else f"{words} and {len(names) - SHOWN} more"


def reasons(left_out: Mapping[str, str]) -> str:
    """What is left out, each reason once.

    >>> reasons({"a": "frozen", "b": "frozen", "c": "no elements"})
    '`a`, `b` (frozen), `c` (no elements)'
    """
    by_reason: dict[str, list[str]] = {}
    for name, why in left_out.items():
        by_reason.setdefault(why, []).append(name)
    return ", ".join(f"{counted(those)} ({why})" for why, those in by_reason.items())
