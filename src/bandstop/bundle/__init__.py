"""The delivered model file: everything from raw frames to class names."""

from bandstop.bundle.bundle import Bundle, Prediction, load_bundle
from bandstop.bundle.order import Order

__all__ = ["Bundle", "Order", "Prediction", "load_bundle"]
