"""Where the gates of a model stand: each gated tensor with its module, its gate and its latent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.utils import parametrize

from bandstop.errors import BadInput
from bandstop.gate.base import Gate
from bandstop.gate.survey import survey


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
        chain = chain_on(self.module, self.attribute)
        if chain is None or chain[0] is not self.gate:
            raise BadInput(
                f"`{self.name}` bears this gate no more: it was finished, fixed, baked or detached; "
                "attach gates anew"
            )
        return chain.original


def chain_on(module: nn.Module, attribute: str) -> parametrize.ParametrizationList | None:
    """What stands on a tensor of the module, if anything does."""
    if not parametrize.is_parametrized(module, attribute):
        return None
    return module.parametrizations[attribute]  # type: ignore[index,return-value]


def gated_tensors(model: nn.Module) -> Iterator[Gated]:
    """Every tensor of the model that bears a gate of ours, in the order of `named_modules`.

    A tensor used in several places is given once, where it is used first.
    """
    seen = set()
    for g in gated_places(model):
        if id(g.latent) not in seen:
            seen.add(id(g.latent))
            yield g


def gated_places(model: nn.Module) -> Iterator[Gated]:
    """Every place where a gate of ours stands: several for a tensor used in several."""
    for path, module in model.named_modules():
        if not parametrize.is_parametrized(module):
            continue
        for attribute in module.parametrizations:
            gate = chain_on(module, attribute)[0]  # type: ignore[index]
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
