"""The words people write into a column `split`: which side a sequence is on, and of which fold.

`train`, `Testing`, `xsub_val`, `fold 2 - dev`: a word is cut into its parts, and one of them may say the
side; what is left is the fold's name. A word without such a part is a fold's name and nothing else.
"""

from __future__ import annotations

import re

from bandstop.errors import BadInput

SIDES: dict[str, tuple[str, ...]] = {
    "train": ("train", "training", "trainset", "trn"),
    "validation": (
        "validation",
        "val",
        "valid",
        "validate",
        "valset",
        "dev",
        "development",
        "devset",
    ),
    "test": ("test", "testing", "testset", "tst", "eval", "evaluation"),
}
"""Side -> the words for it, in any case."""
FILLING = ("set", "data", "split", "part", "subset", "partition")
"""Words beside a side that say nothing more."""
_SIDE_OF = {word: side for side, words in SIDES.items() for word in words}
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
"""Letters up to the next capital, or digits."""


def side_of(word: str) -> tuple[str | None, str]:
    """(side, fold): "train", "validation", "test" or None; and what else the word says.

    Errors: BadInput for a word that begins like a side and is none of the known ones, or says two.

    >>> side_of("xsub_train"), side_of("Test set"), side_of("xviewVal"), side_of("s01s02")
    (('train', 'xsub'), ('test', ''), ('validation', 'xview'), (None, 's01s02'))
    """
    parts = list(_PARTS.finditer(word))
    sides = [m for m in parts if m.group().lower() in _SIDE_OF]
    said = {_SIDE_OF[m.group().lower()] for m in sides}
    odd = [
        m.group() for m in parts
        if m not in sides and re.match("train|test|valid", m.group(), re.IGNORECASE)
    ]  # fmt: skip
    if len(said) > 1 or odd:
        raise BadInput(
            f"split {word!r} says neither train nor test nor validation clearly; write train, val or "
            "test, with the fold's name before it where there are several, such as xsub_train"
        )
    if not sides:
        return None, word
    filling = [m for m in parts if m.group().lower() in FILLING]
    left = word
    for m in sorted([*sides, *filling], key=lambda m: -m.start()):
        left = left[: m.start()].rstrip("_- ./") + " " + left[m.end() :].lstrip("_- ./")
    return said.pop(), left.strip()
