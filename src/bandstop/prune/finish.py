"""The last step for any network: gates become an exact 0/1 mask, and then nothing but zeros."""

from __future__ import annotations

import torch
from torch import nn

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.prune.choose import Masks, choose
from bandstop.prune.choose_groups import choose_groups


def finish(model: nn.Module, gates: gate.Gates) -> Masks:
    """Choose the weights that stay, to the weight, and bake them into plain parameters.

    The soft masks of the last step may miss the budget by a few weights, and could leave a tensor
    without any; here each share keeps exactly what it may (less than a group short of it where whole
    groups decide), and every tensor at least its best weight.
    Gives the masks back, by tensor. For an AttentionGCN `choose_live` and `compact` do more.

    Errors: BadInput, with nothing changed, for gates that are not this model's, and for parameters
    that training left without a finite value.
    """
    named = gates.names_in(model)
    require_finite(model)
    scores = gates.scores()
    device = gates.device if scores else None
    whole = {name: torch.ones(shape, device=device) for name, shape in gates.shapes.items()}
    if levels := gates.spec.whole_groups:
        masks, _ = choose_groups(whole | scores, gates.spec.budget, levels=levels)
    else:
        masks = choose(whole | scores, gates.spec.budget)
    gate.bake(model, {named[name]: mask for name, mask in masks.items() if name in named})
    return masks


def require_finite(model: nn.Module) -> None:
    """Errors: BadInput naming the first parameter that was trained to NaN or infinity."""
    latents = {g.name: g.latent for g in gate.gated_tensors(model)}
    trained = {name: t for name, t in model.named_parameters() if t.requires_grad}
    for name, tensor in (latents | trained).items():
        if not tensor.isfinite().all():
            count = int((~tensor.isfinite()).sum())
            raise BadInput(
                f"training left {count} of {tensor.numel()} values of `{name}` NaN or infinite; go back "
                "to weights that were finite, or train with a lower learning rate"
            )
