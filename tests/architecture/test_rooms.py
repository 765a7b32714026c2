"""Every import is one that the table of rooms allows, and one that it does not is seen, in every room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / ".ci"))
import rooms  # noqa: E402

GRAPH = rooms.imports()
EVERY = rooms.BASE | rooms.ROOMS


def test_every_import_is_allowed():
    assert rooms.faults(GRAPH) == []


def test_every_row_is_a_room_and_every_room_has_a_row():
    assert {rooms.room(m) for m in GRAPH.modules} - {None} == EVERY.keys()
    assert {word for row in EVERY.values() for word in row.split()} <= EVERY.keys()


def test_rooms_stand_in_an_order():
    """A room imports none that imports it, however many stand between."""
    seen: set[str] = set()
    while more := {n for n, row in EVERY.items() if set(row.split()) <= seen} - seen:
        seen |= more
    assert seen == EVERY.keys()


def planted(module: str, other: str) -> list[str]:
    graph = rooms.imports()
    graph.add_import(importer=module, imported=other)
    return rooms.faults(graph)


@pytest.mark.parametrize("own", EVERY)
def test_a_planted_import_is_seen(own):
    allowed = {own, *EVERY[own].split()} | (set(rooms.BASE) if own in rooms.ROOMS else set())
    other = next(name for name in EVERY if name not in allowed)
    module = next(m for m in sorted(GRAPH.modules) if rooms.room(m) == own)
    (fault,) = planted(module, f"bandstop.{other}")
    assert fault == f"{module} imports bandstop.{other}, and {own} may not import {other}"


@pytest.mark.parametrize("own", sorted(rooms.WITHOUT_TORCH))
def test_planted_torch_is_seen(own):
    module = next(m for m in sorted(GRAPH.modules) if rooms.room(m) == own)
    assert planted(module, "torch") == [f"{module} imports torch, and {own} must do without"]


def test_torch_behind_another_room_is_seen():
    (fault,) = planted("bandstop.record.config", "bandstop.digest")
    assert fault == (
        "bandstop.record.config imports bandstop.digest, which may import torch, and record must do without"
    )


def test_a_room_without_a_row_is_seen():
    graph = rooms.imports()
    graph.add_module("bandstop.cellar")
    assert rooms.faults(graph) == ["bandstop.cellar: `cellar` has no row in .ci/rooms.py"]


def test_the_command_says_so():
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "rooms.py"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout
    assert "every import allowed" in done.stdout
