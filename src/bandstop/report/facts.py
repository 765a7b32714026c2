"""What figures and tables say about a run, read from its record; no drawing.

A rate is the fraction of prunable weights removed; all of these are fractions, in [0, 1].
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bandstop.record import Config, Record, unpack

CUTS: dict[str, str | float] = {
    "mp": 0.0,
    "mp-finetune": 0.5,
    "gradual": "settle",
    "n-m": "settle",
    "mp-l0": 0.5,
    "mp-l1": 0.5,
    "mp-entropy": 0.5,
    "mp-cost": 0.5,
    "pmp": "settle",
    "mrmp": 1.0,
    "unstructured": "settle",
    "semi-structured": "settle",
    "structured": "settle",
    "ctf": "settle",
}
"""When a method's mask becomes final, as in the methods' own table (a test holds them together)."""
PRIORS_USED_BY = ("pmp", "mrmp")
"""Methods that align their latents with a prior."""

_NOT_TERMS = ("epoch", "step", "seconds", "observed_rate")


def clipped(words: str, longest: int) -> str:
    """`words` in at most `longest` characters, an ellipsis for what is left out.

    >>> clipped("exchanging object", 10)
    'exchangin…'
    """
    return words if len(words) <= longest else words[: max(1, longest - 1)].rstrip() + "…"


def percent(fraction: float | None) -> str:
    """One decimal, and as many more as a rate close to 1 needs not to read 100 %.

    >>> percent(0.9), percent(0.9996), percent(1.0)
    ('90.0 %', '99.96 %', '100 %')
    """
    if fraction is None:
        return "not measured"
    if fraction in (0, 1):
        return f"{100 * fraction:.0f} %"
    digits = 1
    while digits < 4 and 1 - fraction < 0.1 ** (digits + 2):
        digits += 1
    return f"{100 * fraction:.{digits}f} %"


def heading(record: Record) -> str:
    """Method, rate and accuracy in one line."""
    result = record.result
    words = f"{result['method']}  ·  rate {percent(result['rate'])}"
    words += f"  ·  accuracy {percent(result['accuracy'])}"
    if result["method"] != "dense":
        words += f" (dense {percent(result['accuracy_dense'])})"
    return words


def origin(record: Record) -> str:
    """Data, fold and seed in a few words."""
    options = record.options
    name = clipped(str(record.data.get("name", options.data)), 16)
    return f"{name}, fold {clipped(options.fold, 8)}, seed {options.seed}"


def loss_terms(history: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Name -> value at each epoch (epochs,) of every loss term, NaN where it is missing or None."""
    names = dict.fromkeys(
        key for row in history for key in row if key not in _NOT_TERMS and "accuracy" not in key
    )
    return {name: series(history, name) for name in names}


def accuracies(history: list[dict[str, float]]) -> dict[str, np.ndarray]:
    """Part (validation, training) -> accuracy at each epoch (epochs,)."""
    names = dict.fromkeys(key for row in history for key in row if key.endswith("_accuracy"))
    return {name.removesuffix("_accuracy"): series(history, name) for name in names}


def series(history: list[dict[str, float]], name: str) -> np.ndarray:
    """One column of the history, NaN where it is missing."""
    return np.array(
        [np.nan if row.get(name) is None else row[name] for row in history], dtype=float
    )


def cut_step(options: Config) -> int | None:
    """The step from which on the mask is final; None where there is no such step in the training."""
    cut = CUTS.get(options.method)
    if cut is None or cut == 0:
        return None
    part = 1 - options.settle if cut == "settle" else float(cut)
    return round(part * options.steps)


def masks(record: Record) -> dict[str, np.ndarray]:
    """Tensor -> boolean mask: True stays."""
    return {name: unpack(packed) for name, packed in record.masks.items()}


def removed(mask: np.ndarray) -> float:
    """The rate of one tensor; 0 for an empty one."""
    return 1 - float(mask.mean()) if mask.size else 0.0


def thousands(count: int) -> str:
    """
    >>> thousands(34848)
    '34 848'
    """
    return f"{count:,}".replace(",", " ")


def readers(record: Record) -> np.ndarray:
    """For each node the attention weights that read it and stay, over heads and outputs: (nodes,). Of
    another network 1 where it reads the node."""
    there = masks(record)
    if "attention" in there:
        return there["attention"].sum(axis=(0, 1))
    nodes = len(record.skeleton["joints"]) * record.skeleton.get("bodies", 1)
    return np.isin(np.arange(nodes), record.live_nodes).astype(int)


def histogram(record: Record, names: list[str] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Edges (bins + 1,) and counts (bins,) of the final latents of some tensors, default all."""
    stored: dict[str, Any] = record.latents
    edges = np.asarray(stored["edges"], dtype=float)
    counts = np.zeros(len(edges) - 1)
    for name in stored["counts"] if names is None else names:
        counts += np.asarray(stored["counts"][name], dtype=float)
    return edges, counts
