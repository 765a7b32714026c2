"""The delivered model file: everything from raw frames to class names."""

from bandstop.bundle.bundle import Bundle, Prediction, load_bundle

__all__ = ["Bundle", "Prediction", "load_bundle"]
