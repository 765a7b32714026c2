"""Config: every option of a run, as one flat value that checks itself.

The command line, TOML files and the stored configuration are all made from these fields: a new option
is one new line here.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cache
from typing import Any

from bandstop.errors import BadInput, listed, short
from bandstop.record.rules import (
    ATTENTION,
    BUDGETED,
    GATED,
    GROUPED,
    IDLE,
    LADDER,
    NUMBERS,
    POLYNOMIAL,
    PRIOR,
    RANKED,
    RULES,
    SHARPENED,
    TEMPORAL,
    WHOLE,
    choices_wrong,
    layer_rate,
    layer_rates_wrong,
    lines_wrong,
    parse_rates,
    parse_widths,
    seen_wrong,
    types_wrong,
    widths_wrong,
)  # fmt: skip


def _option(
    default: Any,
    panel: str,
    words: str,
    only: tuple[str, ...] = (),
    networks: tuple[str, ...] = (),
) -> Any:
    """A field; `only` names the methods that alone look at it, `networks` the networks."""
    metadata = {"panel": panel, "help": words, "only": only, "networks": networks}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Config:
    """Options of one run; the defaults were chosen without looking at a test fold (docs/decisions)."""

    data: str = _option(
        "synthetic", "Data", "FORMAT:PATH: sbu, fpha, npz, csv; synthetic needs no path"
    )
    fold: str = _option(
        "1",
        "Data",
        "the fold to test on; all: each in turn; none: train on everybody, test on none",
    )
    drop: tuple[str, ...] = _option(
        (),
        "Data",
        "what to leave out: lost (frames without a body), short (of fewer than 2 frames); may be repeated",
    )
    validation: float = _option(
        0.0, "Data", "share of the training part held out by whole groups to watch; 0: train on all"
    )
    chunks: int = _option(
        8, "Data", "temporal chunks a recording is averaged in", networks=(*ATTENTION, *POLYNOMIAL)
    )
    frames: int = _option(
        16, "Data", "frames that a recording of any length is sampled to", networks=TEMPORAL
    )

    view: str = _option(
        "facing", "Data", "two bodies turned to face each other (facing), or as recorded (camera)"
    )

    features: str = _option(
        "speeds",
        "Data",
        "what a node is described by in each chunk: where it is (positions), or also how fast it moves, and "
        "how fast relative to its body (speeds)",
    )

    trim: float = _option(
        0.5,
        "Data",
        "what is cut off either end of a recording to be recognised, as a share of crop",
    )

    method: str = _option(
        "pmp",
        "Method",
        "dense; mp, mp-finetune, gradual, n-m, mp-l0, mp-l1, mp-entropy, mp-cost (by magnitude); pmp; mrmp; "
        "unstructured, semi-structured, structured; ctf",
    )
    rate: float = _option(0.9, "Method", "fraction of the prunable weights to remove, in [0, 1)")
    seen: str = _option(
        "50,55,60,65,70,75,80,85,90,95,98",
        "Method",
        "rates that are trained at once; any rate between the lowest and the highest can be taken out",
        LADDER,
    )
    together: int = _option(
        4,
        "Method",
        "how many of these in a step, the lowest and the highest among them; 0: all",
        LADDER,
    )
    samples: str = _option(
        "spread",
        "Method",
        "a sample of the batch at one of these rates (spread) or at each (repeated, the paper's)",
        LADDER,
    )
    scope: str = _option("global", "Method", "budget over all tensors (global) or in each (layer)")
    exempt: tuple[str, ...] = _option(
        (), "Method", "tensor that keeps every weight, such as dense (may be repeated)"
    )
    layer_rate: tuple[str, ...] = _option(
        (), "Method", "a tensor's own rate, such as dense=0.8 (may be repeated)"
    )
    prior: str = _option(
        "gaussian", "Method", "the latents' prior: gaussian, laplace or uniform", PRIOR
    )
    threshold: str = _option(
        "empirical",
        "Method",
        "stop band from the latents' own quantile (empirical) or the prior's (prior, the paper's)",
        PRIOR,
    )
    alignment: str = _option(
        "wasserstein",
        "Method",
        "to the prior: by a distance in the loss, wasserstein or kl (the paper's); by a step of its own "
        "after the optimiser's (transport); or none",
        PRIOR,
    )
    alignment_weight: float = _option(0.1, "Method", "weight of that distance in the loss", PRIOR)
    pull: float = _option(
        0.3,
        "Method",
        "transport: part of the way to its quantile of the prior that a latent goes in a step; it rises to "
        "1 in the last fifth before the masks are final",
        PRIOR,
    )
    sigma_start: float = _option(2.0, "Method", "sharpness of the gate at the start", SHARPENED)
    sigma_end: float = _option(100.0, "Method", "sharpness of the gate at the end", SHARPENED)
    warmup: float = _option(0.5, "Method", "part of the training in which the rate rises", GATED)
    settle: float = _option(
        0.1, "Method", "part at the end that is trained with the final 0/1 mask", GATED
    )
    levels: tuple[str, ...] = _option(
        ("channel", "row", "column", "entry"),
        "Method",
        "a level that takes part: channel, row, column, entry (may be repeated)",
        GROUPED,
    )
    structure: float = _option(
        0.6,
        "Method",
        "part of the removal that whole groups take on, 0 (entries alone) to 1",
        GROUPED,
    )
    psi: str = _option(
        "band-stop",
        "Method",
        "mask of a level: band-stop, or symmetric (the paper's, held by the budget term alone)",
        ("ctf",),
    )
    budget_weight: float = _option(0.1, "Method", "weight of the budget term", BUDGETED)
    rank_weight: float = _option(0.01, "Method", "weight of the masks' rank", RANKED)
    l0_weight: float = _option(1.0, "Method", "weight of the open gates", ("mp-l0",))
    l1_weight: float = _option(10.0, "Method", "weight of the mean magnitude", ("mp-l1",))
    entropy_weight: float = _option(100.0, "Method", "weight of the entropy", ("mp-entropy",))
    cost_weight: float = _option(10.0, "Method", "weight of the cost", ("mp-cost",))

    network: str = _option(
        "attention-gcn",
        "Network",
        "attention-gcn, gcn, sgc, cheb and arma read averages over chunks; st-gcn, st-gcn++ and ctr-gcn read "
        "frames",
    )
    heads: int = _option(8, "Network", "attention heads", networks=ATTENTION)
    filters: int = _option(
        64, "Network", "filters of each head", networks=(*ATTENTION, *POLYNOMIAL)
    )
    fusion: str = _option(
        "sum", "Network", "heads are summed (sum) or concatenated (concat)", networks=ATTENTION
    )
    widths: str = _option(
        "24,48",
        "Network",
        "channels of each block; where they grow, frames are halved",
        networks=TEMPORAL,
    )
    bodies: str = _option(
        "together",
        "Network",
        "several bodies as one graph (together), or each by itself, their features averaged (apart)",
        networks=TEMPORAL,
    )

    steps: int = _option(800, "Training", "optimiser steps")
    batch: int = _option(200, "Training", "sequences in a step")
    learning_rate: float = _option(
        0.03, "Training", "Adam's rate at the start; it falls along a cosine"
    )
    label_smoothing: float = _option(
        0.2, "Training", "part of each label that is spread over all classes, in [0, 1)"
    )
    distil: float = _option(
        0.0,
        "Training",
        "part of the labels that comes from dense networks trained before, the mean of what they say",
    )
    teachers: int = _option(3, "Training", "how many of these networks, of seeds 0, 1, …")
    temperature: float = _option(
        4.0, "Training", "at which it is held to them: above 1 they and it are less sure"
    )
    weight_decay: float = _option(
        0.0, "Training", "AdamW's decay of the prunable weights, times the learning rate"
    )
    class_weights: str = _option(
        "none",
        "Training",
        "a sequence's weight in the loss: all the same (none), or every class as much (balanced)",
    )
    seed: int = _option(0, "Training", "of everything random")
    device: str = _option("cpu", "Training", "cpu, cuda or auto")
    precision: str = _option(
        "full", "Training", "matrix products in float32 (full), or faster in bfloat16 (medium)"
    )

    mirror: float = _option(
        0.5, "Augmentation", "probability of mirroring left and right, for skeletons that have both"
    )
    exchange: float = _option(0.5, "Augmentation", "probability of exchanging the persons")
    rotation: float = _option(
        30.0,
        "Augmentation",
        "largest turn about the vertical, degrees; undone by view facing for two bodies",
    )
    tilt: float = _option(15.0, "Augmentation", "largest turn about any horizontal axis, degrees")
    scale: float = _option(0.1, "Augmentation", "spread of the body's size (log)")
    noise: float = _option(0.03, "Augmentation", "noise on each chunk average, in signal units")
    crop: float = _option(0.15, "Augmentation", "largest part cut off at either end of a recording")

    def __post_init__(self) -> None:
        for name in ("drop", "exempt", "layer_rate", "levels"):
            value = getattr(self, name)
            if isinstance(value, str | list):
                # a single text is one item, not its letters
                items = (value,) if isinstance(value, str) else tuple(value)
                object.__setattr__(self, name, items)
        if type(self.fold) is int:
            object.__setattr__(self, "fold", str(self.fold))
        for f in fields(self):  # equal options are one text: 1 is 1.0, whoever's number it is
            if (number := NUMBERS.get(str(f.type))) and not math.isnan(
                value := number(getattr(self, f.name))
            ):
                object.__setattr__(self, f.name, value)
        wrong = types_wrong(self)
        problems = [*wrong.values(), *lines_wrong(self, wrong)]
        problems += [
            f"{name.replace('_', '-')} must be {rule}, not {short(getattr(self, name))}"
            for name, rule, holds in RULES
            if name not in wrong and not holds(getattr(self, name))
        ]
        problems += [words for name, words in choices_wrong(self).items() if name not in wrong]
        if "seen" not in wrong:
            problems += seen_wrong(self)
        if "widths" not in wrong:
            problems += widths_wrong(self.widths)
        if "layer_rate" not in wrong:
            problems += layer_rates_wrong(self.layer_rate)
        if not problems and self.sigma_end < self.sigma_start:
            problems.append(
                f"sigma-end must be at least sigma-start, {self.sigma_start}, not {self.sigma_end}"
            )
        if problems:
            raise BadInput(listed(problems))

    @property
    def seen_rates(self) -> tuple[float, ...]:
        """`seen` as fractions."""
        return parse_rates(self.seen)

    @property
    def closed(self) -> bool:
        """Whether the network is the attention GCN, whose weights' paths are known in closed form."""
        return self.network in ATTENTION

    @property
    def temporal(self) -> bool:
        """Whether the network reads frames, one after the other."""
        return self.network in TEMPORAL

    @property
    def moments(self) -> int:
        """Parts of a recording that each node is described in: chunks, or frames."""
        return self.frames if self.temporal else self.chunks

    @property
    def channels(self) -> int:
        """Numbers that describe a node at a moment: three coordinates, and two speeds."""
        return 5 if self.features == "speeds" else 3

    @property
    def width(self) -> int:
        """Features of a node."""
        return self.moments * self.channels

    @property
    def block_widths(self) -> tuple[int, ...]:
        """`widths` as numbers."""
        return parse_widths(self.widths)

    @property
    def many(self) -> bool:
        """Whether one training gives the networks of many rates."""
        return self.method in LADDER

    @property
    def rates(self) -> dict[str, float]:
        """`layer_rate` as a mapping."""
        return dict(layer_rate(item) for item in self.layer_rate)

    def to_dict(self) -> dict[str, Any]:
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def differing(self) -> dict[str, Any]:
        """The options that are not at their defaults."""
        default = _defaults()
        return {
            f.name: v
            for f in fields(self)
            if (v := getattr(self, f.name)) != getattr(default, f.name)
        }

    @property
    def idle(self) -> dict[str, str]:
        """The options that this run does not look at -> why, so that none is given in vain."""
        found = {}
        for f in fields(self):
            only = f.metadata["only"]
            if self.method in WHOLE and f.metadata["panel"] == "Method" and f.name != "method":
                found[f.name] = f"method {self.method} removes nothing"
            elif only and self.method not in only:
                found[f.name] = f"it belongs to {', '.join(only)}, and the method is {self.method}"
            elif (networks := f.metadata["networks"]) and self.network not in networks:
                found[f.name] = (
                    f"it belongs to {', '.join(networks)}, and the network is {self.network}"
                )
        if self.many:
            found["rate"] = "mrmp trains those of seen; take one out with bandstop extract"
        for name, why, holds in IDLE:
            if name not in found and holds(self):
                found[name] = why
        return found

    def canonical(self) -> Config:
        """The same run with the options that it does not look at put back to their defaults."""
        default = _defaults()
        reset: dict[str, Any] = {name: getattr(default, name) for name in self.idle}
        if "rate" in reset:
            reset["rate"] = self.seen_rates[-1] if self.many else 0.0
        done = all(getattr(self, name) == value for name, value in reset.items())
        return self if done else replace(self, **reset)

    @property
    def plain(self) -> Config:
        """The same run without a method."""
        return replace(self, method="dense")

    def dense(self) -> Config:
        """The dense reference of this run: the same data, network and training, nothing removed, and
        nobody to learn from."""
        return replace(self, method="dense", distil=0.0).canonical()

    @property
    def taught_by(self) -> tuple[Config, ...]:
        """The dense runs that this one learns from."""
        count = self.teachers if self.distil > 0 else 0
        return tuple(replace(self.dense(), seed=seed) for seed in range(count))


@cache
def _defaults() -> Config:
    return Config()
