"""Masked PyTorch = compact PyTorch = ONNX Runtime = compiled C = elastic C = WebAssembly."""

from __future__ import annotations

import importlib.util
import shutil

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making import formula

from bandstop.bundle import Bundle
from bandstop.bundle.export.elastic import compiled_elastic
from bandstop.compile import check_signals, compile_native
from bandstop.compile.onnx import Runtime, compile_onnx

from .many import many

SHARES = st.floats(0, 1)


def every(b: Bundle, share: float) -> tuple[Bundle, dict[str, np.ndarray]]:
    """The bundle at a rate, and what each engine gives for it."""
    assert b.order is not None
    rate = b.order.lowest + share * (b.order.highest - b.order.lowest)
    part, keep = b.at(rate), max(1, round((1 - rate) * b.order.weights))
    signals = check_signals(b.net.nodes, b.net.all_features, 8)
    given_ = torch.from_numpy(signals)
    kept = {n: w * (b.order.ranks[n] < keep) for n, w in b.net.net.weights().items()}
    about = part.description, part.normalisation, part.classes
    elastic = compiled_elastic(b, "net", "a test")[1]
    elastic.rate = rate
    return part, {
        "masked": formula(
            b.net.net, kept, given_[:, b.net.joints][:, :, b.net.features]
        ).numpy(),
        "compact": part.net(given_).numpy(),
        "ONNX Runtime": Runtime(compile_onnx(part.net, *about).content)(signals),
        "C": compile_native(part.net, *about)(signals),
        "elastic": elastic(signals),
    }  # fmt: skip


def agree(found: dict[str, np.ndarray]) -> None:
    meant = found["masked"]
    scale = max(float(np.abs(meant).max()), 1e-12)
    ranked = np.sort(meant, axis=1)
    clear = ranked[:, -1] - ranked[:, -2:][:, 0] > 2e-5 * scale
    for name, logits in found.items():
        assert np.abs(logits - meant).max() <= 1e-5 * scale, name
        assert (logits.argmax(1) == meant.argmax(1))[clear].all(), name


@settings(max_examples=4)
@given(many(), SHARES)
def test_all_engines_agree_on_random_small_networks(b, share):
    agree(every(b, share)[1])


@pytest.mark.slow
@settings(max_examples=150)
@given(many(), SHARES)
def test_all_engines_agree_on_many_random_small_networks(b, share):
    agree(every(b, share)[1])


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ziglang") is None or shutil.which("node") is None,
    reason="ziglang or node is missing",
)
@settings(max_examples=8)
@given(many(), SHARES)
def test_webassembly_agrees_with_them(tmp_path_factory, b, share):
    part, found = every(b, share)
    agree(found)
    made = part.export(tmp_path_factory.mktemp("wasm") / "net.wasm")
    assert "here and as WebAssembly: relative error" in made.proof


def test_a_disagreement_is_seen():
    meant = np.array([[1.0, 2.0], [3.0, 1.0]])
    agree({"masked": meant, "other": meant + 1e-6})
    with pytest.raises(AssertionError, match="other"):
        agree({"masked": meant, "other": meant + 1e-3})
