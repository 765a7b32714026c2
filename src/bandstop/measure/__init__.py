"""Accuracy, cost and agreement."""

from bandstop.measure.accuracy import accuracy, confusion, predictions, scores, wrong
from bandstop.measure.agreement import relative_error, require_agreement
from bandstop.measure.cost import counted_macs, dense_macs, kept_weights, sparse_macs

__all__ = [
    "accuracy", "confusion", "counted_macs", "dense_macs", "kept_weights", "predictions",
    "relative_error", "require_agreement", "scores", "sparse_macs", "wrong",
]  # fmt: skip
