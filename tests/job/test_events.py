"""The TensorBoard log: every epoch of every run, once, also through a stop."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bandstop.errors import BadInput
from bandstop.job import Events, Listener, Listeners, design
from bandstop.job.progress import Progressing


def scalars(folder) -> dict[str, list[tuple[int, float]]]:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log = EventAccumulator(str(folder))
    log.Reload()
    return {tag: [(e.step, e.value) for e in log.Scalars(tag)] for tag in log.Tags()["scalars"]}


class StopsAfter(Listener):
    def __init__(self, epochs):
        self.left = epochs

    def epoch(self, epoch, seconds_left):
        self.left -= 1
        if self.left == 0:
            raise KeyboardInterrupt


def test_every_epoch_is_logged_once_also_through_a_stop(dataset, tiny, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        design(tiny, tmp_path, dataset, Listeners(Events(), StopsAfter(5)))
    done = design(tiny, tmp_path, dataset, Listeners(Progressing(quiet=True), Events()))
    logged = scalars(done.folder.tensorboard)
    for row in done.record.history:
        for name, value in row.items():
            tag = next((t for t in (name, f"loss/{name}") if t in logged), None)
            if name not in ("epoch", "step", "seconds"):
                assert dict(logged[tag])[row["step"]] == pytest.approx(value, abs=1e-5)
    steps = [row["step"] for row in done.record.history]
    assert all([s for s, _ in values] == steps for values in logged.values())


def test_without_tensorboard_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(BadInput, match=r"bandstop\[tensorboard\]"):
        Events()


def test_into_a_folder_whose_name_is_no_utf_8_it_says_at_once_that_it_cannot_write():
    with pytest.raises(BadInput, match=r"cannot write into runs\\xff, .* --runs"):
        Events(Path("runs\udcff"))
