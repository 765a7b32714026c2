"""Which weights matter: those on some path from an input to an output. The rest is dead.

For the attention GCN a path takes one weight of each tensor:

    input (j, s)  --A[k,i,j]-->  (k, i, s)  --W[k,s,f]-->  channel (f, i)  --D[f,i,c]-->  class c

and a weight lives if it lies on a path of weights that stay. (Topological consistency: arXiv
2203.13616.) With three layers the fixpoint is reached in one pass: each of the three kinds of vertex
between them is live if something arrives and something leaves.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor

from bandstop.budget import Budget
from bandstop.errors import BadInput
from bandstop.nn import Shape
from bandstop.prune.choose import Masks, choose_alive, rate_of


def by_head(
    dense: Shaped[Tensor, "channel output class"], shape: Shape
) -> Shaped[Tensor, "head filter output class"]:
    """D as (head, filter, output, class): with summed heads each head sees the same D."""
    if shape.fusion == "sum":
        return dense.expand(shape.heads, *dense.shape)
    return dense.view(shape.heads, shape.filters, *dense.shape[1:])


def live(masks: Mapping[str, Bool[Tensor, "a b c"]], shape: Shape) -> Masks:
    """The masks without what is dead: the same function, up to what biases alone contribute."""
    attention, filters, dense = masks["attention"], masks["filters"], masks["dense"]
    reads = attention.any(dim=2)  # (head, output): something is read for it
    leaves = by_head(dense, shape).any(dim=3)  # (head, filter, output): some class wants it
    # W[k,s,f] lives if for some output i head k reads for i and some class wants (f, i)
    carried = (leaves & reads[:, None, :]).any(dim=2)  # (head, filter)
    live_filters = filters & carried[:, None, :]
    # D[f,i,c] lives if for some head k that reads for i, filter f has an input
    arrives = live_filters.any(dim=1)  # (head, filter)
    reached = arrives[:, :, None] & reads[:, None, :]  # (head, filter, output)
    reached_channel = reached.any(dim=0) if shape.fusion == "sum" else reached.flatten(0, 1)
    live_dense = dense & reached_channel[:, :, None]
    # A[k,i,j] lives if head k has a live filter whose value at i some class wants
    wanted = (leaves & arrives[:, :, None]).any(dim=1)  # (head, output)
    live_attention = attention & wanted[:, :, None]
    return {"attention": live_attention, "filters": live_filters, "dense": live_dense}


def strongest_paths(scores: Mapping[str, Float[Tensor, "a b c"]], shape: Shape) -> Masks:
    """For every class the path from an input to it with the largest product of scores.

    max over k, i, f of  (max_j A[k,i,j]) (max_s W[k,s,f]) D[f,i,c].  At most 3 x classes weights.
    """
    attention, filters = scores["attention"], scores["filters"]
    dense = by_head(scores["dense"], shape)
    best_input, j = attention.max(dim=2)  # (head, output)
    best_feature, s = filters.max(dim=1)  # (head, filter)
    path = dense * best_feature[:, :, None, None] * best_input[:, None, :, None]
    best = path.flatten(0, 2).argmax(dim=0)  # one a class
    k, f, i = torch.unravel_index(best, path.shape[:3])
    classes = torch.arange(shape.classes, device=best.device)
    masks = {n: torch.zeros_like(score, dtype=torch.bool) for n, score in scores.items()}
    masks["attention"][k, i, j[k, i]] = True
    masks["filters"][k, s[k, f], f] = True
    channel = f if shape.fusion == "sum" else k * shape.filters + f
    masks["dense"][channel, i, classes] = True
    return masks


def choose_live(
    scores: Mapping[str, Float[Tensor, "a b c"]], budget: Budget, shape: Shape, rounds: int = 200
) -> Masks:
    """`choose_alive`, with the strongest path to every class kept."""
    paths = strongest_paths(scores, shape)
    return choose_alive(scores, budget, paths, lambda masks: live(masks, shape), rounds)


def check_reachable(budget: Budget, shape: Shape) -> None:
    """Before training: can the budget keep a path to every class? Errors: BadInput, with the figures."""
    sizes = {name: a * b * c for name, (a, b, c) in shape.tensors.items()}
    shares = budget.resolve(sizes)
    kept = sum(share.keep for share in shares)
    exempt = [name for name in sizes if not any(name in share.names for share in shares)]
    needed = {
        share: sum(min(shape.classes, sizes[name]) for name in share.names) for share in shares
    }
    short = [
        f"{', '.join(share.names)}: {share.keep} may stay, {count} are needed"
        for share, count in needed.items()
        if share.keep < count
    ]
    if short:
        most = rate_of(max(needed.values()), shape.weights)
        rate = f"to at most {most} " if len(shares) == 1 and not exempt else ""
        whole = f" ({', '.join(exempt)} exempt)" if exempt else ""
        raise BadInput(
            f"budget unreachable: rate {budget.rate:g} keeps {kept} of {shape.weights} weights{whole}, "
            f"but a path to each of {shape.classes} classes needs one weight a class in every tensor "
            f"({'; '.join(short)}); lower the rate {rate}or enlarge the network"
        )
