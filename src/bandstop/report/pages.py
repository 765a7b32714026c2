"""Which figures belong to which table of the papers, as one literal table."""

from __future__ import annotations

from dataclasses import dataclass

FRONTS = ("accuracy-us", "accuracy-macs-dense", "accuracy-macs", "accuracy-bytes")


@dataclass(frozen=True)
class Page:
    """A table's heading, the question that it answers, and its figures: keys of CURVES and GROUPS."""

    title: str
    words: str
    figures: tuple[str, ...]


PAGES: dict[str, Page] = {
    "methods": Page(
        "Every method at every rate",
        "Accuracy against rate, and against what the small network costs.",
        ("accuracy-rate", *FRONTS),
    ),
    "priors": Page(
        "Priors",
        "Do the weights follow the prior, and is the targeted rate the observed one?",
        ("observed-rate", "accuracy-rate", "priors", "band-stop"),
    ),
    "alignment": Page(
        "Alignment",
        "What aligning the weights with the prior is worth, and which distance does it.",
        ("accuracy-rate", "observed-rate"),
    ),
    "semi": Page(
        "Stages of semi-structured pruning",
        "Entries alone, groups alone, without the rank or the budget term, and whole.",
        ("accuracy-rate", *FRONTS, "crops"),
    ),
    "ctf": Page(
        "Levels of coarse-to-fine pruning",
        "Each level alone, and all of them together.",
        ("accuracy-rate", *FRONTS),
    ),
    "regularisers": Page(
        "Regularisers",
        "Magnitude pruning after a training with each regulariser.",
        ("side-by-side", "accuracy-us", "accuracy-macs"),
    ),
    "mrmp": Page(
        "One training, every rate",
        "The network of many rates against one trained for each rate alone.",
        ("many-rates", "accuracy-rate"),
    ),
    "distillation": Page(
        "Learning from dense networks",
        "What labels that come from three dense networks are worth, to our methods and to the comparators.",
        ("accuracy-rate",),
    ),
    "dense": Page(
        "Dense networks",
        "Graph networks side by side, nothing pruned.",
        ("side-by-side", "accuracy-macs-dense"),
    ),
    "structure": Page(
        "Structure",
        "One large network, one rate: what whole groups are worth to a dense runtime.",
        ("side-by-side", *FRONTS, "crops"),
    ),
    "temporal": Page(
        "Networks that read frames",
        "ST-GCN and ST-GCN++ beside the attention GCN: accuracy, size, microseconds and time of training.",
        ("accuracy-rate", *FRONTS),
    ),
    "networks": Page(
        "Sizes of the network",
        "A small network whole, or a large one pruned to as many weights?",
        ("accuracy-us", "accuracy-bytes", "accuracy-macs", "accuracy-rate"),
    ),
}
"""A table's question -> its page. A table that has none gets every figure that its runs can show."""


def question(table: str) -> str:
    """What a table of any recordings asks; empty where it is not one of PAGES.

    >>> question("sbu-ctf"), question("my-wave-methods"), question("wave")
    ('ctf', 'methods', '')
    """
    return next((q for q in PAGES if table == q or table.endswith(f"-{q}")), "")
