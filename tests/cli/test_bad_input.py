"""What a user gets wrong, and gets back: one clear sentence, exit code 2, and no traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from bandstop import data
from bandstop.budget import Budget
from bandstop.bundle.reading import from_bytes
from bandstop.cli import main as cli
from bandstop.digest import digest
from bandstop.errors import BadInput
from bandstop.job import design
from bandstop.record import Config, run_name

TOML = {
    "layer-rate of numbers": ("layer_rate = [1]", "layer-rate must be a list of texts, not (1,)"),
    "exempt of numbers": ("exempt = [1]", "exempt must be a list of texts, not (1,)"),
    "data as a number": ("data = 5", "data must be a text, not 5"),
    "data as a date": ("data = 1979-05-27", "data must be a text"),
    "rate as a text": ('rate = "0.9"', "rate must be a number, not '0.9'"),
    "rate as true": ("rate = false", "rate must be a number, not False"),
    "steps with a point": ("steps = 100.0", "steps must be a whole number, not 100.0"),
    "fold as a list": ("fold = [1, 2]", "fold must be a text, not [1, 2]"),
    "method as a list": ('method = ["pmp"]', "method must be a text"),
    "endless learning rate": ("learning_rate = inf", "learning-rate must be above 0 and finite"),
    "endless sharpness": ("sigma_end = inf", "sigma-end must be above 0 and finite"),
    "endless weight": ("alignment_weight = inf", "alignment-weight must be at least 0 and finite"),
}


@pytest.mark.parametrize("case", TOML)
def test_a_value_of_the_wrong_kind_in_a_file_is_named_with_what_it_must_be(case, tmp_path, capsys):
    line, sentence = TOML[case]
    file = tmp_path / "options.toml"
    file.write_text(line + "\n")
    assert cli.run(["design", "--config", str(file), "--runs", str(tmp_path / "runs")]) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "runs").exists()


def test_a_single_text_where_a_list_may_stand_is_one_item():
    assert Config(exempt="dense").exempt == ("dense",)  # type: ignore[arg-type]
    assert Config(layer_rate="dense=0.5").rates == {"dense": 0.5}  # type: ignore[arg-type]
    assert Config(fold=3).fold == "3"  # type: ignore[arg-type]


def test_a_layer_has_one_rate():
    with pytest.raises(BadInput, match="more than once for 'dense'; give it once"):
        Config(layer_rate=("dense=0.5", "dense=0.6"))


def test_a_layer_is_exempt_or_has_a_rate_not_both():
    with pytest.raises(BadInput, match="'dense' is exempt and has a rate of its own"):
        Budget(0.3, exempt=("dense",), rates={"dense": 0.5})


def test_what_is_wrong_in_kind_and_what_is_wrong_in_range_are_named_together():
    with pytest.raises(BadInput) as error:
        Config(data=5, rate=2.0, method="pmpp")  # type: ignore[arg-type]
    said = str(error.value)
    assert "data must be a text" in said
    assert "rate must be in [0, 1)" in said
    assert "did you mean 'pmp'" in said


def test_folds_whose_names_look_alike_in_a_file_name_are_different_runs():
    names = {run_name(Config(fold=fold), "0123456789") for fold in ("a/b", "a_b", "ä", "ö")}
    assert len(names) == 4
    assert all("/" not in name for name in names)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory) -> bytes:
    """A small bundle's content."""
    runs = tmp_path_factory.mktemp("runs")
    config = Config(steps=10, heads=2, filters=6, chunks=4, rate=0.8)
    design(config, runs)
    return next(runs.glob("*pmp*/net.bandstop")).read_bytes()


def forged(content: bytes, change) -> bytes:
    """The bundle after `change(header, tensors)`, with a checksum that fits."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["bandstop"])
    tensors = dict(load(content))
    text = change(header, tensors) or json.dumps(header, sort_keys=True)
    return save(tensors, {"bandstop": text, "sha256": digest(text, tensors)})


FORGERIES = {
    "nested beyond measure": lambda h, t: "[" * 100_000,
    "classes that no weight has": lambda h, t: h["shape"].update(classes=1000),
    "a network beyond any memory": lambda h, t: h["shape"].update(heads=10**6, outputs=10**6),
    "sizes beyond any integer": lambda h, t: h["shape"].update(heads=10**30),
    "a bias that is too short": lambda h, t: t.update(class_bias=t["class_bias"][:1]),
    "a mean of another type": lambda h, t: t.update(mean=t["mean"].double()),
    "many stds": lambda h, t: t.update(std=torch.ones(2)),
    "nan": lambda h, t: t.update(filter_bias=t["filter_bias"] * torch.nan),
    "joints that are not there": lambda h, t: t.update(joints=t["joints"] + 1000),
    "true as a version": lambda h, t: h.update(version=True),
    "no skeleton": lambda h, t: h.update(skeleton=None),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_bundle_is_refused_in_one_line(forgery, bundle):
    with pytest.raises(BadInput) as error:
        from_bytes(forged(bundle, FORGERIES[forgery]))
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_a_bundle_forged_without_a_change_is_accepted(bundle):
    assert from_bytes(forged(bundle, lambda h, t: None)).classes == from_bytes(bundle).classes


def in_a_shell(line: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`bandstop` as a process of its own; in the line it is called $BANDSTOP."""
    start = f"{sys.executable} -c 'from bandstop.cli.main import main; main()'"
    return subprocess.run(
        line.replace("$BANDSTOP", start),
        shell=True,
        capture_output=True,
        encoding="utf-8",
        env=os.environ | environment,
    )


@pytest.fixture
def recording(bundle, tmp_path):
    """A folder with a bundle and a recording."""
    (tmp_path / "net.bandstop").write_bytes(bundle)
    np.save(tmp_path / "wäve.npy", data.load("synthetic").sequences[0].positions)
    return tmp_path


def test_a_terminal_without_some_characters_gets_others_in_their_place(recording):
    done = in_a_shell(
        f"cd {recording} && $BANDSTOP predict net.bandstop w*.npy",
        LC_ALL="C",
        PYTHONIOENCODING="ascii",
    )
    assert done.returncode == 0, done.stderr
    assert "hugging" in done.stdout
    assert "##" in done.stdout


@pytest.mark.parametrize(("end", "code"), [(">&-", 0), ("2>&-", 0), ("| head -1", 0)])
def test_closed_output_is_no_traceback(end, code, recording):
    done = in_a_shell(f"cd {recording} && $BANDSTOP predict net.bandstop w*.npy {end}")
    assert done.returncode == code
    assert done.stderr == ""
