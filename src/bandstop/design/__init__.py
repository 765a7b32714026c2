"""The main job."""

from bandstop.design.design import Outcome, all_folds, design
from bandstop.design.listener import Listener

__all__ = ["Listener", "Outcome", "all_folds", "design"]
