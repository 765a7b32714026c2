"""The loop: clock, steps, checkpoints."""

from bandstop.train.checkpoint import (
    Checkpoint,
    read_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from bandstop.train.clock import Clock, cosine
from bandstop.train.learner import Alone, Learner, Stack, adam
from bandstop.train.loop import Epoch, train

__all__ = [
    "Alone", "Checkpoint", "Clock", "Epoch", "Learner", "Stack", "adam", "cosine",
    "read_checkpoint", "restore_checkpoint", "save_checkpoint", "train",
]  # fmt: skip
