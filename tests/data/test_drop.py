"""What is left out on request is counted, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bandstop.cli import main as cli
from bandstop.data import load
from bandstop.data.doctor import examine
from bandstop.data.drop import DROPS, drop
from bandstop.data.formats import npz
from bandstop.data.scan import Scan
from bandstop.data.sequence import Fold, Sequence
from bandstop.errors import BadInput
from bandstop.job import design
from bandstop.record import Config
from bandstop.skeleton import Skeleton

PAIR = Skeleton("pair", ("a", "b"), ((0, 1),), (0, 1), bodies=2)


def taken(lost: list[int], one_lost: list[int], frames: int = 6) -> Sequence:
    """Both bodies lost in some frames, the second alone in others."""
    positions = np.random.default_rng(frames).normal(size=(frames, 4, 3))
    positions[lost] = 0
    positions[one_lost, 2:] = -7
    return Sequence(f"s{len(lost)}", positions, 0)


@given(st.sets(st.integers(0, 5)), st.sets(st.integers(0, 5)))
def test_frames_without_any_body_are_dropped_and_the_others_keep_their_times(lost, one_lost):
    s = taken(sorted(lost), sorted(one_lost - lost))
    found = drop(Scan("x", PAIR, ("rest",), [s]), ["lost"])
    left = [t for t in range(6) if t not in lost]
    if len(left) < 2:
        assert found.sequences == []
        assert "1 of which had fewer than 2 others" in found.notes[0]
        return
    (kept,) = found.sequences
    np.testing.assert_array_equal(kept.positions, s.positions[left])
    even = len({*np.diff(left)}) == 1
    assert (kept.times is None) == even
    if not even:
        assert kept.times.tolist() == left
    assert found.notes == ([f"dropped (lost): {len(lost)} frames in 1 sequences"] if lost else [])


def test_folds_follow_the_sequences_that_are_left():
    s = [taken([], []), taken([0, 1, 2, 3, 4], []), taken([2], []), taken([1, 3], [])]
    folds = (Fold("1", (0, 1), (2, 3)), Fold("2", (0, 2), (1,)), Fold("3", (1, 3), (0,), (2,)))
    found = drop(Scan("x", PAIR, ("rest",), s, folds=folds), DROPS)
    assert found.folds == (Fold("1", (0,), (1, 2)), Fold("3", (2,), (0,), (1,)))
    assert "fold 2 is left out" in found.notes[-1]


def test_nothing_is_said_where_nothing_is_dropped():
    found = drop(Scan("x", PAIR, ("rest",), [taken([], [1])]), DROPS)
    assert found.notes == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Twelve recordings of 5 frames, one of a single frame, a frame of zeros in another."""
    random = np.random.default_rng(0)
    lengths = [5] * 12 + [1]
    positions = random.normal(size=(sum(lengths), 21, 3))
    positions[7] = 0
    np.savez(
        tmp_path / "x.npz", positions=positions, lengths=lengths, labels=["a", "b"] * 6 + ["a"],
        split=["train"] * 8 + ["test"] * 5, skeleton="hand21",
    )  # fmt: skip
    return tmp_path / "x.npz"


def test_a_recording_of_one_frame_is_a_problem_with_a_remedy_and_can_be_dropped(file):
    with pytest.raises(BadInput, match="leave it out, as --drop short does"):
        load("npz", file)
    data = load("npz", file, drop=["short", "lost"])
    assert len(data.sequences) == 12
    assert data.sequences[1].frames == 4
    assert data.notes == (
        "dropped (lost): 1 frames in 1 sequences",
        "dropped (short): 1 sequences of fewer than 2 frames",
    )


def test_the_doctor_says_how_to_drop_and_then_how_much_was_dropped(file, capsys):
    assert "--drop short" in examine(npz.scan(file)).problems[-1]
    assert cli.run(["data", "check", str(file)]) == 2
    capsys.readouterr()
    assert cli.run(["data", "check", str(file), "--drop", "short", "--drop", "lost"]) == 0
    out = capsys.readouterr().out
    assert "note: dropped (short): 1 sequences" in out
    assert "note: dropped (lost): 1 frames" in out


def test_what_was_dropped_stands_in_the_record(file, tmp_path):
    config = Config(
        data=f"npz:{file}", drop=("short",), steps=10, heads=1, filters=2, chunks=2, method="dense"
    )
    record = design(config, tmp_path / "runs").record
    assert record.config["drop"] == ["short"]
    assert record.data["notes"] == ["dropped (short): 1 sequences of fewer than 2 frames"]


def test_an_unknown_word_is_refused_in_python_too(file):
    with pytest.raises(BadInput, match="did you mean 'lost'"):
        load("npz", file, drop=["losst"])
