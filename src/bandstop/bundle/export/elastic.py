"""A bundle of many rates as one C file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from bandstop.bundle.export.exported import Exported, origin, require_suffix, write_together
from bandstop.compile import CSource
from bandstop.compile.c.text import identifier
from bandstop.compile.elastic import Elastic, Ranked, compile_elastic
from bandstop.errors import BadInput

if TYPE_CHECKING:
    from bandstop.bundle.bundle import Bundle


def compiled_elastic(bundle: Bundle, name: str, command: str) -> tuple[CSource, Elastic]:
    """The proven C of every rate. Errors: BadInput for a bundle of one rate."""
    order = bundle.order
    if order is None:
        raise BadInput(
            "an elastic file needs a network of many rates, and this bundle has one rate; design with "
            "method mrmp, or take --target c"
        )
    ranked = Ranked(
        {n: r.numpy() for n, r in order.ranks.items()}, order.weights, order.lowest, order.highest
    )
    made, elastic, _ = compile_elastic(
        bundle.net, ranked, lambda rate: bundle.at(rate).net, bundle.description,
        bundle.normalisation, bundle.classes, name, origin(bundle, command),
    )  # fmt: skip
    return made, elastic


def to_elastic(bundle: Bundle, path: Path, command: str = "Bundle.export") -> Exported:
    """PATH.c and PATH.h with every rate of the trained range; written only after the proof."""
    require_suffix(path, ".c", "elastic")
    made, _ = compiled_elastic(bundle, identifier(path.stem), command)
    header = path.with_name(f"{made.name}.h")
    write_together({header: made.header, path: made.source})
    return Exported.of(made, (path, header))
