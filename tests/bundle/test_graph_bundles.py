"""Bundles that hold a graph: what is written is read again, at every rate, and nothing else is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making import graph_bundle, recordings
from safetensors.torch import load, save

from bandstop.bundle import Bundle
from bandstop.bundle.reading import from_bytes
from bandstop.digest import digest
from bandstop.errors import BadInput
from bandstop.graph.verify import node_of

KINDS = ("st-gcn", "st-gcn++")


def header_of(content: bytes) -> dict[str, Any]:
    length = int.from_bytes(content[:8], "little")
    return json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["bandstop"])


def forged(bundle: Bundle, change=lambda header: None, tensors=lambda own: own) -> bytes:
    """The file with another header or other tensors, its checksum made right."""
    content = bundle.to_bytes()
    header, own = header_of(content), tensors(load(content))
    header = copy.deepcopy(header)
    change(header)
    text = json.dumps(header, sort_keys=True)
    return save(own, {"bandstop": text, "sha256": digest(text, own)})


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("keep", [0.05, 0.4, 1.0])
def test_what_is_written_is_read_again(kind, keep):
    one = graph_bundle(kind, keep)
    content = one.to_bytes()
    again = from_bytes(content)
    assert again.to_bytes() == content
    for take in recordings(3):
        assert again.predict(take) == one.predict(take)
    assert again.sizes == one.sizes


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.77, 0.8])
def test_a_rate_taken_out_of_a_read_bundle_is_that_of_the_written_one(rate):
    many = graph_bundle(keep=1.0)
    one, other = many.at(rate), from_bytes(many.to_bytes()).at(rate)
    assert one.order is None
    order = many.order
    assert order is not None
    assert one.sizes["weights_kept"] == round((1 - rate) * order.weights)
    for take in recordings(3):
        assert one.predict(take).label == other.predict(take).label
    x = torch.randn(5, *one.network.signal)
    torch.testing.assert_close(one.net(x), other.net(x))


def cyclic(header):
    header["graph"]["nodes"][0][1] = [header["graph"]["nodes"][-1][2]]


def twice(header):
    header["graph"]["nodes"][1][2] = header["graph"]["nodes"][0][2]


def unknown(header):
    header["graph"]["nodes"][0][0] = "system"


def odd(header):
    header["graph"]["nodes"][0] = [*header["graph"]["nodes"][0][:3], {"out": 3}]


def huge(header):
    header["graph"]["nodes"].append(
        [
            "expand",
            [header["graph"]["outputs"][0]],
            "z",
            {"shape": [2**14, 2**14, 3], "batch": None},
        ]
    )


def wide(header):
    header["graph"]["tensors"][0]["shape"] = [2**28, 2**28]


def same_name(header):
    header["graph"]["tensors"][0]["name"] = header["graph"]["tensors"][1]["name"]


def other_classes(header):
    header["classes"].append("jump")


FAULTS = {
    "cyclic": (cyclic, "which nothing before it makes"),
    "made twice": (twice, "is made twice"),
    "unknown": (unknown, "graphs have no operation 'system'"),
    "attribute": (odd, "has no 'out' of 3"),
    "memory": (huge, "numbers, and"),
    "tensor": (wide, "numbers, and"),
    "name": (same_name, "same name"),
    "classes": (other_classes, "number of classes"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_graph_that_cannot_be_is_refused_in_one_sentence(name):
    change, words = FAULTS[name]
    with pytest.raises(BadInput, match=words) as error:
        from_bytes(forged(graph_bundle(), change))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("keep", [0.4, 1.0], ids=["one", "many"])
def test_a_file_without_one_of_its_tensors_or_with_less_of_one_is_refused(keep):
    bundle = graph_bundle(keep=keep)
    for name in load(bundle.to_bytes()):
        for change in (
            lambda own, n=name: {k: v for k, v in own.items() if k != n},
            lambda own, n=name: own | {n: own[n].reshape(-1)[:-1].clone()},
            lambda own, n=name: own | {n: torch.cat([own[n].reshape(-1)] * 2)},
            lambda own, n=name: own | {n: own[n].float().double()},
        ):
            with pytest.raises(BadInput):
                from_bytes(forged(bundle, tensors=change))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**40) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None)
@given(st.data(), JSON)
def test_anything_anywhere_in_a_graph_is_a_bundle_or_refused(data, value):
    def change(header):
        place: Any = header["graph"]
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = data.draw(st.sampled_from(keys))
            if (
                not isinstance(place[key], dict | list)
                or not place[key]
                or data.draw(st.booleans())
            ):
                break
            place = place[key]
        place[key] = value

    try:
        read = from_bytes(forged(graph_bundle(), change))
    except BadInput:
        return
    read.net(torch.zeros(1, *read.network.signal))


def test_attributes_of_an_operation_are_those_that_it_knows():
    assert node_of("relu", ["x"], "y", {}).inputs == ("x",)
    for values in (
        ("relu", ["x"], "y", {"inplace": True}),
        ("relu", "x", "y", {}),
        (3, ["x"], "y", {}),
    ):
        with pytest.raises(BadInput):
            node_of(*values)
