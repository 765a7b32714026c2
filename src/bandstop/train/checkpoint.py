"""Checkpoints: model and optimiser after an epoch, as one safetensors file, replaced atomically."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bandstop.digest import digest
from bandstop.errors import BadInput, several, short
from bandstop.files import write_atomically
from bandstop.read import KINDS, opened, parse_json


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
        with opened(path, "checkpoint"):
            pass
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  (not a dict)
        text = metadata["facts"]
        if metadata.get("sha256") != digest(text, tensors):
            return None
        facts = parse_json(text, str(path), KINDS["checkpoint"].remedy)
    except Exception:  # on damaged files safetensors and torch raise whatever comes
        return None
    return Checkpoint(facts, tensors) if isinstance(facts, dict) else None


def restore_checkpoint(
    saved: Checkpoint, model: nn.Module, optimiser: torch.optim.Optimizer
) -> None:
    """Put the saved tensors back; the model must bear the gates it had when they were saved.

    Errors: BadInput, before anything is changed, for tensors that are not this model's.
    """
    own = model.state_dict()
    parameters = [p for group in optimiser.param_groups for p in group["params"]]
    state = {k.removeprefix("model."): t for k, t in saved.tensors.items() if k[:6] == "model."}
    moments: dict[int, dict[str, Tensor]] = {}
    for key, tensor in saved.tensors.items():
        kind, _, name = key.partition(".")
        index, _, field = name.partition(".")
        if kind == "optimiser" and index in {str(n) for n in range(len(parameters))}:
            moments.setdefault(int(index), {})[field] = tensor
        elif kind != "model":
            raise BadInput(f"checkpoint: {short(key)} is no tensor of this training; delete it")
    if state.keys() != own.keys():
        odd = several(sorted(state.keys() ^ own.keys()), 3)
        raise BadInput(f"checkpoint: {odd} missing or unknown; delete it")
    buffers = {name for name, _ in model.named_buffers()}  # a gate's threshold may be infinite
    pairs = [(name, tensor, own[name]) for name, tensor in state.items()]
    for place, moment in moments.items():
        if moment.keys() != MOMENTS.keys():
            raise BadInput(
                f"checkpoint: the moments of parameter {place} are not Adam's; delete it"
            )
        for what, whole in MOMENTS.items():
            like = parameters[place].detach() if whole else ONE
            pairs.append((f"{what} of parameter {place}", moment[what], like))
    for name, tensor, like in pairs:
        if tensor.shape != like.shape or tensor.dtype != like.dtype:
            raise BadInput(
                f"checkpoint: {name} is {tensor.dtype} {tuple(tensor.shape)}, and this training's is "
                f"{like.dtype} {tuple(like.shape)}; delete it"
            )
        if name not in buffers and not bool(tensor.isfinite().all()):
            raise BadInput(f"checkpoint: {name} has NaN or infinite values; delete it")
    model.load_state_dict(state)
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})


ONE = torch.zeros(())
MOMENTS = {"step": False, "exp_avg": True, "exp_avg_sq": True}
"""What Adam keeps for each parameter, and whether it is of the parameter's shape."""
