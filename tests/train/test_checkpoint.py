"""A checkpoint gives everything back bit for bit, and a damaged one reads as none."""

from __future__ import annotations

import json
import os
import struct

import pytest
import torch
from making import model, seeded
from safetensors.torch import save
from torch import nn

from bandstop import gate
from bandstop.digest import digest
from bandstop.errors import BadInput, Failure
from bandstop.gate import BandStop
from bandstop.nn import AttentionGCN, Shape
from bandstop.train import adam, read_checkpoint, restore_checkpoint, save_checkpoint

SHAPE = Shape(2, 4, 3, 5, 3)


def read_facts(path):
    saved = read_checkpoint(path)
    return None if saved is None else saved.facts


X = torch.randn(8, 4, 3, generator=seeded(0))


def step(net: nn.Module, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad()
    net(X).square().mean().backward()
    optimiser.step()


def trained(kind: str, seed: int = 0) -> tuple[AttentionGCN, torch.optim.Optimizer]:
    net = AttentionGCN(SHAPE, seeded(seed))
    optimiser = adam(net, 0.02)
    if kind == "gated":
        gate.attach(net, BandStop(rate=0.5)).update(0.4 + seed / 10)
    if kind == "fixed":
        generator = seeded(seed)
        masks = {n: torch.rand(s, generator=generator) < 0.5 for n, s in SHAPE.tensors.items()}
        gate.fix(net, masks)
    for _ in range(3 + seed):
        step(net, optimiser)
    return net, optimiser


def same(a: dict, b: dict) -> bool:
    return a.keys() == b.keys() and all(
        torch.equal(torch.as_tensor(a[k]), torch.as_tensor(b[k])) for k in a
    )


@pytest.mark.parametrize("kind", ["plain", "gated", "fixed"])
def test_weights_gates_and_moments_come_back_bit_for_bit_and_training_goes_on_the_same(
    kind, tmp_path
):
    path = tmp_path / "checkpoint"
    net, optimiser = trained(kind)
    facts = {"epoch": 3, "config": {"rate": 0.9}, "history": [1.25]}
    save_checkpoint(path, net, optimiser, facts)

    other, again = trained(kind, 1)
    assert not same(other.state_dict(), net.state_dict())
    assert read_facts(path) == facts
    restore_checkpoint(read_checkpoint(path), other, again)
    assert same(other.state_dict(), net.state_dict())
    one, two = optimiser.state_dict()["state"], again.state_dict()["state"]
    assert one.keys() == two.keys()
    assert all(same(one[i], two[i]) for i in one)
    step(net, optimiser)
    step(other, again)
    assert same(other.state_dict(), net.state_dict())


def test_without_any_step_there_are_no_moments_and_it_works_all_the_same(tmp_path):
    net, _ = model("attention gcn, sum")
    save_checkpoint(tmp_path / "c", net, adam(net, 0.1), {})
    other, _ = model("attention gcn, sum", 5)
    optimiser = adam(other, 0.1)
    restore_checkpoint(read_checkpoint(tmp_path / "c"), other, optimiser)
    assert same(net.state_dict(), other.state_dict())
    assert not optimiser.state_dict()["state"]


def test_there_is_no_checkpoint_where_nothing_was_saved(tmp_path):
    assert read_facts(tmp_path / "none") is None
    assert read_facts(tmp_path) is None


def test_a_checkpoint_cut_short_anywhere_reads_as_none(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    save_checkpoint(whole, *trained("gated"), {"epoch": 1})
    content = whole.read_bytes()
    assert read_facts(whole) == {"epoch": 1}
    (header,) = struct.unpack("<Q", content[:8])
    lengths = {0, 1, 7, 8, 9, header, header + 7, header + 8, header + 9, len(content) - 1}
    for length in lengths | set(range(0, len(content), 211)):
        cut.write_bytes(content[:length])
        assert read_facts(cut) is None, length


@pytest.mark.parametrize(
    "content",
    [
        b"not a checkpoint at all",
        b"\xff" * 100,
        b"\x80\x04pickle.",
        save({"x": torch.zeros(2)}),
        save({"x": torch.zeros(2)}, {"facts": "{"}),
        save({"x": torch.zeros(2)}, {"other": "{}"}),
        save({"x": torch.zeros(2)}, {"facts": "[" * 100_000}),
        save({"x": torch.zeros(2)}, {"facts": "[1, 2]"}),
    ],
)
def test_a_file_that_is_no_checkpoint_reads_as_none(tmp_path, content):
    path = tmp_path / "c"
    path.write_bytes(content)
    assert read_facts(path) is None


def test_facts_that_are_no_json_are_our_defect_and_nothing_is_written(tmp_path):
    with pytest.raises(TypeError):
        save_checkpoint(tmp_path / "c", *trained("plain"), {"net": object()})
    assert not list(tmp_path.iterdir())


def test_where_the_disk_is_full_the_old_checkpoint_stays(tmp_path, monkeypatch):
    path = tmp_path / "c"
    save_checkpoint(path, *trained("plain"), {"epoch": 1})

    def full(fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Failure, match="No space left"):
        save_checkpoint(path, *trained("plain", 1), {"epoch": 2})
    assert read_facts(path) == {"epoch": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["c"]


def test_facts_are_json_that_any_reader_of_safetensors_can_read(tmp_path):
    path = tmp_path / "c"
    save_checkpoint(path, *trained("plain"), {"epoch": 4})
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert json.loads(header["__metadata__"]["facts"]) == {"epoch": 4}
    assert {k.partition(".")[0] for k in header if k != "__metadata__"} == {"model", "optimiser"}


def test_a_single_altered_byte_among_the_tensors_reads_as_none(tmp_path):
    path = tmp_path / "c"
    save_checkpoint(path, *trained("gated"), {"epoch": 1})
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert read_checkpoint(path) is None


def forged(path, change):
    """The checkpoint with its tensors changed, and a right checksum."""
    saved = read_checkpoint(path)
    tensors = {k: v.clone() for k, v in saved.tensors.items()}
    change(tensors)
    text = json.dumps(saved.facts)
    path.write_bytes(save(tensors, {"facts": text, "sha256": digest(text, tensors)}))


FORGERIES = {
    "a tensor missing": lambda t: t.pop("model.dense"),
    "a tensor of nobody": lambda t: t.update({"model.x": torch.zeros(1)}),
    "a name of nobody": lambda t: t.update({"x": torch.zeros(1)}),
    "another shape": lambda t: t.update({"model.dense": t["model.dense"][0].clone()}),
    "another type": lambda t: t.update({"model.dense": t["model.dense"].double()}),
    "whole numbers": lambda t: t.update({"model.dense": t["model.dense"].long()}),
    "NaN": lambda t: t["model.dense"].fill_(torch.nan),
    "an infinite moment": lambda t: t["optimiser.0.exp_avg"].fill_(torch.inf),
    "a moment missing": lambda t: t.pop("optimiser.0.exp_avg"),
    "a moment of another shape": lambda t: t.update({"optimiser.0.exp_avg": torch.zeros(3)}),
    "a moment of another parameter": lambda t: t.update({"optimiser.99.step": torch.zeros(())}),
    "a moment of no number": lambda t: t.update({"optimiser.x.step": torch.zeros(())}),
    "a moment of another optimiser": lambda t: t.update({"optimiser.0.velocity": torch.zeros(())}),
}


@pytest.mark.parametrize("kind", FORGERIES)
def test_tensors_that_are_not_this_trainings_are_refused_and_change_nothing(kind, tmp_path):
    path = tmp_path / "c"
    save_checkpoint(path, *trained("plain"), {"epoch": 1})
    forged(path, FORGERIES[kind])
    net, optimiser = trained("plain", 1)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with pytest.raises(BadInput, match=r"checkpoint: .*delete it"):
        restore_checkpoint(read_checkpoint(path), net, optimiser)
    assert same(before, net.state_dict())


@pytest.mark.parametrize(
    "facts", ["[1]", "NaN", '{"a": 1, "a": 2}', "[" * 50_000, "9" * 5000, '"x"']
)
def test_facts_that_are_no_plain_mapping_read_as_none_under_a_right_checksum_too(facts, tmp_path):
    path = tmp_path / "c"
    save_checkpoint(path, *trained("plain"), {"epoch": 1})
    tensors = read_checkpoint(path).tensors
    path.write_bytes(save(tensors, {"facts": facts, "sha256": digest(facts, tensors)}))
    assert read_checkpoint(path) is None


def test_a_pipe_in_a_checkpoints_place_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "c")
    assert read_checkpoint(tmp_path / "c") is None
