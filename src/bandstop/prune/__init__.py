"""From gates to a small network: choose (exact budget), liveness, compact."""

from bandstop.prune.choose import Masks, choose
from bandstop.prune.choose_groups import (
    Reached,
    check_groups_reachable,
    choose_groups,
    choose_live_groups,
    coarsest_levels,
)
from bandstop.prune.compact import compact, masks_of
from bandstop.prune.finish import finish, settle
from bandstop.prune.liveness import check_reachable, choose_live, live, strongest_paths
from bandstop.prune.order import NEVER, compact_ranks, kept_at, masks_at, order_of

__all__ = [
    "NEVER",
    "Masks",
    "Reached",
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
    "masks_at",
    "masks_of",
    "order_of",
    "settle",
    "strongest_paths",
]  # fmt: skip
