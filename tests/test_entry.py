"""Every door that a stranger's text comes in by refuses the same texts, in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from making import SIDED, bundle, recordings
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors

from bandstop.bundle import load_bundle
from bandstop.bundle.reading import from_bytes
from bandstop.cli.main import run
from bandstop.data import Dataset, Sequence, load
from bandstop.data.formats.csv_folder import write_csv
from bandstop.data.sequence import Fold
from bandstop.digest import digest
from bandstop.errors import BadInput
from bandstop.record import Config, Listing, Record, read_record
from bandstop.skeleton import Skeleton

BAD = {
    "a line break": "mm\nb", "a return": "a\r", "a line separator": "a\u2028b", "next line": "a\x85b",
    "a control sequence": "\x1b[31m", "zero": "a\0b", "half a character": "\ud800", "a stray byte": "\udcff",
    "writing turned round": "a\u202eb", "a mark of byte order": "\ufeffa", "too long": "x" * 5000,
}  # fmt: skip
GOOD = "a*/]b [/] $x^$ <c> 左 \U0001f469\u200d\U0001f680"


def dataset(name="x", classes=("a", "b", "c"), sequences=None) -> Dataset:
    return Dataset(name, SIDED, classes, tuple(sequences or recordings(4)), ())


def record(**changed) -> Record:
    empty = {
        "config": Config().to_dict(), "data": {"name": "x", "classes": ["a"]}, "skeleton": SIDED.to_dict(),
        "environment": {"processor": "x"}, "history": [], "result": {"method": "pmp"}, "confusion": [],
        "latents": {}, "masks": {}, "live_nodes": [],
    }  # fmt: skip
    return Record(**empty | changed)


def listing(**changed) -> Listing:
    return Listing(**{"table": "t", "command": (), "date": "d", "rates": (), "runs": ()} | changed)


DOORS = {
    "skeleton's name": lambda t: replace(SIDED, name=t),
    "skeleton's joint": lambda t: replace(SIDED, joints=(t, "b", "c")),
    "skeleton's unit": lambda t: replace(SIDED, unit=t),
    "skeleton's source": lambda t: replace(SIDED, source=t),
    "skeleton of a file": lambda t: Skeleton.from_dict(SIDED.to_dict() | {"unit": t}),
    "sequence's name": lambda t: Sequence(t, recordings(1)[0].positions),
    "sequence's group": lambda t: Sequence("x", recordings(1)[0].positions, group=t),
    "fold's name": lambda t: Fold(t, (0,), (1,)),
    "data set's name": lambda t: dataset(name=t),
    "data set's class": lambda t: dataset(classes=(t, "b", "c")),
    "bundle's class": lambda t: replace(bundle(), classes=(t, "b", "c")),
    "bundle's fact": lambda t: replace(bundle(), facts={"a": [{"b": t}]}),
    "bundle's key of a fact": lambda t: replace(bundle(), facts={t: 1}),
    "option fold": lambda t: Config(fold=t),
    "option exempt": lambda t: Config(exempt=(t,)),
    "listing's date": lambda t: listing(date=t),
    "record's class": lambda t: record(data={"name": "x", "classes": [t]}),
    "record's skeleton": lambda t: record(skeleton={"unit": t}),
    "record's processor": lambda t: record(environment={"processor": t}),
    "record's method": lambda t: record(result={"method": t}),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_printable_line_is_refused_at_every_door(door, kind):
    with pytest.raises(BadInput) as error:
        DOORS[door](BAD[kind])
    assert str(error.value).isprintable()
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("door", DOORS)
def test_a_printable_line_of_any_language_and_of_every_language_of_ours_passes(door):
    DOORS[door](GOOD)


@pytest.mark.parametrize("value", [None, 3, ["a"], {"a": 1}, True])
@pytest.mark.parametrize("key", ["name", "unit", "source"])
def test_a_number_where_a_skeleton_has_text_is_refused(key, value):
    with pytest.raises(BadInput, match=r"must be (a )?text"):
        Skeleton.from_dict(SIDED.to_dict() | {key: value})


def exploit(pwned: Path) -> str:
    return (
        "mm */\n#include <stdlib.h>\n__attribute__((constructor)) static void f(void)"
        f' {{ if (system("touch {pwned}")) {{}} }}\n/*'
    )


def forged(change) -> bytes:
    """A bundle by hand, with a right checksum."""
    good = bundle().to_bytes()
    tensors = load_tensors(good)
    length = int.from_bytes(good[:8], "little")
    header = json.loads(json.loads(good[8 : 8 + length])["__metadata__"]["bandstop"])
    change(header)
    text = json.dumps(header, sort_keys=True)
    return save_tensors(tensors, {"bandstop": text, "sha256": digest(text, tensors)})


def test_a_bundle_forged_by_hand_is_refused_before_anything_is_compiled(tmp_path, capsys):
    pwned, path = tmp_path / "pwned", tmp_path / "net.bandstop"
    path.write_bytes(forged(lambda header: header["skeleton"].update(unit=exploit(pwned))))
    for command in (
        ["compile", "-o", str(tmp_path / "w.c")],
        ["inspect"],
        ["bench", "--rounds", "1"],
    ):
        assert run([command[0], str(path), *command[1:]]) == 2
        said = capsys.readouterr().err
        assert "unit must be one printable line" in said
        assert said.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", BAD)
def test_a_forged_name_anywhere_in_a_bundle_is_refused(kind):
    bad = BAD[kind]
    for change in (
        lambda header: header.update(classes=[bad, "b", "c"]),
        lambda header: header["skeleton"].update(name=bad),
        lambda header: header["skeleton"].update(joints=[bad, "b", "c"]),
        lambda header: header["facts"].update(method=bad),
    ):
        with pytest.raises(BadInput):
            from_bytes(forged(change))


def test_a_folder_of_csv_whose_unit_is_a_program_is_refused(tmp_path, capsys):
    pwned, folder = tmp_path / "pwned", tmp_path / "data"
    write_csv(dataset(), folder)
    values = json.loads((folder / "skeleton.json").read_text())
    (folder / "skeleton.json").write_text(json.dumps(values | {"unit": exploit(pwned)}))
    with pytest.raises(BadInput, match="unit must be one printable line"):
        load("csv", folder)
    assert run(["design", "--data", f"csv:{folder}", "--runs", str(tmp_path / "runs")]) == 2
    assert "unit must be one printable line" in capsys.readouterr().err
    assert not pwned.exists()


def test_names_in_an_index_that_cannot_be_printed_are_named_with_their_line(tmp_path):
    folder = tmp_path / "data"
    write_csv(dataset(), folder)
    index = (folder / "index.csv").read_text()
    (folder / "index.csv").write_text(index.replace("take 1", "take\x1b[31m"))
    with pytest.raises(BadInput, match=r"index\.csv, line 3: .*U\+001B"):
        load("csv", folder)


def test_a_record_file_with_half_a_character_in_a_class_is_one_sentence(tmp_path):
    path = tmp_path / "record.json"
    values = json.loads(record().to_json())
    values["data"]["classes"] = ["\ud800"]
    path.write_text(json.dumps(values))
    with pytest.raises(
        BadInput, match=r"record\.json is .*(printable line|half a character)"
    ) as error:
        read_record(path)
    assert str(error.value).isprintable()


def test_a_recording_of_an_odd_file_name_is_read_under_a_name_that_can_be_printed(tmp_path):
    from bandstop.data.formats.single import read_one

    path = tmp_path / "a\n\udcff.npy"
    np.save(path, recordings(1)[0].positions)
    assert read_one(path, SIDED).name.endswith(r"a\n\xff.npy")


def test_a_bundle_in_a_folder_of_odd_bytes_is_saved_and_loaded(tmp_path):
    path = tmp_path / "a\n\udcff" / "net\udcfe.bandstop"
    path.parent.mkdir()
    bundle().save(path)
    assert load_bundle(path).classes == bundle().classes
