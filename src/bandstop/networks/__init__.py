"""Networks beside the attention GCN: options to `nn.Module`, one file each."""

from bandstop.networks.ctr_gcn import ctr_gcn
from bandstop.networks.polynomial import POLYNOMIALS, PolynomialGCN
from bandstop.networks.signals import FromSignal
from bandstop.networks.st_gcn import st_gcn
from bandstop.networks.st_gcn_pp import st_gcn_pp

NETWORKS = {"st-gcn": st_gcn, "st-gcn++": st_gcn_pp, "ctr-gcn": ctr_gcn}
"""Those that read frames: name -> function of (nodes, bones, classes, channels, persons, widths)."""

__all__ = [
    "NETWORKS",
    "POLYNOMIALS",
    "FromSignal",
    "PolynomialGCN",
    "ctr_gcn",
    "st_gcn",
    "st_gcn_pp",
]
