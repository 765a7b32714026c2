"""The last steps for any network: gates become an exact 0/1 mask, and then nothing but zeros."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import overload

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from bandstop import gate
from bandstop.errors import BadInput, Failure
from bandstop.graph import Graph, GraphNet, fitting, live, paths, shrink, trace
from bandstop.prune.choose import Masks, choose, choose_alive
from bandstop.prune.choose_groups import choose_groups

FEW = 0.01
"""The part of a tensor's weights below which it is worth a word that no more are left."""


Example = Tensor | Sequence[Tensor]


def settle(model: nn.Module, gates: gate.Gates, example: Example | None = None) -> Masks:
    """Choose the weights that stay and fix them: training goes on with the network as it will be.

    The soft masks may miss the budget by a few weights, and could leave a tensor without any; here each
    share keeps exactly what it may (less than a group short of it where whole groups decide), and every
    tensor at least its best weight. From here on `gates.update` has nothing left to do.
    Gives the masks back, by tensor. Tensors down to under 1 % of their weights are named in a GateWarning.

    example  an input with the batch first, or several: then the model is followed as a graph
             (`graph.trace`), every element of every output keeps a path to an input, and no weight is
             spent where nothing comes of it

    Errors: BadInput, with nothing changed, for gates that are not this model's, for parameters that
    training left without a finite value, and with an example for a model that cannot be followed.
    """
    masks = _final(model, gates, example)
    if not gates.settled:
        named = gates.names_in(model)
        gate.fix(model, {there: masks[name] for name, there in named.items()})
        gates.hold(model, named)
    return masks


@overload
def finish(model: nn.Module, gates: gate.Gates) -> Masks: ...
@overload
def finish(model: nn.Module, gates: gate.Gates, example: Example) -> GraphNet: ...
def finish(model: nn.Module, gates: gate.Gates, example: Example | None = None) -> Masks | GraphNet:
    """Bake the masks into plain parameters: those that were settled, or else chosen now as `settle` does.

    Weights that were never trained without the others do worse, and BatchNorm's running statistics are
    those of another network: settle some time before, and estimate them again at the end
    (`torch.optim.swa_utils.update_bn`).
    Gives the masks back, by tensor; with an `example`, as in `settle`, the network that computes the
    same in eval mode without what is dead, for any batch. For an AttentionGCN `choose_live` and
    `compact` do more.

    Errors: as in `settle`; Failure where the small network would compute something else.
    """
    masks = _final(model, gates, example)
    named = gates.names_in(model)
    gate.bake(model, {named[name]: mask for name, mask in masks.items() if name in named})
    if example is None:
        return masks
    examples = (example,) if isinstance(example, Tensor) else tuple(example)
    small = GraphNet(shrink(trace(model, examples))).eval()
    _require_same(model, small, examples)
    return small


EXACT = 1e-5
"""How far, beside the largest output, a small network may be from the whole one."""


@torch.no_grad()
def _require_same(model: nn.Module, small: GraphNet, examples: Sequence[Tensor]) -> None:
    """Errors: Failure where two networks do not compute the same of noise as large as the examples."""
    noise = [
        torch.randn_like(x) * x.std() if x.numel() > 1 else torch.randn_like(x) for x in examples
    ]
    whole = copy.deepcopy(model).eval()  # it may count its calls
    for inputs in (examples, noise):
        made, now = (tree_leaves(f(*(x.clone() for x in inputs))) for f in (whole, small))
        there = [v for v in made if isinstance(v, Tensor)]
        for one, other in zip(there, now, strict=True):
            off = float((one - other).abs().max() / one.abs().max().clamp(min=1e-30))
            if not off <= EXACT:
                raise Failure(
                    f"the compacted network is {off:.1e} off the whole one: a fault of ours, please report it"
                )


def _with_paths(model: nn.Module, gates: gate.Gates, example: Example, scores: Masks) -> Masks:
    """The exact budget with a path to every output, and nothing spent on the dead."""
    whole = copy.deepcopy(model)
    places = {g.name: g.latent for g in gate.gated_tensors(whole)}
    gate.bake(whole, {name: torch.ones_like(latent) for name, latent in places.items()})
    graph = trace(whole, example)
    named = gates.names_in(model)
    here = {name: named.get(name, name) for name in scores}
    positive = {here[n]: (s - s.min()).to(graph.tensors[here[n]].device)
                for n, s in scores.items() if here[n] in graph.tensors}  # fmt: skip
    always = paths(graph, positive)
    none = {n: torch.zeros_like(s, dtype=torch.bool) for n, s in scores.items()}

    def judged(by: Callable[[Graph, Masks], Masks], masks: Masks) -> Masks:
        found = by(graph, {here[n]: m for n, m in masks.items() if here[n] in graph.tensors})
        return {n: found.get(here[n], none[n]) for n in masks}

    alive = partial(judged, live)

    stay = {n: always.get(here[n], none[n]) for n in scores}
    if levels := gates.spec.whole_groups:
        return choose_groups(scores, gates.spec.budget, stay, levels, alive)[0]
    fits = partial(judged, fitting)
    return choose_alive(scores, gates.spec.budget, stay, alive, fitting=fits)


def _final(model: nn.Module, gates: gate.Gates, example: Example | None) -> Masks:
    gates.names_in(model)
    require_finite(model)
    device = gates.device if gates.tensors else None
    whole = {name: torch.ones(shape, device=device) for name, shape in gates.shapes.items()}
    if gates.settled:
        fixed = {name: g.gate.hard_mask(g.latent) for name, g in gates.tensors.items()}
        return {name: ones.bool() for name, ones in whole.items()} | fixed
    scores = whole | gates.scores()
    if example is not None:
        masks = _with_paths(model, gates, example, scores)
    elif levels := gates.spec.whole_groups:
        masks, _ = choose_groups(scores, gates.spec.budget, levels=levels)
    else:
        masks = choose(scores, gates.spec.budget)
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
