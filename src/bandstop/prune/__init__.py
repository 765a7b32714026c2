"""From gates to a small network: choose (exact budget), liveness, compact."""

from bandstop.prune.choose import Masks, choose
from bandstop.prune.choose_groups import (
    Reached,
    check_groups_reachable,
    choose_groups,
    choose_live_groups,
)
from bandstop.prune.compact import compact, masks_of
from bandstop.prune.finish import finish, settle
from bandstop.prune.liveness import check_reachable, choose_live, live, strongest_paths
from bandstop.prune.order import NEVER, compact_ranks, kept_at, masks_at, order_of
from bandstop.prune.shrunk import Shrunk, masked_graph, shrunk
from bandstop.prune.topology import (
    AttentionTopology,
    GraphTopology,
    Topology,
    coarsest_levels,
    topology_of,
)

__all__ = [
    "NEVER",
    "AttentionTopology",
    "GraphTopology",
    "Masks",
    "Reached",
    "Shrunk",
    "Topology",
    "check_groups_reachable",
    "check_reachable",
    "choose",
    "choose_groups",
    "choose_live",
    "choose_live_groups",
    "coarsest_levels",
    "compact",
    "compact_ranks",
    "finish",
    "kept_at",
    "live",
    "masked_graph",
    "masks_at",
    "masks_of",
    "order_of",
    "settle",
    "shrunk",
    "strongest_paths",
    "topology_of",
]  # fmt: skip
