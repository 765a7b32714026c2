"""Checkpoints: model and optimiser after an epoch, as one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bandstop.digest import digest
from bandstop.files import write_atomically


def save_checkpoint(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, facts: dict[str, Any]
) -> None:
    """Write tensors and `facts` (JSON); a reader sees the old file or the new one, never a part."""
    tensors = {f"model.{k}": v.detach().contiguous() for k, v in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        for key, value in state.items():
            tensors[f"optimiser.{index}.{key}"] = torch.as_tensor(value).detach().contiguous()
    text = json.dumps(facts)
    write_atomically(path, save(tensors, {"facts": text, "sha256": digest(text, tensors)}))


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """What was saved: facts (JSON) and tensors, by name."""

    facts: dict[str, Any]
    tensors: dict[str, Tensor]


def read_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint; None where there is none, or where it is damaged: then a training starts anew."""
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
        text = metadata["facts"]
        facts = json.loads(text)
    except (OSError, SafetensorError, KeyError, ValueError, RecursionError):
        return None
    whole = metadata.get("sha256") == digest(text, tensors) and isinstance(facts, dict)
    return Checkpoint(facts, tensors) if whole else None


def restore_checkpoint(
    saved: Checkpoint, model: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Put the saved tensors back; the model must bear the gates it had when they were saved."""
    model_state: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in saved.tensors.items():
        kind, _, name = key.partition(".")
        if kind == "model":
            model_state[name] = tensor
        else:
            index, _, field = name.partition(".")
            moments.setdefault(int(index), {})[field] = tensor
    model.load_state_dict(model_state)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
