"""From gates to a small network: choose (exact budget), liveness, compact."""

from bandstop.prune.choose import Masks, choose
from bandstop.prune.compact import compact, masks_of
from bandstop.prune.finish import finish
from bandstop.prune.liveness import check_reachable, choose_live, live, strongest_paths

__all__ = [
    "Masks", "check_reachable", "choose", "choose_live", "compact", "finish", "live", "masks_of",
    "strongest_paths",
]  # fmt: skip
