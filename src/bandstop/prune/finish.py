"""The last step for any network: gates become an exact 0/1 mask, and then nothing but zeros."""

from __future__ import annotations

from torch import nn

from bandstop import gate
from bandstop.prune.choose import Masks, choose


def finish(model: nn.Module, gates: gate.Gates) -> Masks:
    """Choose the weights that stay, to the weight, and bake them into plain parameters.

    The soft masks of the last step may miss the budget by a few weights, and could leave a tensor
    without any; here each share keeps exactly what it may, and every tensor at least its best weight.
    Gives the masks back, by tensor. For an AttentionGCN `choose_live` and `compact` do more.
    """
    scores = {name: g.gate.scores(g.latent) for name, g in gates.tensors.items()}
    exempt = {n: t for n, t in gate.prunable(model).items() if n not in scores}
    masks = choose(scores | {n: t.detach().abs() for n, t in exempt.items()}, gates.spec.budget)
    gate.bake(model, masks)
    return masks
