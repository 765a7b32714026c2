"""Recipes as data, and the one class that carries any of them out."""

from bandstop.method.pruning import Pruning, before_step
from bandstop.method.table import METHODS, Method

__all__ = ["METHODS", "Method", "Pruning", "before_step"]
