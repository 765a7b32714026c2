"""Recordings -> node signals: one file per format, protocols, temporal chunking, augmentation."""

from bandstop.data.formats import FORMATS, canonical, load, scan
from bandstop.data.sequence import Dataset, Fold, Sequence

__all__ = ["FORMATS", "Dataset", "Fold", "Sequence", "canonical", "load", "scan"]
