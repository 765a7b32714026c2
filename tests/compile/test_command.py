"""`bandstop compile`, from the outside: files, exit codes, one clear sentence for what goes wrong."""

from __future__ import annotations

import json

import pytest
from making import bundle
from safetensors.torch import load, save

from bandstop.cli import main as cli
from bandstop.digest import digest


@pytest.fixture
def path(tmp_path):
    bundle().save(tmp_path / "net.bandstop")
    return tmp_path / "net.bandstop"


def test_it_writes_a_source_and_a_header_and_says_what_they_cost(path, tmp_path, capsys):
    assert cli.run(["compile", str(path), "--target", "c", "-o", str(tmp_path / "my-wave.c")]) == 0
    said = capsys.readouterr().out
    assert "proven" in said
    assert "filters" in said
    assert (tmp_path / "my_wave.h").read_text().count("my_wave_from_frames") == 2
    assert '#include "my_wave.h"' in (tmp_path / "my-wave.c").read_text()


def test_as_json_it_is_one_object(path, tmp_path, capsys):
    args = ["compile", str(path), "-o", str(tmp_path / "wave.c"), "--json"]
    assert cli.run(args) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["flash"] == sum(layer["flash"] for layer in made["layers"])
    assert made["files"] == [str(tmp_path / "wave.c"), str(tmp_path / "wave.h")]


def test_native_writes_nothing_beside_the_bundle(path, tmp_path, capsys):
    assert cli.run(["compile", str(path), "--target", "native"]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["net.bandstop"]


def test_native_with_a_file_is_refused(path, tmp_path, capsys):
    there = tmp_path / "there.c"
    assert cli.run(["compile", str(path), "--target", "native", "-o", str(there)]) == 2
    assert "leave -o out" in capsys.readouterr().err
    assert not there.exists()


def test_8_bit_weights_tell_what_they_cost(tmp_path, capsys):
    from bandstop import data
    from bandstop.bundle import Bundle
    from bandstop.data.describe import Description, describe
    from bandstop.data.normalise import Normalisation
    from bandstop.nn import Shape

    from .conftest import bundle_of

    found = data.load("synthetic:gestures")
    description = Description(found.skeleton, 2)
    nodes, features = description.size
    shape = Shape(2, nodes, features, 4, len(found.classes))
    b = bundle_of(shape, description, dict.fromkeys(shape.tensors, 0.5))
    fitted = Normalisation.of(describe(found.sequences[:20], description))
    Bundle(b.net, description, fitted, found.classes).save(tmp_path / "n.bandstop")
    args = ["compile", str(tmp_path / "n.bandstop"), "--int8", "-o", str(tmp_path / "n.c")]
    assert cli.run([*args, "--calibrate", "synthetic:gestures", "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["int8"]["recordings"] + made["int8"]["fitted"] <= len(found.sequences)
    assert "fitted to" in made["int8"]["held_out"]
    assert made["int8"]["same_class"] > 0.9


def test_calibration_goes_by_the_names_of_classes():
    from dataclasses import replace

    from bandstop import data
    from bandstop.bundle.export.loss import labelled

    found = data.load("synthetic:gestures")
    takes = [replace(found.sequences[0], label=2), replace(found.sequences[1], label=None)]
    takes += [replace(found.sequences[2], label=0)]
    theirs = replace(found, sequences=tuple(takes), folds=())
    classes = ("another", found.classes[2])
    assert [(s.name, s.label) for s in labelled(theirs, classes)] == [(takes[0].name, 1)]


def test_where_one_file_cannot_be_written_none_is(path, tmp_path, capsys):
    (tmp_path / "wave.c" / "full").mkdir(parents=True)
    before = sorted(tmp_path.iterdir())
    assert cli.run(["compile", str(path), "-o", str(tmp_path / "wave.c")]) == 2
    assert "is a folder with something in it" in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == before


def test_a_path_with_brackets_is_printed_whole(path, tmp_path, capsys):
    (tmp_path / "[x]").mkdir()
    assert cli.run(["compile", str(path), "-o", str(tmp_path / "[x]" / "wave.c")]) == 0
    assert f"written: {tmp_path}/[x]/wave.c" in capsys.readouterr().out


def from_the_future(path):
    content = path.read_bytes()
    tensors = load(content)
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["bandstop"])
    text = json.dumps({**header, "version": 99})
    path.write_bytes(save(tensors, {"bandstop": text, "sha256": digest(text, tensors)}))


@pytest.mark.parametrize(
    ("change", "args", "sentence", "code"),
    [
        ("", ["--target", "cc"], "target must be one of c, ", 2),
        ("", ["-o", "{folder}/wave.txt"], "the C target writes a .c file, not 'wave.txt'", 2),
        ("", ["-o", "{folder}/none/wave.c"], "none is not a folder", 2),
        ("", ["--rate", "0.5"], "designed for one rate", 2),
        ("", ["--calibrate", "synthetic:gestures"], "give --int8 with it", 2),
        ("future", [], "is a bundle of format 99", 2),
        ("gone", [], "cannot be read", 2),
        ("no compiler", [], "there is no C compiler", 1),
    ],
)
def test_what_cannot_work_is_one_clear_sentence(
    change, args, sentence, code, path, tmp_path, capsys, monkeypatch
):
    if change == "future":
        from_the_future(path)
    if change == "gone":
        path.unlink()
    if change == "no compiler":
        monkeypatch.delenv("CC", raising=False)
        monkeypatch.setattr("bandstop.compile.build.shutil.which", lambda name: None)
        monkeypatch.setattr("bandstop.compile.build.find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    given = [a.format(folder=tmp_path) for a in args]
    assert cli.run(["compile", str(path), *given]) == code
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
    assert not list(tmp_path.glob("*.c"))


def test_help_shows_examples(capsys):
    assert cli.run(["compile", "--help"]) == 0
    assert "bandstop compile net.bandstop" in capsys.readouterr().out


def test_a_suffix_that_no_target_writes_is_refused(tmp_path):
    from bandstop.errors import BadInput

    with pytest.raises(BadInput, match=r"export writes \.c"):
        bundle().export(tmp_path / "wave.exe")


def held(found, facts):
    from dataclasses import replace

    from bandstop.bundle.export.loss import held_out
    from bandstop.data.describe import Description
    from bandstop.nn import Shape

    from .conftest import bundle_of

    description = Description(found.skeleton, 2)
    shape = Shape(2, *description.size, 4, len(found.classes))
    b = bundle_of(shape, description, dict.fromkeys(shape.tensors, 0.5))
    return held_out(found, replace(b, classes=found.classes, facts=facts))


@pytest.mark.parametrize("own", [True, False])
def test_no_recording_that_the_scales_were_fitted_to_is_scored(own):
    from bandstop import data

    found = data.load("synthetic:gestures")
    fold = found.folds[1]
    facts = {"provenance": {"data": found.name if own else "another", "fold": fold.name}}
    parts = held(found, facts)
    fitted, scored = ({s.name for s in part} for part in (parts.fitted, parts.scored))
    assert fitted
    assert scored
    assert not fitted & scored
    train, test = ({s.name for s in found.subset(i)} for i in (fold.train, fold.test))
    assert (fitted <= train and scored == test) == own
    assert (f"training part of fold {fold.name}" in parts.words) == own
    assert ("may have been trained on" in parts.words) == (not own)


def test_a_single_recording_cannot_be_fitted_to_and_scored():
    from dataclasses import replace

    from bandstop import data
    from bandstop.errors import BadInput

    found = data.load("synthetic:gestures")
    one = replace(found, sequences=found.sequences[:1], folds=())
    with pytest.raises(BadInput, match="gives 1 and 0; add recordings"):
        held(one, {})


@pytest.mark.parametrize("command", ["compile", "inspect", "predict"])
def test_which_of_many_rates_is_taken_is_said_where_nobody_chose(command, tmp_path, capsys):
    import numpy as np

    from .test_elastic import ordinary

    b = ordinary()
    b.save(tmp_path / "many.bandstop")
    np.save(tmp_path / "take.npy", np.random.default_rng(0).normal(size=(9, b.skeleton.nodes, 3)))
    rest = {
        "compile": ["-o", str(tmp_path / "wave.c")],
        "inspect": [],
        "predict": [str(tmp_path / "take.npy")],
    }[command]
    args = [command, str(tmp_path / "many.bandstop"), *rest, "--json"]
    assert cli.run(args) == 0
    said = capsys.readouterr()
    assert f"taken is {b.order.lowest:g}, the lowest and largest" in said.err
    json.loads(said.out)
    if command != "predict":
        assert cli.run([*args, "--rate", "0.9"]) == 0
        assert "taken is" not in capsys.readouterr().err
