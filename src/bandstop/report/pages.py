"""Which figures belong to which table of the papers, as one literal table."""

from __future__ import annotations

from dataclasses import dataclass

FRONTS = ("accuracy-macs-dense", "accuracy-macs", "accuracy-bytes")


@dataclass(frozen=True)
class Page:
    """A table's heading, the question that it answers, and its figures: keys of CURVES and GROUPS."""

    title: str
    words: str
    figures: tuple[str, ...]


PAGES: dict[str, Page] = {
    "sbu-methods": Page(
        "Every method at every rate",
        "Accuracy against rate, and against what the small network costs.",
        ("accuracy-rate", *FRONTS),
    ),
    "sbu-priors": Page(
        "Priors",
        "Do the weights follow the prior, and is the targeted rate the observed one?",
        ("observed-rate", "accuracy-rate", "priors", "band-stop"),
    ),
    "sbu-alignment": Page(
        "Alignment",
        "What aligning the weights with the prior is worth, and which distance does it.",
        ("accuracy-rate", "observed-rate"),
    ),
    "sbu-semi": Page(
        "Stages of semi-structured pruning",
        "Entries alone, groups alone, without the rank or the budget term, and whole.",
        ("accuracy-rate", *FRONTS, "crops"),
    ),
    "sbu-ctf": Page(
        "Levels of coarse-to-fine pruning",
        "Each level alone, and all of them together.",
        ("accuracy-rate", *FRONTS),
    ),
    "sbu-regularisers": Page(
        "Regularisers",
        "Magnitude pruning after a training with each regulariser.",
        ("side-by-side", "accuracy-macs"),
    ),
    "sbu-mrmp": Page(
        "One training, every rate",
        "The network of many rates against one trained for each rate alone.",
        ("many-rates", "accuracy-rate"),
    ),
    "sbu-dense": Page(
        "Dense networks",
        "Graph networks side by side, nothing pruned.",
        ("side-by-side", "accuracy-macs-dense"),
    ),
    "sbu-structure": Page(
        "Structure",
        "One large network, one rate: what whole groups are worth to a dense runtime.",
        ("side-by-side", *FRONTS, "crops"),
    ),
}
"""Table -> its page. A table that has none gets every figure that its runs can show."""
