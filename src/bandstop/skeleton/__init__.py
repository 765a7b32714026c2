"""The body as a graph: which joints there are, how they hang together, which mirror which."""

from bandstop.skeleton.layouts import LAYOUTS
from bandstop.skeleton.skeleton import Skeleton

__all__ = ["LAYOUTS", "Skeleton"]
