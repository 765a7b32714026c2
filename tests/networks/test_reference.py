"""The networks that read frames: shapes, and the reference's own weights where its files are here."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from bandstop.networks import NETWORKS

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT.parent / "shared" / "data" / "networks"
BONES = [(0, 1), (1, 2), (1, 3)]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("persons", [1, 2])
def test_recordings_of_any_length_become_logits(name, persons):
    net = NETWORKS[name](4, BONES, 5, channels=2, persons=persons, widths=(12, 12, 24)).eval()
    for frames in (1, 9, 16):
        assert net(torch.randn(3, persons, frames, 4, 2)).shape == (3, 5)


@pytest.mark.parametrize("name", NETWORKS)
def test_persons_are_exchangeable(name):
    net = NETWORKS[name](4, BONES, 5, persons=2, widths=(12, 24)).eval()
    clips = torch.randn(2, 2, 8, 4, 3)
    torch.testing.assert_close(net(clips), net(clips.flip(1)))


def test_st_gcn_of_the_papers_size_has_its_weights():
    net = NETWORKS["st-gcn"](25, [(joint, joint + 1) for joint in range(24)], 60)
    edges = 10 * (
        25 + 24 + 24
    )  # where the paper has 3 x 25 x 25 numbers a block, most of them for nothing
    found = sum(p.numel() for p in net.parameters())
    assert found - edges + 10 * 3 * 25 * 25 == pytest.approx(3.1e6, rel=0.001)


def test_ctr_gcn_of_the_papers_size_has_its_weights():
    net = NETWORKS["ctr-gcn"](25, [(joint, joint + 1) for joint in range(24)], 60, persons=2)
    assert sum(p.numel() for p in net.parameters()) == pytest.approx(1.43e6, rel=0.02)


@pytest.mark.skipif(
    not REFERENCE.is_dir(), reason="the reference network is not beside the checkout"
)
def test_the_reference_network_gives_its_logits(monkeypatch):
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    from bench_networks import reference

    net, _, _ = reference(REFERENCE)
    expected = np.load(REFERENCE / "hagrid-stgcnpp-expected.npz")
    with torch.no_grad():
        found = net(torch.from_numpy(expected["clips"])).numpy()
    assert np.abs(found - expected["logits"]).max() <= 1e-5 * np.abs(expected["logits"]).max()
    assert (found.argmax(1) == expected["logits"].argmax(1)).all()
