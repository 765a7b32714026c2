"""The main job."""

from bandstop.job.deliver import Outcome
from bandstop.job.design import (
    all_folds,
    check,
    design,
    design_together,
    is_finished,
    run_folder,
    stack_key,
)
from bandstop.job.events import Events
from bandstop.job.listener import Listener, Listeners
from bandstop.job.progress import Progressing
from bandstop.job.task import description_of

__all__ = [
    "Events",
    "Listener",
    "Listeners",
    "Outcome",
    "Progressing",
    "all_folds",
    "check",
    "description_of",
    "design",
    "design_together",
    "is_finished",
    "run_folder",
    "stack_key",
]
