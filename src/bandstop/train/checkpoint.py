"""Checkpoints: model and optimiser after an epoch, as one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bandstop.files import write_atomically


def save_checkpoint(
    path: Path, model: nn.Module, optimiser: torch.optim.Optimizer, facts: dict[str, Any]
) -> None:
    """Write tensors and `facts` (JSON); a reader sees the old file or the new one, never a part."""
    tensors = {f"model.{k}": v.detach().contiguous() for k, v in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        for key, value in state.items():
            tensors[f"optimiser.{index}.{key}"] = torch.as_tensor(value).detach().contiguous()
    write_atomically(path, save(tensors, {"facts": json.dumps(facts)}))


def read_facts(path: Path) -> dict[str, Any] | None:
    """The facts of a checkpoint; None where there is none or it cannot be read (start anew)."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads((file.metadata() or {})["facts"])
    except (OSError, SafetensorError, KeyError, ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def restore_checkpoint(path: Path, model: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    """Put the saved tensors back; the model must bear the gates it had when they were saved."""
    model_state: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    with safe_open(path, "pt") as file:
        for key in file.keys():  # noqa: SIM118  (not a dict)
            kind, _, name = key.partition(".")
            if kind == "model":
                model_state[name] = file.get_tensor(key)
            else:
                index, _, field = name.partition(".")
                moments.setdefault(int(index), {})[field] = file.get_tensor(key)
    model.load_state_dict(model_state)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})
