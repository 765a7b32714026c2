"""The loop: clock, steps, checkpoints."""

from bandstop.train.checkpoint import (
    Checkpoint,
    read_checkpoint,
    restore_checkpoint,
    save_checkpoint,
)
from bandstop.train.clock import Clock, cosine
from bandstop.train.loop import Epoch, adam, train

__all__ = [
    "Checkpoint", "Clock", "Epoch", "adam", "cosine", "read_checkpoint", "restore_checkpoint",
    "save_checkpoint", "train",
]  # fmt: skip
