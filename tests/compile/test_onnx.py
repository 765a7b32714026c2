"""The ONNX target: the model computes what the network does, in few nodes, in one file."""

from __future__ import annotations

import json
import sys

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from making import FUSIONS, bundle

from bandstop.bundle.bundle import Bundle
from bandstop.compile import check_signals
from bandstop.compile.onnx import Runtime, compile_onnx, model
from bandstop.errors import BadInput, Failure

from .conftest import bundles


def made_of(b: Bundle, **options):
    return compile_onnx(b.net, b.description, b.normalisation, b.classes, **options)


@settings(max_examples=60, deadline=None)
@given(bundles())
def test_a_random_small_network_agrees(b):
    assert made_of(b).proof.error <= 1e-5  # the proof is part of the making
    assert made_of(b, sparse=False).proof.error <= 1e-5


@pytest.mark.parametrize("fusion", FUSIONS)
def test_it_takes_any_batch_and_gives_logits_and_probabilities(fusion):
    b = bundle(fusion, keep=0.8)
    runtime = Runtime(made_of(b).content)
    for count in (1, 2, 65):
        signals = check_signals(b.net.nodes, b.net.all_features, count + 1)[1:]
        logits, probabilities = runtime.both(signals)
        expected = b.net(torch.from_numpy(signals))
        assert np.allclose(logits, expected, atol=1e-5)
        assert np.allclose(probabilities, expected.softmax(1), atol=1e-6)


GUARD = 6
"""Nodes that make the logits NaN for a signal that is not finite or too large."""


@pytest.mark.parametrize(("fusion", "most"), [("sum", 9 + GUARD), ("concat", 8 + GUARD)])
def test_it_has_few_nodes_and_two_more_where_not_all_is_read(fusion, most):
    for keep in (1.0, 0.3):
        found = onnx.load_from_string(made_of(bundle(fusion, keep)).content).graph
        kinds = [n.op_type for n in found.node]
        assert len(kinds) - kinds.count("Gather") <= most
        assert kinds.count("Gather") <= 2


def test_dead_groups_are_gone_and_lone_zeros_are_not_stored():
    b = bundle(keep=0.2)
    graph = onnx.load_from_string(made_of(b).content).graph
    heads, outputs = b.net.shape.heads, b.net.shape.outputs
    sizes = {t.name: list(t.dims) for t in graph.initializer}
    sizes |= {t.values.name: list(t.dims) for t in graph.sparse_initializer}
    assert sizes["attention"] == [heads * outputs, b.net.shape.nodes]
    for tensor in graph.sparse_initializer:
        assert (onnx.numpy_helper.to_array(tensor.values) != 0).all()
    stored = sum(np.prod(t.dims, dtype=int) for t in graph.initializer if t.data_type == 1)
    assert stored < sum(w.numel() for w in b.net.net.weights().values())


def test_it_is_one_file_that_says_where_it_comes_from(tmp_path):
    b = bundle()
    made = b.export(tmp_path / "wave.onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["wave.onnx"] == [p.name for p in made.files]
    props = {p.key: p.value for p in onnx.load(tmp_path / "wave.onnx").metadata_props}
    assert json.loads(props["classes"]) == list(b.classes)
    assert props["command"] == "Bundle.export"
    assert len(props["bundle"]) == len("sha256 ") + 64


def test_the_same_network_gives_the_same_file():
    assert made_of(bundle()).content == made_of(bundle()).content


def test_a_model_that_does_not_agree_is_not_written(tmp_path, monkeypatch):
    true = model.__globals__["tensors"]
    wrong = lambda g: true(g) | {"class_bias": true(g)["class_bias"] + 1}  # noqa: E731
    monkeypatch.setitem(model.__globals__, "tensors", wrong)
    with pytest.raises(Failure, match="disagree"):
        bundle().export(tmp_path / "wave.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_where_a_package_is_missing_it_says_what_to_install(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(Failure, match=r"pip install 'bandstop\[onnx\]'"):
        bundle().export(tmp_path / "wave.onnx")
    assert not list(tmp_path.iterdir())


def test_a_model_that_onnx_runtime_refuses_is_a_failure():
    with pytest.raises(Failure, match="ONNX Runtime refuses"):
        Runtime(b"no model")


def test_another_suffix_is_refused(tmp_path):
    from bandstop.bundle.export.onnx import to_onnx

    with pytest.raises(BadInput, match=r"\.onnx"):
        to_onnx(bundle(), tmp_path / "wave.c")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38, -1e25])
@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("place", [0, 17, 35])
def test_what_is_not_finite_or_too_large_gives_no_class_and_no_other_signal_is_touched(
    value, fusion, place
):
    """Also in a place that the network does not read, as in C."""
    b = bundle(fusion, 0.3)
    signals = check_signals(b.net.nodes, b.net.all_features, 3)
    expected = b.net(torch.from_numpy(signals)).numpy()
    signals[1].reshape(-1)[place] = value
    logits, probabilities = Runtime(made_of(b).content).both(signals)
    assert np.isnan(logits[1]).all()
    assert np.isnan(probabilities[1]).all()
    assert np.allclose(logits[[0, 2]], expected[[0, 2]], atol=1e-5)


def test_the_network_alone_can_be_had_for_measuring():
    b = bundle()
    about = b.description, b.normalisation, b.classes
    found = onnx.load_from_string(compile_onnx(b.net, *about, guarded=False).content).graph
    assert "Where" not in [n.op_type for n in found.node]
