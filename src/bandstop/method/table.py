"""The methods, as one literal table. A new method is a new row."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Method:
    """How a network becomes small.

    words   one line for people
    source  where it is from
    gate    the gates that it bears from the first step to the cut, a key of GATES; None: none
    terms   what is added to the cross-entropy, keys of TERMS
    cut     when the mask becomes exact and final, as a fraction of the training: from there on the
            weights that stay are trained alone. None: nothing is removed; "settle": the option's value
            before the end
    many    one training gives an order of the weights, and so a network of any rate
    coarsest  of its levels the finer ones take part only where the coarser cannot meet the budget; so its
            gates are others at another rate, and runs of several rates are not trained together
    trains  False: starts from the dense reference's weights and makes no step of its own
    """

    words: str
    source: str
    gate: str | None = None
    terms: tuple[str, ...] = ()
    cut: float | str | None = None
    many: bool = False
    coarsest: bool = False
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
    "gradual": Method(
        words="magnitude pruning at a rate that rises along a cubic",
        source="Zhu and Gupta, arXiv 1710.01878; a mask in every step: our choice",
        gate="magnitude",
        cut="settle",
    ),
    "n-m": Method(
        words="N:M: of every M successive inputs the largest, as gradual; M follows from the rate",
        source="Mishra et al., arXiv 2104.08378; any rate, by groups that shrink: our choice",
        gate="n-of-m",
        cut="settle",
    ),
    "mp-l0": Method(
        words="hard concrete gates and their expected number for half of the training, then as mp-finetune",
        source="Louizos et al., arXiv 1712.01312",
        gate="hard-concrete",
        terms=("l0",),
        cut=0.5,
    ),
    "mp-l1": Method(
        words="mp-finetune with the weights' magnitudes added to the loss until the cut",
        source="our comparator: lasso before magnitude pruning",
        terms=("l1",),
        cut=0.5,
    ),
    "mp-entropy": Method(
        words="mp-finetune with the entropy of the weights' energies added to the loss until the cut",
        source="after Wiedemann et al., arXiv 1812.07520; the form: our choice",
        terms=("entropy",),
        cut=0.5,
    ),
    "mp-cost": Method(
        words="mp-finetune with magnitudes weighted by their MACs added to the loss until the cut",
        source="after Lemaire et al., arXiv 1811.09332; the form: our choice",
        terms=("cost",),
        cut=0.5,
    ),
    "pmp": Method(
        words="probabilistic magnitude pruning: band-stop gates and a prior for the latents",
        source="arXiv 2305.19343; rate warm-up and empirical threshold: our choice",
        gate="band-stop",
        terms=("alignment",),
        cut="settle",
    ),
    "mrmp": Method(
        words="multi-rate magnitude pruning: one training, then any rate at once",
        source="arXiv 2312.17615; sampled rates, spread over the batch: our choice",
        gate="ladder",
        terms=("alignment",),
        cut=1.0,
        many=True,
    ),
    "unstructured": Method(
        words="the semi-structured cascade with the level of entries alone",
        source="arXiv 2412.11813, one end of its spectrum; edges: our choice",
        gate="unstructured",
        terms=("budget", "rank"),
        cut="settle",
    ),
    "semi-structured": Method(
        words="band-stop, weight sharing and gating between whole groups and entries",
        source="arXiv 2412.11813; formulas and edges: our choice",
        gate="semi-structured",
        terms=("budget", "rank"),
        cut="settle",
    ),
    "structured": Method(
        words="the semi-structured cascade with whole channels alone; rows and columns where it takes them",
        source="arXiv 2412.11813, the other end of its spectrum; which levels, edges: our choice",
        gate="structured",
        cut="settle",
        coarsest=True,
    ),
    "ctf": Method(
        words="coarse to fine: an entry lives if its channel, row, column and it itself live",
        source="arXiv 2412.12887; edges of the levels: our choice",
        gate="coarse-to-fine",
        terms=("budget",),
        cut="settle",
    ),
}
