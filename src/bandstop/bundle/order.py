"""Order: what a bundle of many rates knows beside its weights (MRMP, arXiv 2312.17615)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from bandstop.errors import BadInput, listed
from bandstop.graph import GraphNet
from bandstop.measure import kept_weights
from bandstop.nn import CompactGCN
from bandstop.prune import compact, kept_at, masks_at, shrunk


@dataclass(frozen=True, eq=False)
class Order:
    """Which weights stay at which rate: those whose rank is below round((1 - rate) weights).

    ranks    name -> rank of each weight of the network, whole numbers in its tensors' shapes
    weights  N, of the network before anything was removed
    lowest, highest  the range of rates that was trained

    Errors: BadInput, naming what does not fit together.
    """

    ranks: Mapping[str, Tensor]
    weights: int
    lowest: float
    highest: float

    def __post_init__(self) -> None:
        problems = []
        if self.weights < 1:
            problems.append(f"there must be weights, not {self.weights}")
        if not 0 <= self.lowest <= self.highest < 1:
            problems.append(f"the rates must rise within [0, 1): {self.lowest} to {self.highest}")
        if any(int(r.min()) < 0 for r in self.ranks.values() if r.numel()):
            problems.append("a rank cannot be negative")
        if problems:
            raise BadInput(f"order of weights: {listed(problems)}")

    def check(self, rate: float, force: bool) -> None:
        """Errors: BadInput for a rate that was not trained for; with `force` only where nothing can
        be done."""
        if not 0 <= rate < 1:
            raise BadInput(f"rate must be in [0, 1), not {rate}")
        if rate < self.lowest - 1e-9:
            raise BadInput(
                f"rate {rate:g} is below {self.lowest:g}, the lowest that was trained, and the bundle "
                "holds no more weights than that; train with a lower --seen"
            )
        if rate > self.highest + 1e-9 and not force:
            raise BadInput(
                f"rate {rate:g} is above {self.highest:g}, the highest that was trained, where accuracy "
                "falls steeply; train with a higher --seen, or force it"
            )

    def at(self, net: CompactGCN | GraphNet, rate: float) -> tuple[CompactGCN | GraphNet, int]:
        """The network of that rate out of the one that holds all, and how many weights it keeps: the same
        function as the whole with all weights of a higher rank zero."""
        masks = masks_at(self.ranks, max(1, kept_at(rate, self.weights)))
        if isinstance(net, GraphNet):
            made = shrunk(net.graph_now, masks)
            return made.net, made.kept
        small = compact(net.net, masks)
        found = CompactGCN(
            small.net,
            net.joints[small.joints],
            net.features[small.features],
            nodes=net.nodes,
            all_features=net.all_features,
        ).eval()
        return found, kept_weights(found.net)
