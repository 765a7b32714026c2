"""What is mutated: one small good file, or folder of files, of every format that is read."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import torch
from making import SIDED, bundle, graph_bundle, recordings
from report.conftest import make_papers, make_record

from bandstop.bundle import Bundle, Order
from bandstop.bundle.bundle import _in_order as in_order
from bandstop.data.formats.csv_folder import header_of, write_csv
from bandstop.data.formats.npz import write_npz
from bandstop.data.sequence import Dataset, Fold
from bandstop.nn import AttentionGCN
from bandstop.prune import NEVER
from bandstop.record import write_listing, write_record
from bandstop.skeleton.layouts import HAND21, SBU
from bandstop.train import adam, save_checkpoint

Files = dict[str, bytes]
"""Path within a folder -> content."""
CLASSES = ("wave", "push", "bow")


def dataset() -> Dataset:
    sequences = tuple(recordings(6))
    return Dataset("own", SIDED, CLASSES, sequences, (Fold("1", (0, 1, 2), (3, 4, 5)),))


def many_rates() -> Bundle:
    """A bundle with an order of all its weights."""
    one = bundle(keep=0.4)
    ranks, at = {}, 0
    for name, weight in one.net.net.weights().items():
        kept = weight != 0
        ranks[name] = torch.full(weight.shape, NEVER)
        ranks[name][kept] = torch.arange(at, at + int(kept.sum()))
        at += int(kept.sum())
    return replace(one, order=Order(ranks, 200, 0.5, 0.98))


def network() -> tuple[AttentionGCN, torch.optim.Adam]:
    """What the checkpoint is of, after a step."""
    net = AttentionGCN(bundle().net.shape, torch.Generator().manual_seed(1))
    optimiser = adam(net, 0.1)
    net(torch.ones(2, net.shape.nodes, net.shape.features)).sum().backward()
    optimiser.step()
    return net, optimiser


FACTS = {
    "run": {"data": "ab", "rate": 0.5}, "epoch": 2, "seconds": 1.5,
    "history": [{"epoch": 0, "step": 50, "loss": 0.5}, {"epoch": 1, "step": 100, "loss": 0.25}],
    "pruning": {"stage": "open", "observed": None, "note": None},
}  # fmt: skip


def _lines(frames: int, fields: int, separator: str) -> bytes:
    rows = np.random.default_rng(0).random((frames, fields)).round(4).tolist()
    text = [separator.join([str(n + 1), *map(str, row[1:])]) for n, row in enumerate(rows)]
    return "".join(f"{line}\n" for line in text).encode()


def _sbu() -> Files:
    return {f"s01s02/0{n}/001/skeleton_pos.txt": _lines(3, 91, ",") for n in (1, 2, 8)}


def _fpha() -> Files:
    takes = [f"Subject_{n}/{a}/1" for n in (1, 2) for a in ("open", "close")]
    lines = [f"{t} {int('open' in t)}" for t in takes]
    split = "\n".join(["Training 2", *lines[:2], "Test 2", *lines[2:]]) + "\n"
    poses = {f"Hand_pose_annotation_v1/{t}/skeleton.txt": _lines(2, 64, " ") for t in takes}
    return {"data_split_action_recognition.txt": split.encode(), **poses}


def _in(folder: Path) -> Files:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


def _made(write: Callable[[Path], object]) -> Files:
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder))
        return _in(Path(folder))


def _arrays(folder: Path, ending: str) -> None:
    positions = recordings(1)[0].positions
    if ending == "npy":
        np.save(folder / "file.npy", positions)
    else:
        np.savez_compressed(folder / "file.npz", positions=positions)


def _checkpoint(folder: Path) -> None:
    """With its metadata in order: safetensors writes them in any, and a mutant is to be made again."""
    path = folder / "file"
    save_checkpoint(path, *network(), FACTS)
    path.write_bytes(in_order(path.read_bytes()))


TOML = b"""rate = 0.95
method = "mrmp"
seen = "50,90,98"
exempt = ["dense"]
steps = 100
sigma-end = 50.0
"""
LOG = b"".join(json.dumps(row).encode() + b"\n" for row in FACTS["history"])  # type: ignore[attr-defined]

SEEDS: dict[str, Callable[[], list[Files]]] = {
    "bundle": lambda: [
        {"file": b.to_bytes()}
        for b in (
            bundle(),
            bundle("concat", 0.05),
            bundle(keep=1.0, view="camera"),
            many_rates(),
            graph_bundle(),
            graph_bundle(keep=1.0, lowest=0.7),
        )
    ],
    "checkpoint": lambda: [_made(_checkpoint)],
    "record": lambda: [
        _made(lambda d, r=r: write_record(d / "record.json", r))
        for r in (
            make_record(classes=3),
            make_record("dense", classes=3),
            make_record("mp", classes=3),
            next(r for r in make_papers()[0] if r.options.many),
        )
    ],
    "listing": lambda: [_made(lambda d: write_listing(d, make_papers()[1]))],
    "log": lambda: [{"log.jsonl": LOG}],
    "options": lambda: [{"file": TOML}],
    "npz": lambda: [_made(lambda d: write_npz(dataset(), d / "file"))],
    "csv": lambda: [_made(lambda d: write_csv(dataset(), d))],
    "sbu": lambda: [_sbu()],
    "fpha": lambda: [_fpha()],
    "one of three": lambda: [
        _made(lambda d: _arrays(d, "npy")),
        _made(lambda d: _arrays(d, "npz")),
        {"file.csv": (",".join(header_of(SIDED)) + "\n").encode() + _lines(3, 19, ",")},
    ],
    "one of sbu": lambda: [{"file.txt": _lines(3, 1 + 3 * SBU.nodes, ",")}],
    "one of fpha": lambda: [{"file.txt": _lines(3, 1 + 3 * HAND21.nodes, " ")}],
}
"""Format -> its good examples."""


@cache
def seeds(kind: str) -> list[Files]:
    return SEEDS[kind]()
