"""What the options of a run may be: the methods that look at them, choices, ranges, and how each is checked.

`Config` has the options themselves. Literal tables first; each check gives what is wrong, in words.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from bandstop import read
from bandstop.errors import BadInput, nearest, short
from bandstop.number import real, whole
from bandstop.text import one_line

if TYPE_CHECKING:
    from bandstop.record.config import Config

ATTENTION = ("attention-gcn",)
POLYNOMIAL = ("gcn", "sgc", "cheb", "arma")
TEMPORAL = ("st-gcn", "st-gcn++", "ctr-gcn")
"""Networks by what they read: averages over a few chunks, or frames."""
WHOLE = ("dense",)
"""Methods that remove nothing."""
PRIOR = ("pmp", "mrmp")
LADDER = ("mrmp",)
RANKED = ("unstructured", "semi-structured")
GROUPED = ("semi-structured", "ctf")
BUDGETED = (*RANKED, "ctf")
SHARPENED = (*PRIOR, *BUDGETED, "structured")
GATED = (*SHARPENED, "gradual", "n-m")
"""Methods by what they look at."""


def _aligned(config: Config) -> bool:
    return config.alignment != "none" and config.alignment_weight > 0


IDLE: tuple[tuple[str, str, Callable[[Config], bool]], ...] = (
    ("alignment_weight", "alignment is none", lambda c: c.alignment == "none"),
    ("alignment", "alignment-weight is 0", lambda c: not _aligned(c) and c.alignment != "none"),
    (
        "prior",
        "threshold is empirical, and the latents are not aligned",
        lambda c: c.threshold == "empirical" and not _aligned(c),
    ),
    (
        "structure",
        "of levels, groups alone or entries alone decide",
        lambda c: "entry" not in c.levels or len(c.levels) == 1,
    ),
    ("structure", "psi is symmetric", lambda c: c.method == "ctf" and c.psi == "symmetric"),
    ("together", "no more than two rates are seen", lambda c: len(c.seen_rates) <= 2),
    ("samples", "a single rate is seen", lambda c: len(c.seen_rates) == 1),
    ("trim", "crop is 0", lambda c: c.crop == 0),
    ("distil", "mp makes no step of its own", lambda c: c.method == "mp"),
    *(
        (name, "distil is 0", lambda c: c.distil == 0 or c.method == "mp")
        for name in ("teachers", "temperature")
    ),
)
"""(option, why nothing looks at it, when): beside others of its own method."""

CHOICES: dict[str, tuple[str, ...]] = {
    "network": (*ATTENTION, *TEMPORAL, *POLYNOMIAL),
    "bodies": ("together", "apart"),
    "features": ("positions", "speeds"),
    "view": ("facing", "camera"),
    "method": (
        "dense",
        "mp",
        "mp-finetune",
        "gradual",
        "n-m",
        "mp-l0",
        "mp-l1",
        "mp-entropy",
        "mp-cost",
        "pmp",
        "mrmp",
        "unstructured",
        "semi-structured",
        "structured",
        "ctf",
    ),
    "scope": ("global", "layer"),
    "prior": ("gaussian", "laplace", "uniform"),
    "threshold": ("empirical", "prior"),
    "alignment": ("wasserstein", "kl", "transport", "none"),
    "samples": ("spread", "repeated"),
    "psi": ("band-stop", "symmetric"),
    "fusion": ("sum", "concat"),
    "class_weights": ("none", "balanced"),
    "device": ("auto", "cpu", "cuda"),
    "precision": ("full", "medium"),
}
"""What may be chosen; the rooms that implement the choices are held to this table by a test."""

MOST = 10**9
"""Steps, or anything else that is counted: beyond that a number is a slip or an attack."""
LARGEST, RATES = sys.float_info.max, 200

RENAMED = {"smoothing": "label_smoothing"}
"""An option's earlier name -> its name: files and records that hold it are read as before."""

FORMER: dict[str, Any] = {"features": "positions", "tilt": 0.0}
"""An option that a record lacks -> what it was before there was one."""

RULES = (
    ("data", "a text without a zero character", lambda v: "\0" not in v),
    ("rate", "in [0, 1) (0.9 removes 90 %)", lambda v: 0 <= v < 1),
    ("validation", "in [0, 0.5]", lambda v: 0 <= v <= 0.5),
    *(
        (f"{name}_weight", "at least 0 and finite", lambda v: 0 <= v <= LARGEST)
        for name in ("alignment", "budget", "rank", "l0", "l1", "entropy", "cost")
    ),
    ("structure", "in [0, 1]", lambda v: 0 <= v <= 1),
    ("pull", "in (0, 1]", lambda v: 0 < v <= 1),
    (
        "levels",
        "some of channel, row, column, entry, each once",
        lambda v: v and len(set(v)) == len(v) and {*v} <= {"channel", "row", "column", "entry"},
    ),
    (
        "drop",
        "lost, short or both, each once",
        lambda v: len(set(v)) == len(v) and {*v} <= {"lost", "short"},
    ),
    ("sigma_start", "above 0 and finite", lambda v: 0 < v <= LARGEST),
    ("sigma_end", "above 0 and finite", lambda v: 0 < v <= LARGEST),
    ("warmup", "in [0, 1]", lambda v: 0 <= v <= 1),
    ("settle", "in [0, 1)", lambda v: 0 <= v < 1),
    ("learning_rate", "above 0 and finite", lambda v: 0 < v <= LARGEST),
    ("label_smoothing", "in [0, 1)", lambda v: 0 <= v < 1),
    ("weight_decay", "in [0, 10]", lambda v: 0 <= v <= 10),
    ("distil", "in [0, 1]", lambda v: 0 <= v <= 1),
    ("teachers", "a whole number from 1 to 100", lambda v: 1 <= v <= 100),
    ("temperature", "in [0.1, 100]", lambda v: 0.1 <= v <= 100),
    ("seed", "a whole number from 0 to 2^32 - 1", lambda v: 0 <= v < 2**32),
    ("together", "0 or a whole number of at least 2", lambda v: v == 0 or 2 <= v <= MOST),
    *(
        (name, f"a whole number of at least 1, and at most {MOST}", lambda v: 1 <= v <= MOST)
        for name in ("chunks", "frames", "heads", "filters", "steps", "batch")
    ),
    *((name, "in [0, 1]", lambda v: 0 <= v <= 1) for name in ("trim", "mirror", "exchange")),
    *((name, "in [0, 180]", lambda v: 0 <= v <= 180) for name in ("rotation", "tilt")),
    ("scale", "in [0, 1]", lambda v: 0 <= v <= 1),
    ("noise", "in [0, 10]", lambda v: 0 <= v <= 10),
    ("crop", "in [0, 0.45]", lambda v: 0 <= v <= 0.45),
)
"""(option, rule in words, the rule). NaN breaks every rule on a range."""


def parse_widths(text: str) -> tuple[int, ...]:
    """`24,24,48` or `24-24-48` -> channels of each block.

    >>> parse_widths("24,24,48")
    (24, 24, 48)

    Raises
    ------
    BadInput
        For anything but 1 to 32 whole numbers from 6 to 4096.
    """
    try:
        widths = tuple(read.whole(part) for part in text.replace("-", ",").split(","))
    except ValueError:
        widths = ()
    if not (1 <= len(widths) <= 32 and all(6 <= width <= 4096 for width in widths)):
        raise BadInput(
            f"widths must be 1 to 32 whole numbers from 6 to 4096, such as 24,24,48, not {short(text)}"
        )
    return widths


NUMBERS: dict[str, Callable[[object], float]] = {"float": real, "int": whole}
"""A field's type -> plain Python of whatever number was given."""

TYPES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "str": ("a text", lambda v: isinstance(v, str)),
    "int": ("a whole number", lambda v: type(v) is int),
    "float": ("a number", lambda v: type(v) is float),
    "tuple[str, ...]": (
        "a list of texts",
        lambda v: isinstance(v, tuple) and all(isinstance(item, str) for item in v),
    ),
}
"""A field's type as written above -> in words, and whether a value is of it: true is no number."""


def types_wrong(config: Config) -> dict[str, str]:
    """Option -> what is wrong with its type."""
    problems = {}
    for f in fields(config):
        words, fits = TYPES[str(f.type)]
        if not fits(value := getattr(config, f.name)):
            problems[f.name] = f"{f.name.replace('_', '-')} must be {words}, not {short(value)}"
    return problems


def lines_wrong(config: Config, wrong: Collection[str]) -> list[str]:
    """Which texts are not one printable line; a path to recordings may hold anything."""
    problems = []
    for f in fields(config):
        value = getattr(config, f.name)
        known = f.name == "data" or f.name in CHOICES or f.name in wrong
        if known or not isinstance(value, str | tuple):
            continue
        for item in (value,) if isinstance(value, str) else value:
            try:
                one_line(item, f.name.replace("_", "-"), 1000, empty=True)
            except BadInput as error:
                problems.append(str(error))
    return problems


def choices_wrong(config: Config) -> dict[str, str]:
    if config.method in POLYNOMIAL:
        return {
            "method": f"{config.method} is a network, not a method; give --network {config.method} and "
            "--method dense, or any method that prunes it"
        }
    return {
        name: f"unknown {name} {short(value)}{nearest(str(value), valid)}; it is one of {', '.join(valid)}"
        for name, valid in CHOICES.items()
        if (value := getattr(config, name)) not in valid
    }


def parse_rates(text: str) -> tuple[float, ...]:
    """`50,90,0.98` -> fractions: values of 1 and above are percent.

    >>> parse_rates("50,0.9,98.5")
    (0.5, 0.9, 0.985)
    """
    try:
        values = [read.number(part) for part in text.split(",")]
    except ValueError as error:
        raise BadInput(
            f"rates are numbers like 50,90,98 or 0.5,0.9,0.98, not {short(text)}"
        ) from error
    return tuple(round(v / 100, 10) if v >= 1 else v for v in values)


def widths_wrong(text: str) -> list[str]:
    """What is wrong with the channels of the blocks."""
    try:
        parse_widths(text)
    except BadInput as error:
        return [str(error)]
    return []


def seen_wrong(config: Config) -> list[str]:
    """What is wrong with the rates of a multi-rate training."""
    try:
        rates = config.seen_rates
    except BadInput as error:
        return [f"seen must be {str(error).removeprefix('rates are ')}"]
    if (
        not 1 <= len(rates) <= RATES
        or list(rates) != sorted(set(rates))
        or not 0 <= rates[0] <= rates[-1] < 1
    ):
        return [
            f"seen must be 1 to {RATES} rates that rise within [0, 1), not {short(config.seen)}"
        ]
    if config.many and (config.scope != "global" or config.layer_rate):
        return [
            "mrmp has one order over all tensors: scope must be global, and no layer-rate given"
        ]
    return []


def layer_rate(item: str) -> tuple[str, float]:
    name, equals, rate = item.partition("=")
    if not (name and equals and 0 <= read.number(rate) < 1):
        raise ValueError(item)
    return name, read.number(rate)


def layer_rates_wrong(items: tuple[str, ...]) -> list[str]:
    problems, seen = [], set()
    for item in items:
        try:
            name, _ = layer_rate(item)
        except ValueError:
            problems.append(
                f"layer-rate must look like dense=0.8 with a rate in [0, 1), not {short(item)}"
            )
            continue
        if name in seen:
            problems.append(f"layer-rate is given more than once for {short(name)}; give it once")
        seen.add(name)
    return problems
