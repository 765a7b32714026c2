"""The papers' masks: weight = latent * gate(latent), on any nn.Module."""

from bandstop.gate.attach import (
    Gates,
    attach,
    bake,
    detach,
    fix,
    gated_tensors,
    prunable,
    update_together,
)
from bandstop.gate.band_stop import band_stop
from bandstop.gate.prior import PRIORS, Prior
from bandstop.gate.spec import BandStop

__all__ = [
    "PRIORS", "BandStop", "Gates", "Prior", "attach", "bake", "band_stop", "detach", "fix",
    "gated_tensors", "prunable", "update_together",
]  # fmt: skip
