"""Recipes as data, and the one class that carries any of them out."""

from bandstop.method.pruning import Pruning, after_step, before_step
from bandstop.method.table import METHODS, Method

__all__ = ["METHODS", "Method", "Pruning", "after_step", "before_step"]
