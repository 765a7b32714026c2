"""How a run's numbers can be made again: the command, and what it ran on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from bandstop.record import Config, Record
from bandstop.text import in_shell

ALWAYS = ("data", "fold", "method", "rate", "seed")
"""Options that are named even at their defaults, for the reader's sake."""


def command(record: Record) -> str:
    """The `bandstop design` command of a run: what names it, then what differs from the defaults.

    >>> from bandstop.report.reproduce import words_of
    >>> words_of(Config(rate=0.95, exempt=("dense",)))[-4:]
    ['--seed', '0', '--exempt', 'dense']
    """
    return in_shell(words_of(record.options))


def words_of(options: Config) -> list[str]:
    """The command as a list of words, without options that the run does not look at."""
    options = options.canonical()
    differing = options.differing()
    named: dict[str, Any] = {name: getattr(options, name) for name in ALWAYS}
    named |= {f.name: differing[f.name] for f in fields(Config) if f.name in differing}
    words = ["bandstop", "design"]
    for name, value in named.items():
        for each in value if isinstance(value, tuple) else (value,):
            words += [f"--{name.replace('_', '-')}", f"{each}"]
    return words


def environments(records: Iterable[Record]) -> list[tuple[dict[str, Any], int]]:
    """Each set of versions and machine that runs were made with, and of how many runs."""
    counted: dict[tuple, tuple[dict[str, Any], int]] = {}
    for record in records:
        key = tuple(sorted((k, str(v)) for k, v in record.environment.items()))
        counted[key] = (record.environment, counted.get(key, ({}, 0))[1] + 1)
    return sorted(counted.values(), key=lambda pair: -pair[1])
