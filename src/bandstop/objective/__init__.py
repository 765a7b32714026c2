"""What training minimises: named terms and their sum."""

from bandstop.objective.alignment import ALIGNMENTS, kl_divergence, quantiles, wasserstein
from bandstop.objective.objective import (
    NO_LABEL,
    Labels,
    Objective,
    Outputs,
    Term,
    alignment_term,
    balanced,
    distilled,
    once,
)
from bandstop.objective.regularisers import REGULARISERS
from bandstop.objective.terms import budget_term, l0_term, rank_term, regulariser_term
from bandstop.objective.transport import strength, transport, transported

__all__ = [
    "ALIGNMENTS",
    "NO_LABEL",
    "REGULARISERS",
    "Labels",
    "Objective",
    "Outputs",
    "Term",
    "alignment_term",
    "balanced",
    "budget_term",
    "distilled",
    "kl_divergence",
    "l0_term",
    "once",
    "quantiles",
    "rank_term",
    "regulariser_term",
    "strength",
    "transport",
    "transported",
    "wasserstein",
]  # fmt: skip
