"""Recordings made by a small kinematic model: two people interacting, one hand gesturing."""

from bandstop.data.synthetic.variants import VARIANTS, scan

__all__ = ["VARIANTS", "scan"]
