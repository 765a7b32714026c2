"""The last step for any network: gates become an exact 0/1 mask, and then nothing but zeros."""

from __future__ import annotations

from torch import nn

from bandstop import gate
from bandstop.prune.choose import Masks, choose
from bandstop.prune.choose_groups import choose_groups


def finish(model: nn.Module, gates: gate.Gates) -> Masks:
    """Choose the weights that stay, to the weight, and bake them into plain parameters.

    The soft masks of the last step may miss the budget by a few weights, and could leave a tensor
    without any; here each share keeps exactly what it may (less than a group short of it where whole
    groups decide), and every tensor at least its best weight.
    Gives the masks back, by tensor. For an AttentionGCN `choose_live` and `compact` do more.
    """
    scores = {name: t.detach().abs() for name, t in gate.prunable(model).items()} | gates.scores()
    if levels := gates.spec.whole_groups:
        masks, _ = choose_groups(scores, gates.spec.budget, levels=levels)
    else:
        masks = choose(scores, gates.spec.budget)
    gate.bake(model, masks)
    return masks
