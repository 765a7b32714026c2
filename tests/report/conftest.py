"""Small hand-made records: no training, no files, no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bandstop.record import Config, Listing, Record, pack
from bandstop.skeleton import LAYOUTS, Skeleton

CHAIN = Skeleton("worm", ("tail", "middle", "mouth", "fin"), ((0, 1), (1, 2), (1, 3)), (0, 1, 2, 3))


def make_record(
    method: str = "pmp",
    skeleton: Skeleton = LAYOUTS["sbu"],
    classes: int = 8,
    epochs: int | None = None,
    empty: bool = False,
    dead: tuple[int, ...] = (),
    **options: Any,
) -> Record:
    """A record as a run leaves it; `empty`: all masks 0; `dead`: nodes that no weight reads."""
    rate = 0.0 if method == "dense" else options.pop("rate", 0.9)
    config = Config(method=method, rate=rate, **{"filters": 6, "heads": 3, "chunks": 2} | options)
    rng = np.random.default_rng(0)
    channels = config.filters * (config.heads if config.fusion == "concat" else 1)
    shapes = {
        "attention": (config.heads, skeleton.nodes, skeleton.nodes),
        "filters": (config.heads, config.width, config.filters),
        "dense": (channels, skeleton.nodes, classes),
    }
    masks = {n: (rng.random(s) >= rate) & (not empty) for n, s in shapes.items()}
    masks["attention"][:, :, list(dead)] = False
    live = [] if empty else [n for n in range(skeleton.nodes) if n not in dead]
    edges = np.linspace(-6, 6, 121)
    latents = {
        n: np.histogram(rng.standard_normal(s), edges)[0].tolist() for n, s in shapes.items()
    }
    size = sum(m.size for m in masks.values())
    kept = sum(int(m.sum()) for m in masks.values())
    confusion = rng.integers(0, 2, (classes, classes)) * (rng.random((classes, classes)) < 0.1)
    confusion += np.diag(rng.integers(0, 12, classes))
    if epochs is None:
        epochs = 0 if method == "mp" else 6
    total = max(1, int(confusion.sum()))
    return Record(
        config=config.to_dict(),
        data={
            "name": "hand-made",
            "fingerprint": "00",
            "classes": [f"class number {c}" for c in range(classes)],
            "train": 20, "validation": 5, "test": total,
        },
        skeleton=skeleton.to_dict(),
        environment={},
        history=[_row(epoch, epochs, config) for epoch in range(epochs)],
        result={
            "method": method,
            "rate_target": rate,
            "rate_observed": None if method == "dense" else 0.97 * rate,
            "rate": 1 - kept / size,
            "weights": size,
            "weights_kept": kept,
            "macs_dense": 12 * size,
            "macs": 12 * size - 500,
            "macs_sparse": 12 * kept,
            "bytes_dense": 4 * size,
            "bytes": 600 + 5 * kept,
            "microseconds": 0.4 + 0.001 * kept,
            "accuracy": float(np.trace(confusion)) / total,
            "accuracy_dense": 0.96,
            "relative_error": 0.0,
            "parts": {},
            "seconds": 3.5,
            "run": "runs/made-by-hand",
        },
        confusion=confusion.tolist(),
        latents={"edges": edges.tolist(), "counts": latents},
        masks={n: pack(m) for n, m in masks.items()},
        live_nodes=live,
    )  # fmt: skip


def _row(epoch: int, epochs: int, config: Config) -> dict[str, float]:
    row = {
        "epoch": epoch,
        "step": round(config.steps * (epoch + 1) / epochs),
        "seconds": 0.5,
        "cross_entropy": 2.0 * 0.4**epoch,
        "observed_rate": config.rate * min(1.0, (epoch + 1) / 4),
        "validation_accuracy": 1 - 0.5**epoch,
    }
    return row | ({"alignment_wasserstein": 0.3 / (1 + epoch)} if config.method == "pmp" else {})


@pytest.fixture
def make() -> Callable[..., Record]:
    return make_record


@pytest.fixture(scope="session")
def sweep() -> list[Record]:
    """Dense, mp and pmp at two rates on three folds and two seeds, as `bandstop design` leaves them."""
    return make_sweep()


def make_sweep() -> list[Record]:
    """pmp is better by 4 points and a little more on each next fold; mp at 0.9 ties once with dense."""
    records = []
    for number, (fold, seed) in enumerate((f, s) for f in "123" for s in (0, 1)):
        for method, rate, right in (
            ("dense", 0.0, 0.95),
            ("mp", 0.5, 0.90),
            ("mp", 0.9, 0.80),
            ("pmp", 0.5, 0.94 + 0.001 * number),
            ("pmp", 0.9, 0.86 + 0.002 * number),
        ):
            own = {} if method == "dense" else {"rate": rate}
            made = make_record(method, fold=fold, seed=seed, **own)
            figures = {"accuracy": right, "accuracy_dense": 0.95}
            records.append(replace(made, result=made.result | figures))
    return records


def make_papers() -> tuple[list[Record], Listing]:
    """Runs that every figure of the papers can be made of, and the listing that names them."""
    kinds: list[dict[str, Any]] = [
        {"method": "dense"},
        *({"prior": prior, "threshold": t, "rate": 0.9}
          for prior in ("gaussian", "laplace", "uniform") for t in ("empirical", "prior")),
        {"method": "mrmp", "rate": 0.98},
        *({"method": m, "rate": 0.9} for m in ("structured", "unstructured", "semi-structured", "ctf")),
    ]  # fmt: skip
    made = []
    for number, (kind, seed) in enumerate((k, s) for k in kinds for s in (0, 1)):
        record = make_record(**kind, seed=seed)
        own: dict[str, Any] = {"run": f"runs/papers-{number}", "by_rate": []}
        if record.options.many:
            own["by_rate"] = [
                {"rate_target": rate, "seen": rate in (0.5, 0.9, 0.98), "accuracy": 0.97 - rate / 9,
                 "rate": rate, "weights_kept": 100, "macs": 900, "macs_sparse": 300, "bytes": 700}
                for rate in (0.5, 0.7, 0.9, 0.95, 0.98, 0.99)
            ]  # fmt: skip
        made.append(replace(record, result=record.result | own))
    words = ("bandstop", "table", "papers", "--data", "sbu:/somewhere/of/mine/SBU")
    runs = tuple(f"papers-{n}" for n in range(len(made)))
    return made, Listing("papers", words, "2026-11-21", (0.5, 0.9), (*runs, "papers-unfinished"))


@pytest.fixture(scope="session")
def papers() -> tuple[list[Record], Listing]:
    return make_papers()
