"""The checksum of a file of tensors: what was written is what is read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def digest(text: str, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 of a text and of every tensor's name, type, shape and bytes, names in order."""
    made = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        t = tensors[name].detach().cpu().contiguous()
        made.update(f"{name} {t.dtype} {tuple(t.shape)}".encode())
        made.update(t.flatten().view(torch.uint8).numpy().tobytes())
    return made.hexdigest()
