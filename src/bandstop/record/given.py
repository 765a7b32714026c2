"""Options as somebody gives them: on a command line, in a file, in a record."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from bandstop import read
from bandstop.errors import BadInput, listed, nearest, short
from bandstop.record.config import Config
from bandstop.record.rules import RENAMED


def refuse_idle(config: Config, given: Collection[str]) -> None:
    """Errors: BadInput for options that somebody gave and that the run does not look at."""
    same = config.canonical().rate == config.rate
    idle = {n: why for n, why in config.idle.items() if n in given and not (n == "rate" and same)}
    if idle:
        said = [
            f"{n.replace('_', '-')} has no effect: {why}; leave it out" for n, why in idle.items()
        ]
        raise BadInput(listed(said))


def from_mapping(values: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Option names as written in a file (with - or _) -> field names; BadInput for unknown names."""
    known = {f.name for f in fields(Config)}
    found, problems = {}, []
    for key, value in values.items():
        name = key.replace("-", "_")
        name = RENAMED.get(name, name)
        if name in found:
            problems.append(f"{source}: option {short(key)} is set twice; keep one")
        elif name in known:
            found[name] = value
        else:
            problems.append(f"{source}: unknown option {short(key)}{nearest(name, known)}")
    if problems:
        raise BadInput(listed(problems))
    return found


def read_toml(path: Path) -> dict[str, Any]:
    """The options that a TOML file sets. Errors: BadInput with file and line."""
    return from_mapping(read.read_toml(path, "options"), str(path))
