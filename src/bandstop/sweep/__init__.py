"""Many trainings: a table of runs, made side by side, restartable."""

from bandstop.sweep.estimate import Estimate, estimate
from bandstop.sweep.progress import Progress, look
from bandstop.sweep.run import Failed, Sweep, pending, sweep
from bandstop.sweep.table import TABLES, Plan, Table, expand, parse_seeds

__all__ = [
    "TABLES", "Estimate", "Failed", "Plan", "Progress", "Sweep", "Table", "estimate", "expand", "look",
    "parse_seeds", "pending", "sweep",
]  # fmt: skip
