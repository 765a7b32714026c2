"""Many trainings: a table of runs, made side by side, restartable."""

from bandstop.sweep.estimate import Estimate, estimate
from bandstop.sweep.progress import Progress, look
from bandstop.sweep.run import Failed, Sweep, pending, sweep
from bandstop.sweep.table import Plan, called, expand, named, only, parse_seeds, unlearnable
from bandstop.sweep.tables import OLD, TABLES, Table, Variant

__all__ = [
    "OLD", "TABLES", "Estimate", "Failed", "Plan", "Progress", "Sweep", "Table", "Variant", "called",
    "estimate", "expand", "look", "named", "only", "parse_seeds", "pending", "sweep", "unlearnable",
]  # fmt: skip
