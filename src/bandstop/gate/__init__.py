"""The papers' masks: weight = latent * gate(latent), on any nn.Module."""

from bandstop.gate.attach import attach, bake, detach, fix
from bandstop.gate.band_stop import band_stop
from bandstop.gate.base import Gate, GateSpec, GateWarning
from bandstop.gate.coarse_to_fine import CoarseToFine
from bandstop.gate.gated import gated_tensors, prunable
from bandstop.gate.gates import Gates, update_together
from bandstop.gate.hard_concrete import HardConcrete
from bandstop.gate.ladder import Ladder, at_every_rung, at_one_rung_each
from bandstop.gate.magnitude import Magnitude
from bandstop.gate.n_of_m import NOfM
from bandstop.gate.prior import PRIORS, Prior
from bandstop.gate.semi_structured import SemiStructured
from bandstop.gate.spec import BandStop

SPECS: dict[str, type[GateSpec]] = {
    "band-stop": BandStop,
    "coarse-to-fine": CoarseToFine,
    "semi-structured": SemiStructured,
    "ladder": Ladder,
    "magnitude": Magnitude,
    "n-of-m": NOfM,
    "hard-concrete": HardConcrete,
}
"""Every kind of gate that can be attached."""

__all__ = [
    "PRIORS", "SPECS", "BandStop", "CoarseToFine", "Gate", "GateSpec", "GateWarning", "Gates",
    "HardConcrete", "Ladder", "Magnitude", "NOfM", "Prior", "SemiStructured", "at_every_rung",
    "at_one_rung_each", "attach", "bake", "band_stop", "detach", "fix", "gated_tensors", "prunable",
    "update_together",
]  # fmt: skip
