"""What networks take on this machine, in microseconds or bytes; the rate that meets a budget in either."""

from bandstop.fit.fit import Fitted, fit
from bandstop.fit.limit import LIMITS, Limit
from bandstop.fit.times import time_run

__all__ = ["LIMITS", "Fitted", "Limit", "fit", "time_run"]
