"""How each format is read, and what must hold of a mutant that is taken for good.

A reader returns what was read; its twin in CHECKS says what is wrong with that, if it was wrong to
accept it: it is compared with an independent reading, or written and read again.
"""

from __future__ import annotations

import io
import json
import math
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from agreement.test_bundle_by_its_page import probabilities
from fuzz.corpus import CLASSES, FACTS, SIDED, bundle, network, seeds
from making import recordings

from bandstop.bundle import load_bundle
from bandstop.bundle.reading import from_bytes
from bandstop.data.formats import csv_folder, fpha, npz, sbu
from bandstop.data.formats.csv_folder import header_of
from bandstop.data.formats.detect import detect
from bandstop.data.formats.npz import write_npz
from bandstop.data.formats.single import read_one
from bandstop.data.scan import Scan
from bandstop.data.sequence import Sequence
from bandstop.errors import BadInput
from bandstop.graph import GraphNet
from bandstop.job.training import FACTS as FORM
from bandstop.record import Config, RunFolder, read_listing, read_toml
from bandstop.report.collect import collect, whole
from bandstop.report.html import page
from bandstop.report.summary import rows, to_csv, to_markdown
from bandstop.skeleton import LAYOUTS
from bandstop.sweep.progress import epochs_made
from bandstop.train import read_checkpoint, restore_checkpoint

FILE = "file"


def one(folder: Path) -> Path:
    return next((p for p in sorted(folder.iterdir()) if p.is_file()), folder / FILE)


def _checkpoint(folder: Path) -> Any:
    saved = read_checkpoint(folder / FILE)
    if saved is not None:
        FORM.check(saved.facts)
        net, optimiser = network()
        restore_checkpoint(saved, net, optimiser)
        return saved, net, optimiser
    return None


def _single(skeleton: Any) -> Callable[[Path], Sequence]:
    return lambda folder: read_one(one(folder), skeleton)


READERS: dict[str, Callable[[Path], Any]] = {
    "bundle": lambda folder: load_bundle(folder / FILE),
    "checkpoint": _checkpoint,
    "record": lambda folder: whole(folder / "record.json"),
    "listing": lambda folder: read_listing(one(folder)),
    "log": lambda folder: epochs_made(RunFolder(folder)),
    "options": lambda folder: Config(**read_toml(folder / FILE)),
    "npz": lambda folder: (npz.scan(folder / FILE), detect(folder / FILE))[0],
    "csv": csv_folder.scan,
    "sbu": sbu.scan,
    "fpha": fpha.scan,
    "one of three": _single(SIDED),
    "one of sbu": _single(LAYOUTS["sbu"]),
    "one of fpha": _single(LAYOUTS["hand21"]),
}


# --- what must hold -----------------------------------------------------------------------------


def _bundle(read: Any, folder: Path, files: dict[str, bytes]) -> str:
    content = read.to_bytes()
    again = from_bytes(content)
    if again.to_bytes() != content:
        return "written and read again it is another"
    for take in _takes(read.skeleton):
        try:
            said = read.predict(take).probabilities
        except BadInput:  # its numbers overflow
            continue
        values = list(said.values())
        if len(values) != len(read.classes) or not all(math.isfinite(v) for v in values):
            return f"probabilities {said}"
        if abs(sum(values) - 1) > 1e-4:
            return f"probabilities sum to {sum(values)}"
        if again.predict(take).probabilities != said:
            return "the copy predicts otherwise"
        if isinstance(read.net, GraphNet):
            continue  # the page's reader is of the other formats
        huge = max(float(w.abs().max()) for w in read.net.net.parameters()) > 1e6
        if read.description.trim == 0 and not huge and read.normalisation.std > 1e-3:
            oracle = probabilities(files[FILE], take.positions)
            if max(abs(oracle[k] - said[k]) for k in said) > 1e-3:
                return f"the page's reader says {oracle}, ours {said}"
    return ""


def _takes(skeleton: Any) -> list[Sequence]:
    return recordings(2, skeleton) if skeleton.nodes < 1000 else []


def _checkpoint_holds(read: Any, folder: Path, files: dict[str, bytes]) -> str:
    if read is None:
        return ""
    saved, net, _ = read
    own = net.state_dict()
    if any(not saved.tensors[f"model.{k}"].equal(v) for k, v in own.items()):
        return "the network holds other tensors"
    changed = saved.facts != FACTS
    return "it lost its history" if changed and len(saved.facts["history"]) > 10**6 else ""


def _record(read: Any, folder: Path, files: dict[str, bytes]) -> str:
    plain = json.loads(files["record.json"])
    if json.loads(read.to_json()) != plain:
        return "the record is not what stands in the file"
    table = rows([read])
    to_csv(table)
    return "" if to_markdown(table).count("\n") >= 3 else "a table without a row"


def _page(read: Any, folder: Path, files: dict[str, bytes]) -> str:
    """Of some records the whole report, beside one that is good: minutes for all of them."""
    (folder / "good").mkdir()
    (folder / "good" / "record.json").write_bytes(seeds("record")[0]["record.json"])
    html = page(collect([folder]))
    html.encode()
    return "" if html.rstrip().endswith("</html>") else "the page is not whole"


def _text(content: bytes) -> str:
    return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")


def _options(read: Any, folder: Path, files: dict[str, bytes]) -> str:
    plain = tomllib.loads(_text(files[FILE]))
    for key, value in plain.items():
        mine = getattr(read, key.replace("-", "_"))
        mine = list(mine) if isinstance(mine, tuple) else mine
        if mine not in (value, [value], str(value)):
            return f"{key} is {mine!r} and the file says {value!r}"
    return ""


def _dataset(found: Any, folder: Path) -> str:
    """Written as npz and read again it is the same."""
    try:
        data = found.dataset()
        write_npz(data, folder / "again.npz")
    except BadInput:
        return ""
    again = npz.scan(folder / "again.npz").dataset()
    return "" if again.fingerprint == data.fingerprint else "written and read again it is another"


def _npz(found: Scan, folder: Path, files: dict[str, bytes]) -> str:
    if found.problems:
        return ""
    with zipfile.ZipFile(io.BytesIO(files[FILE])) as archive:
        lengths = np.load(archive.open("lengths.npy"), allow_pickle=False)
        positions = np.load(archive.open("positions.npy"), allow_pickle=False)
    if [s.frames for s in found.sequences] != [int(n) for n in lengths]:
        return "other lengths than the file's"
    mine = np.concatenate([s.positions for s in found.sequences])
    if not np.array_equal(mine, positions.astype(np.float32)):
        return "other positions than the file's"
    return _dataset(found, folder)


def plain(content: bytes, separator: str | None, skip: int = 0) -> np.ndarray:
    """The numbers of a text, read the plainest way: only ASCII, no underscores."""
    text = _text(content)
    rows = [line.strip().split(separator) for line in text.split("\n")[skip:] if line.strip()]
    for field in (field for row in rows for field in row):
        if set(field.strip()) - set("0123456789+-.eE"):
            raise ValueError(f"{field!r} was read as a number")
    return np.array([[float(field) for field in row] for row in rows])


def _sequence(read: Sequence, content: bytes, kind: str, skeleton: Any) -> str:
    try:
        if kind == "csv":
            line = _text(content).split("\n")[0].replace('"', "")
            mark = next((mark for mark in ",;\t" if mark in line), ",")
            header = [c.strip() for c in line.split(mark)]
            values = plain(content, mark, 1)[:, [header.index(c) for c in header_of(skeleton)[1:]]]
        else:
            values = plain(content, "," if kind == "sbu" else None)[:, 1:]
    except (ValueError, UnicodeDecodeError) as error:
        return f"{error}"
    positions = values.reshape(len(values), -1, 3)
    if kind == "sbu":
        positions = sbu.to_millimetres(positions)
    with np.errstate(over="ignore"):
        same = np.array_equal(positions.astype(np.float32), read.positions)
    return "" if same else "other numbers than the file's"


def _folder(kind: str) -> Callable[[Any, Path, dict[str, bytes]], str]:
    def holds(found: Scan, folder: Path, files: dict[str, bytes]) -> str:
        if kind == "csv":
            return _dataset(found, folder)
        paths = {
            "sbu": "{}/skeleton_pos.txt",
            "fpha": "Hand_pose_annotation_v1/{}/skeleton.txt",
        }[kind]
        for s in found.sequences:
            wrong = _sequence(s, files[paths.format(s.name)], kind, found.skeleton)
            if wrong:
                return f"{s.name}: {wrong}"
        return _dataset(found, folder)

    return holds


def _one(kind: str, skeleton: Any) -> Callable[[Any, Path, dict[str, bytes]], str]:
    def holds(read: Sequence, folder: Path, files: dict[str, bytes]) -> str:
        content = next(iter(files.values()))
        if content[:4] in (b"PK\x03\x04", b"\x93NUM"):
            array = np.load(io.BytesIO(content), allow_pickle=False)
            if content[:2] == b"PK":
                array = array[array.files[0] if len(array.files) == 1 else "positions"]
            same = np.array_equal(array.astype(np.float32), read.positions)
            wrong = "" if same else "other numbers than the file's"
        else:
            wrong = _sequence(read, content, kind, skeleton)
        if not wrong and skeleton is SIDED and read.frames < 10**5:
            try:
                said = bundle().predict(read)
            except BadInput:
                return ""
            values = list(said.probabilities.values())
            if not all(map(math.isfinite, values)) or abs(sum(values) - 1) > 1e-4:
                wrong = f"probabilities {values}"
        return wrong

    return holds


CHECKS: dict[str, Callable[[Any, Path, dict[str, bytes]], str]] = {
    "bundle": _bundle,
    "checkpoint": _checkpoint_holds,
    "record": _record,
    "listing": lambda read, folder, files: "" if read.version == 1 else "another version",
    "log": lambda read, folder, files: "" if read >= 0 else "fewer than none",
    "options": _options,
    "npz": _npz,
    "csv": _folder("csv"),
    "sbu": _folder("sbu"),
    "fpha": _folder("fpha"),
    "one of three": _one("csv", SIDED),
    "one of sbu": _one("sbu", LAYOUTS["sbu"]),
    "one of fpha": _one("fpha", LAYOUTS["hand21"]),
}
assert len(CLASSES) == 3
