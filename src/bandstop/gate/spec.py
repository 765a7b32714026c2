"""BandStop: band-stop gates as a value, and the threshold and sharpness they ask for at each moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from bandstop.budget import Share
from bandstop.gate.balance import Fields, floors
from bandstop.gate.band_stop import band_stop
from bandstop.gate.base import Alive, Gate, GateSpec, wide
from bandstop.gate.prior import PRIORS

if TYPE_CHECKING:
    from bandstop.gate.gates import Gates

THRESHOLDS = ("empirical", "prior")


class BandStopGate(Gate):
    """psi_{a, sigma}(latent / scale); the three numbers are buffers, so they travel in state_dict."""

    threshold: Tensor
    sharpness: Tensor
    scale: Tensor

    def __init__(self, like: Tensor, scale: float, sharpness: float) -> None:
        super().__init__()
        self.hold(like, threshold=0.0, sharpness=sharpness, scale=scale)

    def unit(self, latent: Tensor) -> Tensor:
        return wide(latent) / self.scale

    def mask(self, latent: Tensor) -> Tensor:
        return band_stop(self.unit(latent), self.threshold, self.sharpness)


@dataclass(frozen=True)
class BandStop(GateSpec):
    """Band-stop gates; see `GateSpec` for the other fields.

    threshold  "empirical": a is the quantile of |latents|, so the budget holds at every step (our
               choice); "prior": a is the quantile of the prior (PMP, arXiv 2305.19343)
    prior      gaussian (where none is given), laplace or uniform, for that threshold alone. That the
               latents come to lie on it is a term of the loss: `bandstop.objective.alignment_term`
    """

    prior: str | None = None
    threshold: str = "empirical"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold == "prior" and self.prior is None:
            object.__setattr__(self, "prior", "gaussian")

    @property
    def words(self) -> str:
        return "band-stop gate"

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        return super().choices | {"prior": tuple(PRIORS), "threshold": THRESHOLDS}

    @property
    def idle(self) -> dict[str, str]:
        if self.threshold == "prior":
            return {}
        return {"prior": 'beside threshold="empirical", which looks at the latents alone'}

    def gate(self, like: Tensor, scale: float) -> BandStopGate:
        return BandStopGate(like, scale, self.sharpness(0.0))

    def update(self, models: Sequence[Gates], progress: float, alive: Alive) -> None:
        """Threshold and sharpness."""
        for shares in zip(*(m.shares for m in models), strict=True):
            fields = magnitudes(models, shares[0].names)
            for name, a in self.thresholds(shares, fields, self.ramp(progress)).items():
                fill(models, name, "threshold", a)
        set_sharpness(models, self.sharpness(progress))

    def thresholds(
        self, shares: Sequence[Share], fields: Fields, ramp: float
    ) -> dict[str, Float[Tensor, " model"]]:
        """a of every tensor, that leaves the part `ramp` of the share's rate below it: by magnitude, or
        by the prior as far as no tensor falls below its floor."""
        if self.threshold == "empirical":
            return by_magnitude(self, shares, fields, ramp)
        removed = removals(shares, ramp)
        assert self.prior is not None
        a = [
            PRIORS[self.prior].threshold(count / share.total)
            for count, share in zip(removed, shares, strict=True)
        ]
        found = {name: field.new_tensor(a) for name, field in fields.items()}
        if not self.balanced:
            return found
        for name, field in fields.items():
            least = floors(shares, removed, field.shape[1])
            highest = magnitude_quantiles(field, [field.shape[1] - n for n in least])
            found[name] = torch.minimum(found[name], highest)
        return found


def magnitudes(models: Sequence[Gates], names: Sequence[str]) -> Fields:
    """|v| of each tensor's latents, in their own units."""
    return {name: stacked(models, name).flatten(1).abs() for name in names}


def removals(shares: Sequence[Share], ramp: float) -> list[int]:
    """How many weights of each model's share are to go when the part `ramp` of its rate is asked for."""
    return [round((share.total - share.keep) * ramp) for share in shares]


def by_magnitude(
    spec: GateSpec, shares: Sequence[Share], fields: Fields, ramp: float
) -> dict[str, Float[Tensor, " model"]]:
    """The threshold of every tensor of a share, below which the part `ramp` of the rate is."""
    removed = removals(shares, ramp)
    energies = {name: field.square() for name, field in fields.items()}
    return edges(fields, removed, spec.ranked(shares, removed, energies))


def edges(
    fields: Fields, removed: Sequence[int], ranked: Fields | None
) -> dict[str, Float[Tensor, " model"]]:
    """For every tensor of a share the edge below which, in all tensors together, `removed` of the fields
    are: one edge for all; or, where tensors are balanced, by their ranks, each one's own."""
    edge = magnitude_quantiles(torch.cat(list((ranked or fields).values()), dim=1), removed)
    if ranked is None:
        return dict.fromkeys(fields, edge)
    below = {name: (rank < edge[:, None]).sum(dim=1) for name, rank in ranked.items()}
    return {
        name: magnitude_quantiles(field, below[name].clamp(max=field.shape[1] - 1).tolist())
        for name, field in fields.items()
    }


def set_sharpness(models: Sequence[Gates], sharpness: float) -> None:
    for model in models:
        for g in model.tensors.values():
            g.gate.sharpness.fill_(sharpness)  # type: ignore[operator]


def stacked(models: Sequence[Gates], name: str) -> Float[Tensor, "model ..."]:
    """One tensor's latents of all models, in their own units, along a leading axis; no gradient."""
    gated = [m.tensors[name] for m in models]
    return torch.stack([g.gate.unit(g.latent.detach()) for g in gated])


def fill(
    models: Sequence[Gates], name: str, buffer: str, values: Float[Tensor, "model ..."]
) -> None:
    """Write a row of `values` into each model's buffer of one gate."""
    places = [getattr(m.tensors[name].gate, buffer) for m in models]
    torch._foreach_copy_(places, list(values.to(places[0]).unbind()))


def magnitude_quantiles(
    magnitudes: Float[Tensor, "model weight"], removed: Sequence[int]
) -> Float[Tensor, " model"]:
    """For each model the threshold a with exactly `removed` of its magnitudes below it: midway
    between neighbours, 0 where none is removed."""
    if magnitudes.device.type == "cpu":  # an order of magnitude faster than torch's selection
        return torch.stack(
            [_midway(row, count) for row, count in zip(magnitudes, removed, strict=True)]
        )
    ranks = torch.tensor(removed, device=magnitudes.device)[:, None]
    near = magnitudes.sort(dim=1).values.gather(1, torch.cat([ranks - 1, ranks], 1).clamp(min=0))
    return near.mean(dim=1) * (ranks[:, 0] > 0)


def in_numpy(tensor: Tensor) -> np.ndarray:
    """The same numbers for NumPy, which has no bfloat16."""
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().numpy()


def _midway(magnitudes: Float[Tensor, " weight"], removed: int) -> Float[Tensor, ""]:
    if removed == 0:
        return magnitudes.new_zeros(())
    near = np.partition(in_numpy(magnitudes), [removed - 1, removed])
    return (magnitudes.new_tensor(near[removed - 1]) + near[removed].item()) / 2
