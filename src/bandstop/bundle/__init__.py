"""The delivered model file: everything from raw frames to class names."""

from bandstop.bundle.bundle import Bundle, Prediction
from bandstop.bundle.order import Order
from bandstop.bundle.reading import is_bundle, load_bundle

__all__ = ["Bundle", "Order", "Prediction", "is_bundle", "load_bundle"]
