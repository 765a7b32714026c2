"""The loop: clock, steps, checkpoints."""

from bandstop.train.checkpoint import read_facts, restore_checkpoint, save_checkpoint
from bandstop.train.clock import Clock, cosine
from bandstop.train.loop import Epoch, adam, train

__all__ = [
    "Clock", "Epoch", "adam", "cosine", "read_facts", "restore_checkpoint", "save_checkpoint", "train",
]  # fmt: skip
