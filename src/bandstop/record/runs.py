"""Run directories: their names and the names of the files in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandstop.fingerprint import fingerprint as fingerprint_of
from bandstop.record.config import Config

LONGEST = 120
WHERE = ("device",)
"""Options that say where a run is made: its results differ by rounding alone."""


def run_name(config: Config, fingerprint: str) -> str:
    """data, fold, method, rate, seed, then what else differs from the defaults, but for where it is made.

    The data's name carries the first digits of its fingerprint, so other recordings under the same
    path are another run. A name that grows too long, holds what a file name should not, or could be read
    in two ways ends in a hash of the whole, so different runs have different names.

    >>> run_name(Config(rate=0.95, steps=100), "1a2b3c4d5e6f")
    'synthetic-1a2b3c-fold1-pmp-0.95-seed0-steps=100'
    """
    kind = config.data.partition(":")[0]
    parts = [kind, fingerprint[:6], f"fold{config.fold}", config.method]
    if config.method != "dense":
        parts.append(f"{config.rate!r}")
    parts.append(f"seed{config.seed}")
    named = {"data", "fold", "method", "rate", "seed", *WHERE}
    for key, value in config.differing().items():
        if key not in named:
            words = "+".join(value) if isinstance(value, tuple) else f"{value}"
            parts.append(f"{key.replace('_', '-')}={words}")
    name = "-".join(parts)
    plain = re.sub(r"[^A-Za-z0-9.=+_-]", "_", name)
    free = (kind, config.fold, *config.exempt, *config.layer_rate)
    clear = all(re.fullmatch(r"[A-Za-z0-9._=]+", text) for text in free)  # of what joins the parts
    if plain != name or len(name) > LONGEST or not clear:
        whole = fingerprint_of((kind, run_identity(config.to_dict(), fingerprint)), 8)
        plain = f"{plain[: LONGEST - 9]}-{whole}"
    return plain


def run_identity(options: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
    """What makes two runs the same one: every option but where it is made, and the recordings themselves,
    not their path."""
    return {k: v for k, v in options.items() if k not in WHERE} | {"data": fingerprint}


@dataclass(frozen=True)
class RunFolder:
    """The files of one run."""

    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.json"

    @property
    def record(self) -> Path:
        return self.path / "record.json"

    @property
    def log(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def checkpoint(self) -> Path:
        return self.path / "checkpoint.safetensors"

    @property
    def bundle(self) -> Path:
        return self.path / "net.bandstop"

    @property
    def tensorboard(self) -> Path:
        return self.path / "tensorboard"

    @property
    def figures(self) -> Path:
        return self.path / "figures"
