"""Which room may import which: `python .ci/rooms.py` prints every import that is not allowed, and fails."""

from __future__ import annotations

import sys

import grimp

BASE: dict[str, str] = {
    "printable": "",
    "number": "",
    "fingerprint": "",
    "digest": "",
    "errors": "printable",
    "text": "errors printable",
    "files": "errors",
    "read": "errors text",
    "schema": "errors read text",
}
"""What every room may import; among themselves they keep this order."""

ROOMS: dict[str, str] = {
    "budget": "",
    "skeleton": "",
    "record": "",
    "data": "skeleton",
    "nn": "",
    "networks": "",
    "graph": "",
    "gate": "budget",
    "measure": "nn",
    "objective": "gate",
    "train": "objective",
    "prune": "budget gate nn graph",
    "method": "budget gate objective prune nn record",
    "compile": "skeleton data nn graph",
    "bundle": "skeleton data nn graph measure prune record compile",
    "bench": "bundle compile nn graph",
    "report": "skeleton record",
    "job": "skeleton record data nn networks graph gate measure objective train prune method bundle",
    "fit": "budget skeleton record data nn graph prune bundle bench compile job",
    "sweep": "record data method job train",
    "api": "record data job bundle",
    "cli": "record data graph bundle compile bench report job fit sweep",
    "__main__": "cli",
}
"""A room -> the others that it may import."""

WITHOUT_TORCH = {*BASE, "budget", "skeleton", "record", "report"} - {"digest"}
"""These must be quick to load: neither they nor what they import know torch."""


def imports() -> grimp.ImportGraph:
    """Every import of the package, those of other packages too."""
    return grimp.build_graph("bandstop", include_external_packages=True, cache_dir=None)


def room(module: str) -> str | None:
    """
    >>> room("bandstop.gate.base"), room("bandstop"), room("torch")
    ('gate', None, None)
    """
    own, _, rest = module.partition(".")
    return rest.partition(".")[0] or None if own == "bandstop" else None


def faults(graph: grimp.ImportGraph) -> list[str]:
    """A line for each import that is not allowed, and each room that has no row."""
    rows = BASE | {name: f"{others} {' '.join(BASE)}" for name, others in ROOMS.items()}
    found = []
    for module in sorted(m for m in graph.modules if room(m)):
        own = room(module)
        if own not in rows:
            found.append(f"{module}: `{own}` has no row in .ci/rooms.py")
            continue
        for other in sorted(graph.find_modules_directly_imported_by(module)):
            if own in WITHOUT_TORCH and other == "torch":
                found.append(f"{module} imports torch, and {own} must do without")
            there = room(other)
            if there in (None, own):
                continue
            if there not in rows[own].split():
                found.append(f"{module} imports {other}, and {own} may not import {there}")
            elif own in WITHOUT_TORCH and there not in WITHOUT_TORCH:
                found.append(
                    f"{module} imports {other}, which may import torch, and {own} must do without"
                )
    return sorted(set(found))


if __name__ == "__main__":
    lines = faults(imports())
    print("\n".join(lines) or f"{len(BASE) + len(ROOMS)} rooms, every import allowed")
    sys.exit(bool(lines))
