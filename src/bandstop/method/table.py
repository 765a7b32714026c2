"""The methods, as one literal table. A new method is a new row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """How a network becomes small.

    words   one line for people
    source  where it is from
    gated   band-stop gates from the first step on, aligned with a prior
    cut     when the mask becomes exact and final, as a fraction of the training: from there on the
            weights that stay are trained alone. None: nothing is removed; "settle": the option's value
            before the end
    trains  False: starts from the dense reference's weights and makes no step of its own
    """

    words: str
    source: str
    gated: bool = False
    cut: float | str | None = None
    trains: bool = True


METHODS: dict[str, Method] = {
    "dense": Method(
        words="no pruning: the reference",
        source="multi-head attention GCN, arXiv 2305.19343",
    ),
    "mp": Method(
        words="magnitude pruning of the trained dense network, one shot",
        source="Han et al. 2015, without retraining",
        cut=0.0,
        trains=False,
    ),
    "mp-finetune": Method(
        words="magnitude pruning half-way through the training, then fine-tuning",
        source="Han et al. 2015; the same number of steps as every other method",
        cut=0.5,
    ),
    "pmp": Method(
        words="probabilistic magnitude pruning: band-stop gates and a prior for the latents",
        source="arXiv 2305.19343; rate warm-up and empirical threshold: our choice",
        gated=True,
        cut="settle",
    ),
}
