"""From a limit to a rate: trials of networks that cost nothing to make, then few trainings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import torch

from bandstop.budget import Budget
from bandstop.bundle import Bundle, Order
from bandstop.data import Dataset
from bandstop.errors import BadInput, Failure
from bandstop.fit.limit import Limit
from bandstop.fit.search import most_within
from bandstop.graph import Graph, GraphNet
from bandstop.graph.cost import PRODUCTS
from bandstop.job import Listener, Outcome, check, design
from bandstop.prune import GraphTopology, compact_ranks, order_of, strongest_paths
from bandstop.record import WHOLE, Config

TRAININGS = 5
"""At most, until one is near enough."""
NEAR, AIM = 0.92, 0.97
"""Parts of the limit: a network that takes the first, or more, is near enough; the second is aimed at."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """A finished run whose network is within the limit.

    config  the run as it can be made again with its rate
    bundle  the network that is within the limit: of a method of many rates the one of `rate`
    cost    what was measured of it
    tried   (rate, cost) of each training, in order; of a method of many rates that of `bundle` alone
    """

    outcome: Outcome
    config: Config
    bundle: Bundle
    rate: float
    cost: float
    tried: tuple[tuple[float, float], ...]


def fit(
    config: Config,
    limit: Limit,
    runs: Path,
    dataset: Dataset,
    listener: Listener | None = None,
) -> Fitted:
    """Train the largest network that is within the limit.

    A network of many rates is trained once, and the rate is found by measuring what it gives. For any
    other method the dense reference, cut by magnitude at one rate after the other, says which rate to
    train at first; then what the trained ones take says how to go on (`following`; our choice).

    Errors: BadInput where no rate is within the limit, with the nearest, before anything but the dense
    reference is trained, and for a method that removes nothing; Failure where no training came to be.
    """
    listener = listener or Listener()
    if config.method in WHOLE:
        raise BadInput(
            f"method {config.method} removes nothing; a budget needs one that prunes, such as pmp"
        )
    check(config, dataset)
    if config.many:
        return _of_many(config, limit, runs, dataset, listener)
    listener.say("dense reference, from which trials are cut")
    trials = trials_of(design(config.dense(), runs, dataset, listener).bundle)
    cost = measured(limit, trials)
    least, most = ends(trials)
    _require_reachable(limit, cost(least), cost(most), config.dense())
    found: dict[float, tuple[Outcome, float]] = {}
    took_by: dict[int, float] = {}
    keep = most_within(AIM * limit.most, cost, least, most) or least
    for number in range(1, TRAININGS + 1):
        config = replace(config, rate=_rate(keep, most))
        listener.say(f"training {number} of at most {TRAININGS}: rate {config.rate:g}")
        outcome = design(config, runs, dataset, listener)
        took = limit.measure(outcome.bundle)
        listener.say(f"rate {config.rate:g} takes {limit.said(took)} of {limit.said(limit.most)}")
        found[config.rate], took_by[keep] = (outcome, took), took
        if NEAR * limit.most <= took <= limit.most:
            break
        keep = following(took_by, limit.most, cost, (least, most))
        if keep in took_by:
            break
    tried = tuple((rate, took) for rate, (_, took) in found.items())
    within = [rate for rate, took in tried if took <= limit.most]
    if not within:
        nearest = min(took for _, took in tried)
        raise Failure(
            f"no training came to be within {limit.said(limit.most)}: the nearest takes "
            f"{limit.said(nearest)}; give a little more, or --method mrmp, which is measured at any rate"
        )
    rate = min(within)
    outcome, took = found[rate]
    return Fitted(outcome, replace(config, rate=rate), outcome.bundle, rate, took, tried)


def following(
    took: Mapping[int, float], limit: float, trial: Callable[[int], float], ends: tuple[int, int]
) -> int:
    """How many weights to keep next, after what trainings with others took.

    Between the largest within the limit and the smallest beyond it: where the straight line through both
    reaches AIM of the limit. With networks on one side alone: as many as a trial keeps that takes the
    aim, divided by how many times what its trial took the nearest one took.
    """
    aim = AIM * limit
    under = max((k for k, cost in took.items() if cost <= limit), default=None)
    over = min((k for k, cost in took.items() if cost > limit), default=None)
    if under is not None and over is not None and under < over:
        part = (aim - took[under]) / (took[over] - took[under])
        return min(max(under + round(part * (over - under)), under), over)
    nearest = under if under is not None else over
    assert nearest is not None, "nothing was trained yet"
    return most_within(aim * trial(nearest) / took[nearest], trial, *ends) or ends[0]


def _of_many(
    config: Config, limit: Limit, runs: Path, dataset: Dataset, listener: Listener
) -> Fitted:
    outcome = design(config, runs, dataset, listener)
    cost = measured(limit, outcome.bundle)
    order = outcome.bundle.order
    assert order is not None
    least, most = (round((1 - rate) * order.weights) for rate in (order.highest, order.lowest))
    keep = most_within(limit.most, cost, least, most)
    if keep is None:
        raise BadInput(
            f"{limit.said(limit.most)} is not reached: at {order.highest:g}, the highest rate that was "
            f"trained, the network takes {limit.said(cost(least))}; give as much, or a higher --seen"
        )
    rate = _rate(keep, order.weights)
    return Fitted(outcome, config, outcome.bundle.at(rate), rate, cost(keep), ((rate, cost(keep)),))


def measured(limit: Limit, many: Bundle) -> Callable[[int], float]:
    """How many weights stay -> what that network costs; measured once each."""
    assert many.order is not None
    total = many.order.weights

    @cache
    def cost(keep: int) -> float:
        return limit.measure(many.at(_rate(keep, total), force=True))

    return cost


@torch.no_grad()
def trials_of(dense: Bundle) -> Bundle:
    """The dense network with its weights in the order of their magnitudes: any rate without a training."""
    if isinstance(dense.net, GraphNet):
        return _graph_trials(dense, dense.net.graph_now)
    net = dense.net.net
    shape = net.shape
    scores = {name: w.abs() for name, w in net.weights().items()}
    least = sum(int(mask.sum()) for mask in strongest_paths(scores, shape).values())
    highest = _rate(least, shape.weights)
    ranks = order_of(scores, Budget(0.0), Budget(highest), shape)
    order = Order(compact_ranks(ranks, shape), shape.weights, 0.0, highest)
    return replace(dense, order=order)


def _graph_trials(dense: Bundle, graph: Graph) -> Bundle:
    """The same of any other network: of the tensors that its sums of products read."""
    weights = {n.inputs[1] for n in graph.nodes if n.operation in PRODUCTS and len(n.inputs) == 2}
    scores = {n: graph.tensors[n].abs() for n in graph.tensors if n in weights}
    topology = GraphTopology(graph, {n: tuple(s.shape) for n, s in scores.items()})
    total = sum(s.numel() for s in scores.values())
    least = sum(int(mask.sum()) for mask in topology.strongest(scores).values())
    highest = _rate(least, total)
    ranks = topology.order(scores, Budget(0.0), Budget(highest))
    return replace(dense, order=Order(ranks, total, 0.0, highest))


def ends(trials: Bundle) -> tuple[int, int]:
    """The fewest weights that keep a path to every class, and all."""
    order = trials.order
    assert order is not None
    return round((1 - order.highest) * order.weights), order.weights


def _rate(keep: int, total: int) -> float:
    """The rate that keeps just so many, in as few digits as it takes.

    >>> _rate(697, 34848), _rate(34848, 34848)
    (0.98, 0.0)
    """
    for digits in range(2, 16):
        rate = round(1 - keep / total, digits)
        if 0 <= rate < 1 and round((1 - rate) * total) == keep:
            return rate
    return 1 - keep / total


def _require_reachable(limit: Limit, least: float, most: float, dense: Config) -> None:
    """Errors: BadInput for less than the smallest network takes, or as much as the whole one."""
    if least > limit.most:
        raise BadInput(
            f"{limit.said(limit.most)} is not reached at any rate: the smallest network that keeps a path to "
            f"every class takes {limit.said(least)}; give at least that, or fewer chunks"
        )
    if most <= limit.most:
        raise BadInput(
            f"{limit.said(limit.most)} asks for nothing to be removed: the dense network takes "
            f"{limit.said(most)}; give less, or design it with --method {dense.method}"
        )
