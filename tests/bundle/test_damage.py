"""Whatever a file holds, reading it gives a bundle or one sentence of BadInput; never another exception."""

from __future__ import annotations

import json
import pickle
import struct

import pytest
import torch
from fuzz.corpus import many_rates
from hypothesis import given, settings
from hypothesis import strategies as st
from making import bundle
from safetensors.torch import load, save

from bandstop.bundle import Bundle, load_bundle, reading
from bandstop.bundle.bundle import GRAPHS, VERSION, _in_order
from bandstop.bundle.reading import from_bytes
from bandstop.bundle.storage import restore, store
from bandstop.digest import digest
from bandstop.errors import BadInput

GOOD = bundle().to_bytes()
(HEADER,) = struct.unpack("<Q", GOOD[:8])


def refused(content: bytes) -> str:
    """The one sentence."""
    with pytest.raises(BadInput) as error:
        from_bytes(content, "wave.bandstop")
    said = str(error.value)
    assert said.startswith("wave.bandstop ")
    assert "Traceback" not in said
    return said


def usable_or_refused(content: bytes) -> Bundle | None:
    """The bundle, or None where it was refused with one sentence; any other exception is a defect."""
    try:
        return from_bytes(content, "wave.bandstop")
    except BadInput as error:
        if not str(error).startswith("wave.bandstop "):
            pytest.fail(f"not a sentence about the file: {error}")
        return None


def forged(change=None, tensors=None, text: str | None = None) -> bytes:
    """A file with a right checksum and a header or tensors that were changed on purpose."""
    own = load(GOOD)
    header = json.loads(json.loads(GOOD[8 : 8 + HEADER])["__metadata__"]["bandstop"])
    if change is not None:
        header = change(header)
    own = own if tensors is None else tensors(own)
    text = json.dumps(header, sort_keys=True) if text is None else text
    return _in_order(save(own, {"bandstop": text, "sha256": digest(text, own)}))


def test_what_is_good_is_read_and_what_is_forged_without_a_change_too():
    from_bytes(GOOD)
    assert from_bytes(forged()).to_bytes() == GOOD


@given(st.integers(0, len(GOOD) - 1))
def test_a_file_cut_short_anywhere_is_refused(length):
    assert "cut short" in refused(GOOD[:length])


@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, HEADER, HEADER + 7, HEADER + 8, HEADER + 9])
def test_a_file_cut_at_a_seam_is_refused(length):
    assert "cut short" in refused(GOOD[:length])


@given(st.binary(min_size=1, max_size=40))
def test_a_file_with_something_after_its_end_is_refused(tail):
    refused(GOOD + tail)


@settings(max_examples=300)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_anywhere_is_refused(place, flip):
    damaged = bytearray(GOOD)
    damaged[place] ^= flip
    read = usable_or_refused(bytes(damaged))
    # what does no harm is a byte of the padding between header and tensors
    assert read is None or read.to_bytes() == GOOD


@given(st.integers(8 + HEADER, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_byte_of_a_tensor_is_found_by_the_checksum(place, flip):
    damaged = bytearray(GOOD)
    damaged[place] ^= flip
    assert "checksum" in refused(bytes(damaged))


@pytest.mark.parametrize(
    "change",
    [
        lambda t: {**t, "joints": t["features"], "features": t["joints"]},
        lambda t: {**t, "mean": t["mean"].reshape(-1)},
        lambda t: {**t, "joints": t["joints"].view(torch.float32)},
    ],
    ids=["names", "shape", "type"],
)
def test_the_checksum_covers_names_shapes_and_types_of_tensors(change):
    metadata = json.loads(GOOD[8 : 8 + HEADER])["__metadata__"]
    assert "checksum" in refused(save(change(load(GOOD)), metadata))


@settings(max_examples=300)
@given(st.binary(max_size=400))
def test_noise_is_refused(content):
    refused(content)
    refused(GOOD[:8] + content)
    refused(struct.pack("<Q", len(content)) + content)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = [
    "version", "skeleton", "chunks", "view", "classes", "nodes", "features", "shape", "storage",
]  # fmt: skip


@pytest.mark.parametrize("name", [*FIELDS, "facts"])
def test_a_header_without_one_of_its_fields_is_refused(name):
    refused(forged(lambda h: {k: v for k, v in h.items() if k != name}))


@settings(max_examples=400)
@given(st.sampled_from(FIELDS), JSON)
def test_a_header_with_anything_in_a_field_is_a_bundle_or_refused(name, value):
    usable_or_refused(forged(lambda h: h | {name: value}))


@settings(max_examples=400)
@given(
    st.sampled_from([("shape", n) for n in ("heads", "nodes", "features", "filters", "classes",
                                            "fusion", "outputs")]
                    + [("storage", n) for n in ("attention", "filters", "dense")]
                    + [("skeleton", n) for n in ("name", "joints", "bones", "mirror", "bodies", "up",
                                                 "side")]),
    JSON | st.sampled_from([10**6, 10**12, 10**40, -1, 1e300]),
)  # fmt: skip
def test_a_header_with_anything_in_a_field_of_a_field_is_a_bundle_or_refused(where, value):
    outer, inner = where
    usable_or_refused(forged(lambda h: h | {outer: h[outer] | {inner: value}}))


@given(JSON)
def test_a_header_that_is_anything_is_refused(value):
    refused(forged(text=json.dumps(value)))


@pytest.mark.parametrize(
    "text", ["", "{", "[" * 100_000, '{"version": ' + "[" * 100_000, "\x00", "NaN"]
)
def test_a_header_that_is_no_json_or_nested_beyond_all_measure_is_refused(text):
    refused(forged(text=text))


@pytest.mark.parametrize("name", sorted(load(GOOD)))
@pytest.mark.parametrize(
    "change",
    [
        lambda t: None,
        lambda t: t[:0],
        lambda t: torch.cat([t.flatten(), t.flatten()]),
        lambda t: t.to(torch.uint8),
        lambda t: t.double(),
        lambda t: t[None],
        lambda t: torch.full_like(t, 255 if t.dtype == torch.uint8 else 30_000),
        lambda t: torch.zeros_like(t),
    ],
)
def test_a_tensor_that_is_missing_or_of_another_size_or_type_gives_a_bundle_or_is_refused(
    name, change
):
    def tensors(own):
        own = dict(own)
        value = own.pop(name)
        if value.dim() == 0:
            value = value[None]
        new = change(value)
        return own if new is None else own | {name: new.contiguous()}

    usable_or_refused(forged(tensors=tensors))


@pytest.mark.parametrize("name", ["joints", "class_bias", "mean", "std", "filters.values"])
def test_a_bundle_without_one_of_its_tensors_is_refused(name):
    refused(forged(tensors=lambda own: {k: v for k, v in own.items() if k != name}))


@pytest.mark.parametrize("version", [0, GRAPHS + 1, "1", None, 1.5])
def test_a_bundle_of_another_format_is_refused_with_both_formats_and_a_remedy(version):
    said = refused(forged(lambda h: h | {"version": version}))
    assert f"format {version!r}" in said
    assert f"reads formats 2 and {VERSION} and {GRAPHS}" in said
    assert "update bandstop" in said


def test_a_safetensors_file_of_someone_else_is_refused_as_what_it_is():
    assert "no bundle of bandstop" in refused(save({"weight": torch.zeros(3)}))
    assert "no bundle of bandstop" in refused(save({"weight": torch.zeros(3)}, {"format": "pt"}))


class Trap:
    """Unpickling it would call this."""

    def __reduce__(self):
        return (pytest.fail, ("a file was unpickled",))


def test_a_pickle_is_refused_and_never_unpickled():
    refused(pickle.dumps(Trap()))
    refused(pickle.dumps({"weights": [1.0]}))


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04", b"\x93NUMPY", b"\x00" * 64, b"{}", b"\xff" * 9]
)
def test_files_of_other_kinds_are_refused(content):
    refused(content)


def test_a_file_that_is_missing_or_a_folder_is_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match=r"none\.bandstop cannot be read: it does not exist"):
        load_bundle(tmp_path / "none.bandstop")
    with pytest.raises(BadInput, match="cannot be read: it is a folder"):
        load_bundle(tmp_path)


def changed(name, change):
    """The tensors with one of them other."""

    def make(own):
        value = own[name]
        made = change(value.long() if value.dtype == torch.uint16 else value)
        return own | {
            name: made.to(value.dtype).contiguous() if made.dtype == torch.int64 else made
        }

    return make


WRONG = {
    "equal class names": ({"change": lambda h: h | {"classes": ["wave", "wave", "bow"]}}, "each item once"),
    "classes that are no list": ({"change": lambda h: h | {"classes": "abc"}}, "must be a list"),
    "a class that is no text": ({"change": lambda h: h | {"classes": ["a", 1, "c"]}}, "must be text"),
    "a float as a size": ({"change": lambda h: h | {"nodes": float(h["nodes"])}}, "must be a whole number"),
    "a float in the shape": ({"change": lambda h: h | {"shape": h["shape"] | {"heads": 2.0}}}, "shape.heads"),
    "true as a size": ({"change": lambda h: h | {"chunks": True}}, "must be a whole number"),
    "a text as a number": ({"change": lambda h: h | {"trim": "0"}}, "trim must be a number"),
    "no outputs": ({"change": lambda h: h | {"shape": h["shape"] | {"outputs": 0}}}, "shape.outputs"),
    "half a skeleton": (
        {"change": lambda h: h | {"skeleton": {k: v for k, v in h["skeleton"].items() if k != "up"}}},
        "its skeleton must have",
    ),
    "an unknown field": ({"change": lambda h: h | {"chunk": 2}}, "unknown part 'chunk'; did you mean"),
    "a field twice": ({"text": '{"version": 2, "version": 2}'}, "stands there twice"),
    "order without ranks": (
        {"change": lambda h: h | {"order": {"weights": 99, "lowest": 0.5, "highest": 0.9}}},
        "ranks, .* missing or unknown",
    ),
    "an order of floats": (
        {"change": lambda h: h | {"order": {"weights": 99.0, "lowest": 0.5, "highest": 0.9}}},
        "order.weights",
    ),
    "facts of another type": ({"change": lambda h: h | {"facts": [1]}}, "facts must be a mapping"),
    "a rate of text": ({"change": lambda h: h | {"facts": {"rate": "0.9"}}}, "facts.rate"),
    "a provenance of text": ({"change": lambda h: h | {"facts": {"provenance": "x"}}}, "provenance must be"),
    "a negative joint": ({"tensors": changed("joints", lambda t: t - 1)}, "different indices below"),
    "a joint beyond": ({"tensors": changed("joints", lambda t: t + 1)}, "different indices below"),
    "a joint twice": ({"tensors": changed("joints", lambda t: t * 0)}, "different indices below"),
    "a feature twice": ({"tensors": changed("features", lambda t: t * 0)}, "different indices below"),
    "std 0": ({"tensors": changed("std", lambda t: t * 0)}, r"std is \[0"),
    "a negative std": ({"tensors": changed("std", lambda t: -t)}, r"std is \[-"),
    "a denormal std": ({"tensors": changed("std", lambda t: t * 0 + 1e-45)}, r"std is \[1"),
    "an infinite mean": ({"tensors": changed("mean", lambda t: t + torch.inf)}, "NaN or infinite"),
    "a mean of doubles": ({"tensors": changed("mean", lambda t: t.double())}, "mean is torch.float64"),
    "one value for all": ({"tensors": changed("filters.values", lambda t: t[:1])}, "values must be one"),
    "a tensor of nobody": ({"tensors": lambda own: own | {"x": own["std"] + 1}}, "x are missing or unknown"),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRONG)
def test_what_was_taken_for_right_is_refused_by_its_name(kind):
    change, words = WRONG[kind]
    content = forged(**change)
    with pytest.raises(BadInput, match=words):
        from_bytes(content)


def test_metadata_that_is_null_or_no_mapping_is_refused():
    header = json.loads(GOOD[8 : 8 + HEADER])
    for metadata in (None, {}, {"bandstop": None}):
        text = json.dumps(header | {"__metadata__": metadata}).encode()
        refused(struct.pack("<Q", len(text)) + text + GOOD[8 + HEADER :])


@pytest.mark.parametrize("name", ["heads", "nodes", "features", "filters", "classes", "outputs"])
@pytest.mark.parametrize("size", [2**22, 2**26, 2**28, 2**40, 10**30])
def test_sizes_beyond_the_file_are_refused_before_any_tensor_is_made(name, size, monkeypatch):
    """Sizes of 2^26 in a file of 7 KB asked for 5.3 GiB."""

    def never(*_, **__):
        pytest.fail("a network was made")

    monkeypatch.setattr(reading, "AttentionGCN", never)
    refused(forged(lambda h: h | {"shape": h["shape"] | {name: size}}))
    refused(forged(lambda h: h | {"shape": dict.fromkeys(h["shape"], size) | {"fusion": "sum"}}))


def test_a_large_network_of_many_values_may_be_read(monkeypatch):
    monkeypatch.setattr(reading, "SMALL", 10)
    monkeypatch.setattr(reading, "TIMES", 1)
    assert from_bytes(GOOD).to_bytes() == GOOD  # it has fewer numbers than bytes


def stored(mask: torch.Tensor) -> tuple[str, dict[str, torch.Tensor]]:
    return store(torch.where(mask, 1.5, 0.0))


SPARSE = torch.arange(300) % 50 == 3
HALF = torch.arange(30) % 2 == 0


@pytest.mark.parametrize(
    ("mask", "kind", "change"),
    [
        (SPARSE, "index", lambda p: {"index": p["index"].int().flip(0).to(torch.uint16)}),
        (SPARSE, "index", lambda p: {"index": (p["index"].int() * 0).to(torch.uint16)}),
        (SPARSE, "index", lambda p: {"index": (p["index"].int() + 60).to(torch.uint16)}),
        (SPARSE, "index", lambda p: {"index": p["index"].int()}),
        (SPARSE, "index", lambda p: {"index": p["index"][:-1]}),
        (SPARSE, "index", lambda p: {"values": p["values"] * 0}),
        (HALF, "bits", lambda p: {"bits": p["bits"][:-1]}),
        (HALF, "bits", lambda p: {"bits": torch.cat([p["bits"], p["bits"]])}),
        (HALF, "bits", lambda p: {"bits": p["bits"] | 128}),
        (HALF, "bits", lambda p: {"bits": p["bits"].bool()}),
        (HALF, "bits", lambda p: {"values": p["values"][:-1]}),
        (HALF, "bits", lambda p: {"values": p["values"].double()}),
        (HALF, "bits", lambda p: {"more": p["values"]}),
        (~HALF | HALF, "whole", lambda p: {"values": p["values"][:1]}),
        (~HALF | HALF, "whole", lambda p: {"values": p["values"][None]}),
    ],
)
def test_parts_that_do_not_fit_each_other_are_refused(mask, kind, change):
    name, parts = stored(mask)
    assert name == kind
    assert torch.equal(restore(kind, parts, (len(mask),)), torch.where(mask, 1.5, 0.0))
    with pytest.raises(BadInput, match="storage"):
        restore(kind, parts | change(parts), (len(mask),))


RANKS = {
    "a rank twice": lambda r: r * 0,
    "a rank beyond": lambda r: r + 190,
    "fewer ranks": lambda r: r[:-1],
    "ranks in rows": lambda r: r[None],
}


@pytest.mark.parametrize("kind", RANKS)
def test_ranks_are_each_once_and_below_the_number_of_weights(kind):
    good = many_rates().to_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    text = json.loads(good[8 : 8 + length])["__metadata__"]["bandstop"]
    own = load(good)
    assert from_bytes(good).to_bytes() == good
    own["dense.ranks"] = RANKS[kind](own["dense.ranks"].int()).to(torch.uint16).contiguous()
    with pytest.raises(BadInput, match="ranks"):
        from_bytes(save(own, {"bandstop": text, "sha256": digest(text, own)}))
