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

from bandstop.files import locked
from bandstop.job import Listener, design

COMMAND = [
    sys.executable, "-c", "from bandstop.cli.main import main; main()", "design", "--quiet",
    "--no-figures", "--steps", "200", "--heads", "2", "--filters", "6", "--chunks", "4",
    "--rate", "0.8",
]  # fmt: skip


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


@pytest.mark.parametrize("stop", range(1, 7))
def test_a_run_stopped_after_any_epoch_ends_with_the_same_weights(stop, dataset, tiny, tmp_path):
    undisturbed = design(tiny, tmp_path / "a", dataset)
    with pytest.raises(KeyboardInterrupt):
        design(tiny, tmp_path / "b", dataset, StopsAfter(stop))
    resumed = design(tiny, tmp_path / "b", dataset)
    assert same_tensors(undisturbed.folder.bundle, resumed.folder.bundle)
    assert same_tensors(undisturbed.folder.checkpoint, resumed.folder.checkpoint)
    assert resumed.record.result["rate_observed"] == undisturbed.record.result["rate_observed"]
    assert len(resumed.record.history) == len(undisturbed.record.history)


def test_a_damaged_checkpoint_means_starting_anew_not_failing(dataset, tiny, tmp_path):
    undisturbed = design(tiny, tmp_path / "a", dataset)
    with pytest.raises(KeyboardInterrupt):
        design(tiny, tmp_path / "b", dataset, StopsAfter(5))
    for path in (tmp_path / "b").glob("*pmp*/checkpoint.safetensors"):
        path.write_bytes(path.read_bytes()[:1000])
    resumed = design(tiny, tmp_path / "b", dataset)
    assert same_tensors(undisturbed.folder.bundle, resumed.folder.bundle)


def test_killed_at_odd_moments_the_same_command_ends_with_the_same_weights(tmp_path):
    subprocess.run([*COMMAND, "--runs", tmp_path / "a"], check=True, capture_output=True)
    for seconds in (1.5, 2.6, 3.1):
        process = subprocess.Popen(
            [*COMMAND, "--runs", tmp_path / "b"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    subprocess.run([*COMMAND, "--runs", tmp_path / "b"], check=True, capture_output=True)
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
