"""Run directories: their names and the names of the files in them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bandstop.record.config import Config

LONGEST = 120


def run_name(config: Config, fingerprint: str) -> str:
    """data, fold, method, rate, seed, then what else differs from the defaults.

    The data's name carries the first digits of its fingerprint, so other recordings under the same
    path are another run. A name that grows too long, or holds what a file name should not, ends in a
    hash of the whole, so different runs have different names.

    >>> run_name(Config(rate=0.95, steps=100), "1a2b3c4d5e6f")
    'synthetic-1a2b3c-fold1-pmp-0.95-seed0-steps=100'
    """
    kind = config.data.partition(":")[0]
    parts = [kind, fingerprint[:6], f"fold{config.fold}", config.method]
    if config.method != "dense":
        parts.append(f"{config.rate:.15g}")
    parts.append(f"seed{config.seed}")
    named = {"data", "fold", "method", "rate", "seed"}
    for key, value in config.differing().items():
        if key not in named:
            words = "+".join(value) if isinstance(value, tuple) else f"{value}"
            parts.append(f"{key.replace('_', '-')}={words}")
    name = "-".join(parts)
    plain = re.sub(r"[^A-Za-z0-9.=+_-]", "_", name)
    if plain != name or len(name) > LONGEST:
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        plain = f"{plain[: LONGEST - 9]}-{digest}"
    return plain


def run_identity(options: Mapping[str, Any], fingerprint: str) -> dict[str, Any]:
    """What makes two runs the same one: every option, and the recordings themselves, not their path."""
    return {**options, "data": fingerprint}


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
