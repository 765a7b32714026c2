"""A bundle goes from frames to class names, and through a file without any change."""

from __future__ import annotations

import errno
import os
import pickletools

import numpy as np
import pytest
import torch
from making import FUSIONS, SIDED, bundle, recordings

from bandstop.bundle import Bundle, load_bundle
from bandstop.bundle.reading import from_bytes
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput, Failure


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("keep", [0.0, 0.02, 0.3, 1.0])
@pytest.mark.parametrize("view", ["facing", "camera"])
def test_a_bundle_read_back_is_the_one_written_bit_for_bit(fusion, keep, view, tmp_path):
    written = bundle(fusion, keep, view=view)
    path = tmp_path / "net.bandstop"
    written.save(path)
    read = load_bundle(path)
    one, other = written.net.state_dict(), read.net.state_dict()
    assert one.keys() == other.keys()
    assert all(torch.equal(one[k], other[k]) for k in one)
    assert read.description == written.description
    assert torch.equal(read.normalisation.mean, written.normalisation.mean)
    assert torch.equal(read.normalisation.std, written.normalisation.std)
    assert read.classes == written.classes
    assert read.facts == written.facts
    assert read.net.shape == written.net.shape
    for take in recordings():
        assert read.predict(take) == written.predict(take)


def test_one_network_is_one_file_byte_by_byte_also_when_it_is_read_and_written_again():
    content = bundle().to_bytes()
    assert all(bundle().to_bytes() == content for _ in range(10))
    assert from_bytes(content).to_bytes() == content
    assert bundle().bytes == len(content)


def test_fewer_weights_make_a_smaller_file():
    assert bundle(keep=0.05).bytes < bundle(keep=0.3).bytes < bundle(keep=1.0).bytes


def test_a_bundle_holds_no_pickle():
    content = bundle().to_bytes()
    with pytest.raises(ValueError, match=r"."):
        list(pickletools.genops(content))


def test_probabilities_are_named_sum_to_1_and_the_label_is_the_most_probable():
    ready = bundle()
    for take in recordings():
        said = ready.predict(take)
        assert set(said.probabilities) == {"wave", "push", "bow"}
        assert sum(said.probabilities.values()) == pytest.approx(1, abs=1e-6)
        assert said.probabilities[said.label] == max(said.probabilities.values())


def test_positions_alone_are_predicted_as_a_recording_of_them_is():
    ready, (take, *_) = bundle(), recordings()
    assert ready.predict(take.positions) == ready.predict(take)


def test_a_recording_alone_is_predicted_as_it_is_among_others():
    ready, takes = bundle(), recordings()
    together = ready.net(ready.signal(takes)).argmax(1)
    assert [ready.predict(take).label for take in takes] == [ready.classes[i] for i in together]


@pytest.mark.parametrize(
    ("positions", "said"),
    [
        (np.zeros((5, 4, 3)), "has 4 nodes, but the network reads 6"),
        (np.zeros((1, 6, 3)), "at least 2 frames"),
        (np.zeros((5, 6)), r"must be \(frames, nodes, 3\)"),
        (np.full((5, 6, 3), np.nan), "must be finite"),
    ],
)
def test_a_recording_that_does_not_fit_is_refused(positions, said):
    with pytest.raises(BadInput, match=said):
        bundle().predict(positions)


@pytest.mark.parametrize("change", ["chunks", "normalisation", "classes"])
def test_parts_that_do_not_fit_together_make_no_bundle(change):
    good = bundle()
    parts = {
        "net": good.net,
        "description": good.description,
        "normalisation": good.normalisation,
        "classes": good.classes,
    }
    parts |= {
        "chunks": {"description": Description(SIDED, chunks=3)},
        "normalisation": {"normalisation": Normalisation(torch.zeros(5, 6), torch.tensor([1.0]))},
        "classes": {"classes": ("wave", "push")},
    }[change]
    with pytest.raises(BadInput, match="its description asks for"):
        Bundle(**parts)


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_where_a_bundle_cannot_be_written_it_is_a_failure_and_nothing_is_left(
    tmp_path, monkeypatch, call, number
):
    def refuse(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(Failure, match=os.strerror(number)):
        bundle().save(tmp_path / "net.bandstop")
    monkeypatch.undo()
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_missing_is_refused_by_name(tmp_path):
    with pytest.raises(BadInput, match="none is not a folder"):
        bundle().save(tmp_path / "none" / "net.bandstop")
