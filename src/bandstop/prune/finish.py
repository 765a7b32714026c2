"""The last steps for any network: gates become an exact 0/1 mask, and then nothing but zeros."""

from __future__ import annotations

import warnings

import torch
from torch import nn

from bandstop import gate
from bandstop.errors import BadInput
from bandstop.prune.choose import Masks, choose
from bandstop.prune.choose_groups import choose_groups

FEW = 0.01
"""The part of a tensor's weights below which it is worth a word that no more are left."""


def settle(model: nn.Module, gates: gate.Gates) -> Masks:
    """Choose the weights that stay and fix them: training goes on with the network as it will be.

    The soft masks may miss the budget by a few weights, and could leave a tensor without any; here each
    share keeps exactly what it may (less than a group short of it where whole groups decide), and every
    tensor at least its best weight. From here on `gates.update` has nothing left to do.
    Gives the masks back, by tensor. Tensors down to under 1 % of their weights are named in a GateWarning.

    Errors: BadInput, with nothing changed, for gates that are not this model's, and for parameters
    that training left without a finite value.
    """
    masks = _final(model, gates)
    if not gates.settled:
        named = gates.names_in(model)
        gate.fix(model, {there: masks[name] for name, there in named.items()})
        gates.hold(model, named)
    return masks


def finish(model: nn.Module, gates: gate.Gates) -> Masks:
    """Bake the masks into plain parameters: those that were settled, or else chosen now as `settle` does.

    Weights that were never trained without the others do worse, and BatchNorm's running statistics are
    those of another network: settle some time before, and estimate them again at the end
    (`torch.optim.swa_utils.update_bn`).
    Gives the masks back, by tensor. For an AttentionGCN `choose_live` and `compact` do more.

    Errors: as in `settle`.
    """
    masks = _final(model, gates)
    named = gates.names_in(model)
    gate.bake(model, {named[name]: mask for name, mask in masks.items() if name in named})
    return masks


def _final(model: nn.Module, gates: gate.Gates) -> Masks:
    gates.names_in(model)
    require_finite(model)
    device = gates.device if gates.tensors else None
    whole = {name: torch.ones(shape, device=device) for name, shape in gates.shapes.items()}
    if gates.settled:
        fixed = {name: g.gate.hard_mask(g.latent) for name, g in gates.tensors.items()}
        return {name: ones.bool() for name, ones in whole.items()} | fixed
    if levels := gates.spec.whole_groups:
        masks, _ = choose_groups(whole | gates.scores(), gates.spec.budget, levels=levels)
    else:
        masks = choose(whole | gates.scores(), gates.spec.budget)
    kept = {name: int(mask.sum()) for name, mask in masks.items()}
    few = [
        f"`{name}` ({kept[name]} of {mask.numel()})"
        for name, mask in masks.items()
        if kept[name] < FEW * mask.numel() - 1  # not by rounding
    ]
    if few:
        warnings.warn(
            f"down to under 1 % of their weights: {', '.join(few)}; where that is too few exempt them, or "
            "give them a rate of their own",
            gate.GateWarning,
            stacklevel=3,
        )
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
