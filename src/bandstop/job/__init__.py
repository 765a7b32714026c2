"""The main job."""

from bandstop.job.design import (
    Outcome,
    all_folds,
    check,
    design,
    design_together,
    is_finished,
    run_folder,
    stack_key,
)
from bandstop.job.listener import Listener
from bandstop.job.progress import Progressing

__all__ = [
    "Listener",
    "Outcome",
    "Progressing",
    "all_folds",
    "check",
    "design",
    "design_together",
    "is_finished",
    "run_folder",
    "stack_key",
]
