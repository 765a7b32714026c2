"""A bundle of many rates gives the network of any of them, exactly, also through a file."""

from __future__ import annotations

import pytest
import torch
from making import SIDED, bundle, recordings, seeded

from bandstop.budget import Budget
from bandstop.bundle import Bundle, load_bundle
from bandstop.bundle.order import Order
from bandstop.bundle.reading import from_bytes
from bandstop.data.describe import Description, describe
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import NEVER, compact, compact_ranks, kept_at, masks_at, order_of

SHAPE = Shape(3, 6, 12, 8, 3)


def many() -> tuple[Bundle, AttentionGCN, dict]:
    """The bundle, the network before compaction, and its ranks."""
    net = AttentionGCN(SHAPE, seeded(0))
    with torch.no_grad():
        net.filter_bias.copy_(torch.randn(8, generator=seeded(1)))
    scores = {n: getattr(net, n).detach().abs() for n in SHAPE.tensors}
    ranks = order_of(scores, Budget(0.5), Budget(0.95), SHAPE)
    small = compact(net, {n: r < NEVER for n, r in ranks.items()})
    description = Description(SIDED, 4, "camera")
    normalisation = Normalisation.of(describe(recordings(), description))
    order = Order(compact_ranks(ranks, SHAPE), SHAPE.weights, 0.5, 0.95)
    facts = {"method": "mrmp", "accuracy": 0.9}
    whole = Bundle(small, description, normalisation, ("wave", "push", "bow"), facts, order)
    return whole, net, ranks


@pytest.mark.parametrize("rate", [0.5, 0.61, 0.8, 0.9499, 0.95])
def test_a_rate_taken_out_is_the_whole_network_masked(rate):
    whole, net, ranks = many()
    keep = kept_at(rate, SHAPE.weights)
    masks = masks_at(ranks, keep)
    with torch.no_grad():
        for name, mask in masks.items():
            getattr(net, name).mul_(mask)
    part = whole.at(rate)
    signal = whole.signal(recordings())
    assert torch.allclose(part.net(signal), net(signal), atol=1e-5)
    left = sum(int((w != 0).sum()) for w in part.net.net.weights().values())
    assert left <= keep
    assert part.facts["rate"] == 1 - left / SHAPE.weights
    assert "accuracy" not in part.facts
    assert part.order is None


def test_it_is_the_same_through_a_file(tmp_path):
    whole, _, _ = many()
    whole.save(tmp_path / "net.bandstop")
    read = load_bundle(tmp_path / "net.bandstop")
    assert read.to_bytes() == whole.to_bytes()
    assert read.order is not None
    for rate in (0.5, 0.7, 0.95):
        assert read.at(rate).to_bytes() == whole.at(rate).to_bytes()
    # what was taken out is a bundle like any other
    part = from_bytes(whole.at(0.8).to_bytes())
    assert part.predict(recordings()[0]) == whole.at(0.8).predict(recordings()[0])


def test_outside_of_what_was_trained_it_refuses_and_says_why():
    whole, _, _ = many()
    with pytest.raises(BadInput, match=r"above 0.95, the highest that was trained"):
        whole.at(0.96)
    assert whole.at(0.96, force=True).facts["rate"] > 0.955
    for force in (False, True):
        with pytest.raises(BadInput, match=r"below 0.5, the lowest that was trained"):
            whole.at(0.4, force)
        with pytest.raises(BadInput, match=r"rate must be in \[0, 1\)"):
            whole.at(1.0, force)


def test_however_high_a_forced_rate_every_class_keeps_a_path_or_its_bias():
    whole, _, _ = many()
    assert whole.at(0.9999, force=True).net(whole.signal(recordings())).isfinite().all()


def test_a_network_of_one_rate_has_no_other():
    with pytest.raises(BadInput, match="designed for one rate"):
        bundle().at(0.9)


def test_an_order_checks_itself():
    ranks = {"attention": torch.tensor([[[-1]]])}
    with pytest.raises(BadInput, match=r"(?s)rise within.*cannot be negative"):
        Order(ranks, 10, 0.9, 0.5)
