"""Stopped anywhere and started again, a run ends with the same weights, bit for bit."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from bandstop.cli import main as cli
from bandstop.files import locked
from bandstop.job import Listener, design, training
from bandstop.train import Clock

DESIGN = [
    "design", "--quiet", "--no-figures", "--steps", "100", "--heads", "2", "--filters", "6",
    "--chunks", "4", "--rate", "0.8",
]  # fmt: skip
"""Two epochs of the dense reference, two of the network."""


class StopsAfter(Listener):
    """Interrupts after the n-th epoch it hears of: the dense reference's are counted too."""

    def __init__(self, epochs):
        self.left = epochs

    def epoch(self, epoch, seconds_left):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def same_tensors(a: Path, b: Path) -> bool:
    one, other = load_file(a), load_file(b)
    return one.keys() == other.keys() and all(torch.equal(one[k], other[k]) for k in one)


@pytest.fixture(scope="module")
def undisturbed(dataset, tiny, tmp_path_factory):
    return design(tiny, tmp_path_factory.mktemp("undisturbed"), dataset)


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_run_stopped_after_any_epoch_ends_with_the_same_weights(
    stop, dataset, tiny, undisturbed, tmp_path
):
    with pytest.raises(KeyboardInterrupt):
        design(tiny, tmp_path, dataset, StopsAfter(stop))
    resumed = design(tiny, tmp_path, dataset)
    assert same_tensors(undisturbed.folder.bundle, resumed.folder.bundle)
    assert same_tensors(undisturbed.folder.checkpoint, resumed.folder.checkpoint)
    assert resumed.record.result["rate_observed"] == undisturbed.record.result["rate_observed"]
    assert len(resumed.record.history) == len(undisturbed.record.history)


def test_a_damaged_checkpoint_means_starting_anew_not_failing(dataset, tiny, undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        design(tiny, tmp_path, dataset, StopsAfter(5))
    for path in tmp_path.glob("*pmp*/checkpoint.safetensors"):
        path.write_bytes(path.read_bytes()[:1000])
    resumed = design(tiny, tmp_path, dataset)
    assert same_tensors(undisturbed.folder.bundle, resumed.folder.bundle)


def epochs_of(runs: Path) -> int:
    """How many stand in the logs, of all runs."""
    return sum(len(log.read_text().splitlines()) for log in runs.glob("*/log.jsonl"))


def test_killed_at_odd_moments_the_same_command_ends_with_the_same_weights(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "Clock", Clock)
    assert cli.run([*DESIGN, "--runs", str(tmp_path / "a")]) == 0
    for epochs, later in ((0, 0.2), (1, 0.05), (3, 0.1)):
        process = subprocess.Popen(
            [sys.executable, "-m", "bandstop", *DESIGN, "--runs", tmp_path / "b"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while not (tmp_path / "b").exists() or epochs_of(tmp_path / "b") < epochs:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(later)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert cli.run([*DESIGN, "--runs", str(tmp_path / "b")]) == 0
    bundles = sorted((tmp_path / "a").glob("*/net.bandstop"))
    assert len(bundles) == 2
    for bundle in bundles:
        assert same_tensors(bundle, tmp_path / "b" / bundle.parent.name / bundle.name)


def test_a_run_in_use_by_another_process_is_refused_and_says_by_whom(dataset, tiny, tmp_path):
    from bandstop.errors import BadInput
    from bandstop.record import run_name

    folder = tmp_path / run_name(tiny, dataset.fingerprint)
    with locked(folder), pytest.raises(BadInput, match=f"in use by process {os.getpid()}"):
        design(tiny, tmp_path, dataset)
