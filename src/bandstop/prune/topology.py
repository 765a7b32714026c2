"""What pruning must know of a network: which weights hang together, and what each of them costs.

One interface for every method. The attention GCN has closed forms of its own (liveness.py, order.py); any
other network is followed as a graph.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor, nn

from bandstop import gate
from bandstop.budget import Budget
from bandstop.errors import BadInput
from bandstop.gate.groups import COARSE
from bandstop.graph import Graph, fitting, live, paths, trace
from bandstop.graph.cost import uses
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import liveness, order
from bandstop.prune.choose import Masks, choose_alive, rate_of
from bandstop.prune.choose_groups import (
    Reached,
    check_groups,
    check_groups_reachable,
    choose_groups,
    choose_live_groups,
)

Sizes = Mapping[str, tuple[int, ...]]


class Topology(ABC):
    """How a network's prunable tensors work together."""

    @property
    @abstractmethod
    def sizes(self) -> Sizes:
        """Name -> shape of each prunable tensor."""

    @property
    @abstractmethod
    def costs(self) -> Mapping[str, float]:
        """Name -> multiply-accumulates that one of its weights causes."""

    @abstractmethod
    def live(self, masks: Masks) -> Masks:
        """The masks without weights that no output depends on."""

    @abstractmethod
    def check(self, budget: Budget) -> None:
        """Raise BadInput where the budget cannot keep a path to every output."""

    @abstractmethod
    def check_groups(
        self, budget: Budget, levels: tuple[str, ...], others_whole: bool = False
    ) -> None:
        """Raise BadInput where whole groups cannot meet the budget."""

    @abstractmethod
    def choose(self, scores: Masks, budget: Budget) -> Masks:
        """Exactly the budget, all of it live, with a path to every output."""

    @abstractmethod
    def choose_groups(
        self,
        scores: Masks,
        budget: Budget,
        levels: tuple[str, ...] = COARSE,
        opened: Masks | None = None,
    ) -> tuple[Masks, list[Reached]]:
        """The budget in whole groups; see `prune.choose_groups`."""

    @abstractmethod
    def order(self, scores: Masks, lowest: Budget, highest: Budget) -> dict[str, Tensor]:
        """The rank of each weight in a network of many rates."""


@dataclass(frozen=True)
class AttentionTopology(Topology):
    """The attention GCN's three tensors, in closed form.

    Parameters
    ----------
    shape : the network's sizes
    """

    shape: Shape

    @property
    def sizes(self) -> Sizes:
        return self.shape.tensors

    @property
    def costs(self) -> Mapping[str, float]:
        """As `measure.sparse_macs` counts them."""
        return {"attention": self.shape.features, "filters": self.shape.outputs, "dense": 1}

    def live(self, masks: Masks) -> Masks:
        return liveness.live(masks, self.shape)

    def check(self, budget: Budget) -> None:
        liveness.check_reachable(budget, self.shape)

    def check_groups(
        self, budget: Budget, levels: tuple[str, ...], others_whole: bool = False
    ) -> None:
        check_groups_reachable(budget, self.shape, levels, others_whole)

    def choose(self, scores: Masks, budget: Budget) -> Masks:
        return liveness.choose_live(scores, budget, self.shape)

    def choose_groups(
        self,
        scores: Masks,
        budget: Budget,
        levels: tuple[str, ...] = COARSE,
        opened: Masks | None = None,
    ) -> tuple[Masks, list[Reached]]:
        return choose_live_groups(scores, budget, self.shape, levels, opened)

    def order(self, scores: Masks, lowest: Budget, highest: Budget) -> dict[str, Tensor]:
        return order.order_of(scores, lowest, highest, self.shape)


@dataclass(frozen=True, eq=False)
class GraphTopology(Topology):
    """Any network, followed as a graph.

    Parameters
    ----------
    graph : with the network's parameters under their own names
    shapes : name -> shape of each prunable tensor
    """

    graph: Graph
    shapes: Sizes

    @property
    def sizes(self) -> Sizes:
        return self.shapes

    @classmethod
    def of(cls, net: nn.Module, example: Tensor | Sequence[Tensor]) -> GraphTopology:
        """Of a network without gates.

        Parameters
        ----------
        net : in whatever mode; it stays as it is
        example : an input with the batch first, or several

        Returns
        -------
        GraphTopology

        Raises
        ------
        BadInput
            For a module that cannot be followed.
        """
        examples = (example,) if isinstance(example, Tensor) else tuple(example)
        whole = copy.deepcopy(net).cpu().eval()
        with torch.no_grad():  # what starts at 0, a bias or a factor, will not stay there
            for parameter in whole.parameters():
                parameter.masked_fill_(parameter == 0, 1.0)
        graph = trace(whole, [x.cpu() for x in examples])
        return cls(graph, {name: tuple(t.shape) for name, t in gate.prunable(net).items()})

    @cached_property
    def costs(self) -> Mapping[str, float]:
        """A weight that no product reads costs nothing."""
        found = uses(self.graph)
        return {name: found.get(name, 0.0) for name in self.sizes}

    def live(self, masks: Masks) -> Masks:
        there = {n: m for n, m in masks.items() if n in self.graph.tensors}
        nothing = {
            n: torch.zeros_like(m, dtype=torch.bool) for n, m in masks.items() if n not in there
        }
        return nothing | live(self.graph, there)

    def _fitting(self, masks: Masks) -> Masks:
        there = {n: m for n, m in masks.items() if n in self.graph.tensors}
        nothing = {
            n: torch.zeros_like(m, dtype=torch.bool) for n, m in masks.items() if n not in there
        }
        return nothing | fitting(self.graph, there)

    def strongest(self, scores: Masks) -> Masks:
        """A strong path to every output; the network with those weights alone."""
        positive = {n: (s - s.min()).cpu() for n, s in scores.items() if n in self.graph.tensors}
        nothing = {n: torch.zeros_like(s, dtype=torch.bool) for n, s in scores.items()}
        found = paths(self.graph, positive)
        return nothing | {n: mask.to(scores[n].device) for n, mask in found.items()}

    @cached_property
    def _shortest(self) -> Masks:
        """Some path to every output."""
        return self.strongest({name: torch.ones(shape) for name, shape in self.sizes.items()})

    def check(self, budget: Budget) -> None:
        sizes = {name: mask.numel() for name, mask in self._shortest.items()}
        total = sum(sizes.values())
        for share in budget.resolve(sizes):
            least = sum(int(self._shortest[name].sum()) for name in share.names)
            if least > share.keep:
                raise BadInput(
                    f"budget unreachable: {share.keep} of {share.total} weights may stay in "
                    f"{len(share.names)} tensors, but a path to every output needs {least}; lower the rate "
                    f"to at most {rate_of(least, share.total if len(share.names) < len(sizes) else total)} "
                    "or enlarge the network"
                )

    def check_groups(
        self, budget: Budget, levels: tuple[str, ...], others_whole: bool = False
    ) -> None:
        scores = {name: torch.ones(shape) for name, shape in self.sizes.items()}
        check_groups(scores, budget, self._shortest, levels, self.live, others_whole)

    def choose(self, scores: Masks, budget: Budget) -> Masks:
        return choose_alive(
            scores, budget, self.strongest(scores), self.live, fitting=self._fitting
        )

    def choose_groups(
        self,
        scores: Masks,
        budget: Budget,
        levels: tuple[str, ...] = COARSE,
        opened: Masks | None = None,
    ) -> tuple[Masks, list[Reached]]:
        return choose_groups(scores, budget, self.strongest(scores), levels, self.live, opened)

    def order(self, scores: Masks, lowest: Budget, highest: Budget) -> dict[str, Tensor]:
        """First what the highest rate keeps, its paths before the rest; then percent by percent what is
        chosen alive around it. Of what comes in one step the best comes first."""
        rates = [p / 100 for p in range(100) if lowest.rate < p / 100 < highest.rate]
        always = self.strongest(scores)
        scores = {n: s.cpu() for n, s in scores.items()}
        always = {n: m.cpu() for n, m in always.items()}
        ranks = {n: torch.full(s.shape, order.NEVER, dtype=torch.long) for n, s in scores.items()}
        there = {n: torch.zeros_like(s, dtype=torch.bool) for n, s in scores.items()}
        first, count = always, 0
        for rate in [highest.rate, *reversed(rates), lowest.rate]:
            chosen = choose_alive(
                scores, replace(highest, rate=rate), always, self.live, fitting=self._fitting
            )
            chosen = {n: m | always[n] for n, m in chosen.items()}
            count = _appended(
                ranks, scores, {n: first[n] & chosen[n] & ~there[n] for n in ranks}, count
            )
            there = {n: there[n] | (first[n] & chosen[n]) for n in ranks}
            count = _appended(ranks, scores, {n: chosen[n] & ~there[n] for n in ranks}, count)
            there = always = chosen
        return ranks


def _appended(ranks: dict[str, Tensor], scores: Masks, new: Masks, count: int) -> int:
    """Give the new weights the next ranks, by falling score; the count of those that have one."""
    pooled = torch.cat([s[new[n]].flatten() for n, s in scores.items()])
    places = torch.empty(len(pooled), dtype=torch.long)
    places[torch.sort(pooled, descending=True, stable=True).indices] = torch.arange(len(pooled))
    at = 0
    for name, mask in new.items():
        more = int(mask.sum())
        ranks[name][mask] = count + places[at : at + more]
        at += more
    return count + len(pooled)


def topology_of(net: nn.Module, example: Tensor | Sequence[Tensor] | None = None) -> Topology:
    """How a network's weights hang together: in closed form where there is one, else by its graph.

    Parameters
    ----------
    net : without gates
    example : an input with the batch first, or several; not needed for an attention GCN

    Returns
    -------
    Topology

    Raises
    ------
    BadInput
        For a module that cannot be followed.
    """
    if isinstance(net, AttentionGCN):
        return AttentionTopology(net.shape)
    if example is None:
        raise BadInput("a network is followed with an example of its input: example=x")
    return GraphTopology.of(net, example)


def coarsest_levels(budget: Budget, topology: Topology, levels: tuple[str, ...]) -> tuple[str, ...]:
    """The fewest levels, coarse to fine, that can meet the budget.

    Parameters
    ----------
    budget : what may stay
    topology : of which network
    levels : coarse to fine

    Returns
    -------
    tuple of str
        The first of `levels` that reach it together, no finer one than it needs, whatever stays in
        tensors with a budget of their own; all of them where none can.
    """
    for count in range(1, len(levels)):
        try:
            topology.check_groups(budget, levels[:count], others_whole=True)
        except BadInput:
            continue
        return levels[:count]
    return levels
