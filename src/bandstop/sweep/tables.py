"""The tables, as literal data. A new table, or a new ablation, is a new row.

Each asks a question of the papers, of any recordings; docs/how-to/tables-and-figures.md says which.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bandstop.errors import BadInput, listed
from bandstop.record import from_mapping


@dataclass(frozen=True)
class Variant:
    """Options over the base configuration, under a short name.

    A variant that names its method stands for itself; one that does not is made with every method of
    its table. Errors: BadInput for options that there are not, or that are axes of every table.
    """

    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        from_mapping(self.options, f"variant {self.name!r}")
        if axes := sorted({"fold", "seed", "data"} & set(self.options)):
            raise BadInput(
                f"variant {self.name!r} sets {', '.join(axes)}, which a table sets itself"
            )


PLAIN = (Variant(),)
"""The base as it is."""


@dataclass(frozen=True)
class Table:
    """Which runs a table has. `rates` are fractions; `folds` are names, or ("all",).

    Errors: BadInput where two variants have one name, or a variant needs a method and there is none.
    """

    methods: tuple[str, ...] = ("dense", "mp", "mp-finetune", "pmp")
    rates: tuple[float, ...] = (0.5, 0.7, 0.9, 0.95, 0.98)
    folds: tuple[str, ...] = ("all",)
    seeds: tuple[int, ...] = (0, 1, 2)
    variants: tuple[Variant, ...] = PLAIN

    def __post_init__(self) -> None:
        names = [variant.name for variant in self.variants]
        problems = [f"two variants are named {n!r}" for n in set(names) if names.count(n) > 1]
        if not names:
            problems.append("a table needs a variant; the plain one has no options")
        if not self.lines:
            problems.append("a table needs a method, its own or its variants'")
        if problems:
            raise BadInput(f"table: {listed(problems)}")

    @property
    def lines(self) -> list[tuple[Variant, str]]:
        """Every variant with every method that it is made with."""
        return [
            (variant, method)
            for variant in self.variants
            for method in (
                [variant.options["method"]] if "method" in variant.options else self.methods
            )
        ]


ALL = (
    "dense", "mp", "mp-finetune", "gradual", "n-m", "mp-l0", "mp-l1", "mp-entropy", "mp-cost",
    "pmp", "mrmp", "unstructured", "semi-structured", "structured", "ctf",
)  # fmt: skip
SEEN = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98)
ALIGNMENTS = ("none", "wasserstein", "kl")
PAPER_EDGE = {"threshold": "prior", "alignment": "kl", "alignment_weight": 10.0}
"""The edge comes from the prior, so that latents must be held to it: with our small weight they are not."""
TRANSPORT_EDGE = {"threshold": "prior", "alignment": "transport"}
"""The same, the latents held to the prior by a step of their own (docs/decisions/0010)."""
TO_998 = "50,70,80,90,95,97,98,99,99.5,99.8"
LEVELS = ("channel", "row", "column", "entry")

TABLES: dict[str, Table] = {
    "overview": Table(),
    "quick": Table(rates=(0.9, 0.98), seeds=(0,)),
    "methods": Table(
        methods=ALL,
        rates=(0.9, 0.95, 0.98, 0.99, 0.995, 0.998),
        variants=(*PLAIN, Variant("mrmp-to-99.8", {"method": "mrmp", "seen": TO_998})),
    ),
    "priors": Table(
        methods=("pmp",),
        rates=(0.5, 0.7, 0.9, 0.95, 0.98, 0.99),
        variants=tuple(
            Variant(f"{prior}-{edge}", {"prior": prior} | options)
            for prior in ("gaussian", "laplace", "uniform")
            for edge, options in (
                ("empirical", {}), ("prior", PAPER_EDGE), ("transport", TRANSPORT_EDGE),
            )
        ),
    ),
    "alignment": Table(
        methods=("pmp",),
        rates=(0.9, 0.95, 0.98, 0.99),
        variants=(
            *(Variant(f"{a}-empirical", {"alignment": a}) for a in ALIGNMENTS),
            Variant("none-prior", {"threshold": "prior", "alignment": "none"}),
            *(Variant(f"{a}-prior", PAPER_EDGE | {"alignment": a}) for a in ALIGNMENTS[1:]),
            Variant("transport-prior", TRANSPORT_EDGE | {"prior": "laplace"}),
        ),
    ),
    "semi": Table(
        methods=("semi-structured",),
        rates=(0.9, 0.95, 0.98),
        variants=(
            Variant("entries", {"method": "unstructured"}),
            Variant("groups", {"method": "structured"}),
            Variant("no-rank", {"rank_weight": 0.0}),
            Variant("no-budget", {"budget_weight": 0.0}),
            Variant("whole"),
        ),
    ),
    "ctf": Table(
        methods=("ctf",),
        rates=(0.5, 0.7, 0.9, 0.95),
        variants=(*(Variant(level, {"levels": (level,)}) for level in LEVELS), Variant("together")),
    ),
    "regularisers": Table(
        methods=("mp-finetune", "mp-l0", "mp-l1", "mp-entropy", "mp-cost", "gradual"),
        rates=(0.98,),
    ),
    "mrmp": Table(
        methods=("pmp", "mrmp"),
        rates=SEEN,
        variants=(
            *PLAIN, Variant("mrmp-transport", TRANSPORT_EDGE | {"method": "mrmp", "prior": "laplace"}),
        ),
    ),
    "distillation": Table(
        methods=("gradual", "mp-l1", "pmp", "mrmp"),
        rates=(0.9, 0.95, 0.98),
        variants=(*PLAIN, Variant("distilled", {"distil": 0.9})),
    ),
    "dense": Table(
        methods=("dense",),
        rates=(),
        variants=tuple(
            Variant(n, {"network": n}) for n in ("attention-gcn", "gcn", "arma", "sgc", "cheb")
        ),
    ),
    "structure": Table(
        methods=("dense", "pmp", "unstructured", "structured", "semi-structured", "ctf"),
        rates=(0.95,),
        variants=(Variant("large", {"heads": 16, "filters": 128}),),
    ),
    "temporal": Table(
        methods=("dense", "pmp"),
        rates=(0.95,),
        variants=(
            Variant("attention-gcn"),
            *(Variant(n, {"network": n, "batch": 64}) for n in ("st-gcn", "st-gcn++")),
        ),
    ),
    "networks": Table(
        methods=("dense", "pmp"),
        rates=(0.9, 0.95, 0.98, 0.99),
        variants=tuple(
            Variant(f"{heads}-heads-{filters}-filters", {"heads": heads, "filters": filters})
            for heads, filters in ((2, 16), (4, 32), (8, 64), (16, 128))
        ),
    ),
}  # fmt: skip
"""A question's name -> its table; on the command line each flag replaces one axis."""

OLD = {
    "sbu": "overview", "fpha": "overview", "synthetic": "quick",
    **{f"sbu-{q}": q for q in (
        "methods", "priors", "alignment", "semi", "ctf", "regularisers", "mrmp", "dense", "structure",
    )},
}  # fmt: skip
"""What tables were called when each belonged to one data set -> the question."""
