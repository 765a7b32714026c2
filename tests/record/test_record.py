"""Records: whole, or refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays

from bandstop.errors import BadInput
from bandstop.record import Config, Record, pack, read_record, unpack, write_record

OPTIONS = Config(rate=0.7, exempt=("dense",), heads=1, filters=1, chunks=1, features="positions")
SHAPES = {"attention": (1, 3, 3), "filters": (1, 3, 1), "dense": (1, 3, 2)}


def a_record() -> Record:
    figures = dict.fromkeys(
        ("macs_dense", "macs", "macs_sparse", "bytes_dense", "bytes", "weights", "weights_kept"), 7
    )
    return Record(
        config=OPTIONS.to_dict(),
        data={"name": "synthetic", "fingerprint": "ab", "classes": ["wave", "push"]},
        skeleton={"name": "hand"},
        environment={"torch": "2"},
        history=[{"epoch": 0.0, "loss": 1.5}],
        result=figures | {
            "method": "pmp", "rate_target": 0.7, "rate": 0.7, "accuracy": 0.75, "accuracy_dense": 1.0,
            "seconds": 1.5, "run": "runs/one",
        },
        confusion=[[3, 1], [0, 4]],
        latents={"edges": [0.0, 1.0], "counts": {"dense": [5]}},
        masks={name: pack(np.arange(np.prod(s)).reshape(s) % 2 == 0) for name, s in SHAPES.items()},
        live_nodes=[0, 2],
    )  # fmt: skip


def test_a_record_read_back_is_the_one_written(tmp_path):
    record = a_record()
    write_record(tmp_path / "record.json", record)
    again = read_record(tmp_path / "record.json")
    assert again == record
    assert again.options == OPTIONS
    assert unpack(again.masks["dense"]).tolist() == [[[True, False], [True, False], [True, False]]]


@given(arrays.arrays(bool, arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=9)))
def test_masks_are_packed_and_unpacked_whatever_their_shape(mask):
    packed = json.loads(json.dumps(pack(mask)))
    assert np.array_equal(unpack(packed), mask)
    assert unpack(packed).shape == mask.shape


@pytest.mark.parametrize("name", [f.name for f in fields(Record)])
def test_a_record_without_one_of_its_parts_is_refused_by_name(tmp_path, name):
    values = json.loads(a_record().to_json())
    del values[name]
    path = tmp_path / "record.json"
    path.write_text(json.dumps(values))
    with pytest.raises(BadInput, match="is not a record" if name == "version" else name):
        read_record(path)


def test_a_record_with_a_part_that_is_not_known_is_refused_by_name(tmp_path):
    path = tmp_path / "record.json"
    path.write_text(json.dumps(json.loads(a_record().to_json()) | {"surprise": 1}))
    with pytest.raises(BadInput, match="surprise"):
        read_record(path)


@pytest.mark.parametrize("version", [0, 99, "1", None])
def test_a_record_of_another_version_is_refused_with_both_versions(tmp_path, version):
    path = tmp_path / "record.json"
    write_record(path, replace(a_record(), version=version))
    with pytest.raises(BadInput, match=r"of version .* reads version"):
        read_record(path)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"3", b'"text"', b"\xff\xfe", b"\x00" * 50, b"[" * 100_000],
)
def test_what_is_no_record_is_refused(tmp_path, content):
    path = tmp_path / "record.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=r"record\.json"):
        read_record(path)


def test_a_record_cut_short_anywhere_is_refused(tmp_path):
    text = a_record().to_json()
    path = tmp_path / "record.json"
    for length in range(0, len(text) - 1, 37):
        path.write_text(text[:length])
        with pytest.raises(BadInput):
            read_record(path)


def test_a_record_that_is_missing_is_refused_with_its_name(tmp_path):
    with pytest.raises(BadInput, match=r"nothing\.json cannot be read"):
        read_record(tmp_path / "nothing.json")
