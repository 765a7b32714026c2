"""A listing is read back as it was written, or refused by name."""

from __future__ import annotations

import json

import pytest

from bandstop.errors import BadInput
from bandstop.record import Listing, is_listing, read_listing, write_listing

LISTING = Listing("sbu-ctf", ("bandstop", "table", "sbu-ctf"), "2026-11-21", (0.5, 0.9), ("a", "b"))


def test_a_listing_is_found_in_its_folder_and_read_back(tmp_path):
    path = write_listing(tmp_path, LISTING)
    assert is_listing(path.name)
    assert not is_listing("record.json")
    assert read_listing(path) == LISTING


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda v: v | {"version": 9}, "listing of version 9"),
        (lambda v: {"runs": []}, "is not a listing"),
        (lambda v: v | {"runs": [1]}, r"damaged: runs\[0\] must be text"),
        (lambda v: v | {"rates": "all"}, r"damaged: rates must be a list"),
        (lambda v: [], "is not a listing"),
    ],
)
def test_a_listing_that_is_not_whole_is_refused(change, words, tmp_path):
    path = write_listing(tmp_path, LISTING)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(BadInput, match=words):
        read_listing(path)


def test_a_listing_that_is_no_json_is_refused(tmp_path):
    path = write_listing(tmp_path, LISTING)
    path.write_text("{")
    with pytest.raises(BadInput, match="is not valid JSON"):
        read_listing(path)
