"""The public face: what a Python user touches."""

from __future__ import annotations

import pytest

import bandstop as bs
from bandstop.job import Listener

SMALL = {"steps": 50, "heads": 2, "filters": 6, "chunks": 4, "rate": 0.8}


def test_every_public_name_can_be_looked_up():
    for name in bs.__all__:
        assert getattr(bs, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        bs.nothing  # noqa: B018


def test_design_takes_a_data_set_and_gives_a_network_that_predicts_and_saves(tmp_path):
    data = bs.load("synthetic", "gestures")
    net = bs.design(data, method="pmp", runs=tmp_path / "runs", listener=Listener(), **SMALL)
    said = net.predict(data.sequences[0])
    assert said.label in data.classes
    assert sum(said.probabilities.values()) == pytest.approx(1, abs=1e-5)
    assert net.predict(data.sequences[0].positions) == said
    net.save(tmp_path / "wave.bandstop")
    assert bs.load_bundle(tmp_path / "wave.bandstop").predict(data.sequences[0]) == said


def test_design_shows_progress_unless_someone_else_listens(tmp_path, capsys):
    bs.design("synthetic", runs=tmp_path, method="dense", **{**SMALL, "rate": 0.0})
    assert "epoch 1/1" in capsys.readouterr().err


def test_a_misspelt_option_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(bs.BadInput, match="unknown option 'ratee'; did you mean 'rate'"):
        bs.design("synthetic", runs=tmp_path, ratee=0.9)
