"""What training minimises: named terms and their sum."""

from bandstop.objective.alignment import ALIGNMENTS, kl_divergence, wasserstein
from bandstop.objective.objective import NO_LABEL, Objective, Term, alignment_term

__all__ = [
    "ALIGNMENTS", "NO_LABEL", "Objective", "Term", "alignment_term", "kl_divergence", "wasserstein",
]  # fmt: skip
