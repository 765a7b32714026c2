"""A budget in microseconds or bytes: the rate that meets it, found by measuring."""

from bandstop.fit.fit import Fitted, fit
from bandstop.fit.limit import LIMITS, Limit

__all__ = ["LIMITS", "Fitted", "Limit", "fit"]
