"""Record: what a run leaves behind. Every number in a table or a figure comes from one.

JSON with a schema version; a record that is damaged, foreign or of another version is refused whole.
"""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from bandstop.errors import BadInput, OtherVersion, short
from bandstop.files import write_atomically
from bandstop.read import KINDS, read_json
from bandstop.record.config import Config
from bandstop.record.form import RECORD, require_fitting
from bandstop.record.given import from_mapping
from bandstop.record.rules import FORMER, POLYNOMIAL
from bandstop.text import texts

VERSION = 1


@dataclass(frozen=True)
class Record:
    """One finished run.

    config       every option, resolved
    data         name, fingerprint, classes, sequences to train / validate / test on
    skeleton     the skeleton as a mapping, for pictures
    environment  versions, processor, threads, device
    history      one mapping an epoch: step, terms, observed rate, accuracies, seconds
    result       the figures of `design --json`, and more of their kind
    confusion    test sequences by (true class, predicted class)
    latents      histogram of the final latents: `edges`, `counts`, per tensor
    masks        which weights stay, by tensor: shape and packed bits
    live_nodes   nodes that the compacted network still reads

    Errors: BadInput for a text that is not one printable line; of the options Config says it.
    """

    config: dict[str, Any]
    data: dict[str, Any]
    skeleton: dict[str, Any]
    environment: dict[str, Any]
    history: list[dict[str, float]]
    result: dict[str, Any]
    confusion: list[list[int]]
    latents: dict[str, Any]
    masks: dict[str, dict[str, Any]]
    live_nodes: list[int]
    version: int = VERSION

    def __post_init__(self) -> None:
        for name in ("data", "skeleton", "environment", "result"):
            texts(getattr(self, name), f"record: {name}")

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1)

    @cached_property
    def options(self) -> Config:
        return options(self.config)


def options(config: dict[str, Any]) -> Config:
    """What a record says of its options; those that it lacks, for it is older, as they were then."""
    given = from_mapping(config, "record")
    if given.get("method") in POLYNOMIAL:  # once methods of their own
        given |= {"network": given["method"], "method": "dense"}
    return Config(**FORMER | given)


def pack(mask: np.ndarray) -> dict[str, Any]:
    """A boolean array as shape and base64 of its bits.

    >>> unpack(pack(np.array([[True, False, True]]))).tolist()
    [[True, False, True]]
    """
    bits = np.packbits(mask.astype(bool))
    return {"shape": list(mask.shape), "bits": base64.b64encode(bits.tobytes()).decode()}


def unpack(packed: dict[str, Any]) -> np.ndarray:
    """The boolean array that `pack` wrote."""
    count = int(np.prod(packed["shape"]))
    bits = np.frombuffer(base64.b64decode(packed["bits"]), dtype=np.uint8)
    return np.unpackbits(bits)[:count].astype(bool).reshape(packed["shape"])


def write_record(path: Path, record: Record) -> None:
    write_atomically(path, record.to_json())


def read_record(path: Path) -> Record:
    """A record that is whole: every part is there, of its type and range, and fits the others.

    Errors: BadInput for a file that is missing, not JSON, not a record, damaged or of another version.
    """
    values, remedy = read_json(path, "record"), KINDS["record"].remedy
    if not isinstance(values, dict) or "version" not in values:
        raise BadInput(f"{path} is not a record of bandstop; name a record.json")
    version = values["version"]
    if type(version) is not int or version != VERSION:
        raise OtherVersion(
            f"{path} is a record of version {short(version)}, and this bandstop reads version "
            f"{VERSION}; use the bandstop that wrote it, or another folder for the runs"
        )
    try:
        RECORD.check(values)
        require_fitting(values, options(values["config"]))
        return Record(**values)
    except BadInput as error:
        raise BadInput(f"{path} is damaged: {error}; {remedy}") from error
