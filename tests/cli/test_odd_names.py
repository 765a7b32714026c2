"""Names and folders as nobody should choose them: every command does its work and says what it did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hostile import c_code
from making import SIDED, recordings

from bandstop.cli import main as cli
from bandstop.data import Dataset, Fold
from bandstop.data.formats.csv_folder import write_csv
from bandstop.text import printable

CLASSES = ("[/] end", "[red]stop", "$x^$ */ :fire: <b>|`")
SMALL = [
    "--steps",
    "3",
    "--heads",
    "1",
    "--filters",
    "3",
    "--chunks",
    "2",
    "--rate",
    "0.5",
    "--method",
]
FOLDER = b"a\xff *\\\nint x; [x]"
"""Bytes that are not UTF-8, and the end of a comment and of a line."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Where there are recordings, and runs on them made by the installed command, in a terminal that
    knows ASCII alone."""
    place = tmp_path_factory.mktemp("odd") / os.fsdecode(FOLDER)
    place.mkdir()
    takes = tuple(recordings(12))
    folds = (Fold("1", tuple(range(9)), tuple(range(9, 12))),)
    write_csv(Dataset("x", SIDED, CLASSES, takes, folds), place / "data")
    for method, figures in (("pmp", "--figures"), ("mrmp", "--no-figures")):
        code, out, err = in_a_process(
            place, "design", "--data", f"csv:{place}/data", *SMALL, method, "--runs", f"{place}/runs",
            figures, "--json", *(["--seen", "10,50"] if method == "mrmp" else []),
        )  # fmt: skip
        assert (code, "Traceback" in err) == (0, False), err
        json.dumps(json.loads(out.splitlines()[-1]), ensure_ascii=False).encode()
    return place


def in_a_process(place: Path, *arguments: str) -> tuple[int, str, str]:
    plain = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "LANG": "C"}
    done = subprocess.run(
        [sys.executable, "-c", "from bandstop.cli.main import main; main()", *arguments],
        capture_output=True, env=os.environ | plain, cwd=place,
    )  # fmt: skip
    return done.returncode, done.stdout.decode("ascii"), done.stderr.decode("ascii")


def said(capsys, *arguments: object) -> str:
    assert cli.run([str(a) for a in arguments]) == 0
    out = capsys.readouterr().out
    assert all(printable(c) or c == "\n" for c in out)
    return out


def test_predict_says_each_name_as_it_is(folder, capsys):
    (net,) = folder.glob("runs/*pmp*/net.bandstop")
    take = folder / "data" / "01.csv"
    out = said(capsys, "predict", net, take)
    assert all(name in out for name in CLASSES)
    values = json.loads(said(capsys, "predict", net, take, "--json"))
    assert tuple(values["probabilities"]) == CLASSES
    json.dumps(values, ensure_ascii=False).encode()


def test_the_doctor_says_each_name_as_it_is(folder, capsys):
    out = said(capsys, "data", "check", f"csv:{folder}/data")
    assert all(name in out for name in CLASSES)
    said(capsys, "data", "check", f"csv:{folder}/data", "--json")


@pytest.mark.parametrize(
    "target", ["c", "elastic", "onnx", pytest.param("wasm", marks=pytest.mark.slow)]
)
def test_compile_writes_the_right_files(target, folder, capsys, monkeypatch, tmp_path):
    if target == "onnx":
        pytest.importorskip("onnxruntime")
    if target == "wasm":
        pytest.importorskip("ziglang")
    monkeypatch.setenv("BANDSTOP_CACHE", str(folder / "cache"))
    (net,) = folder.glob("runs/*mrmp*/net.bandstop")
    suffix = {"c": "c", "elastic": "c"}.get(target, target)
    path = folder / target / f"w-\udcff [x].{suffix}"
    path.parent.mkdir()
    words = ["compile", str(net), "--target", target, "-o", str(path)]
    monkeypatch.setattr("sys.argv", ["bandstop", *words])
    out = said(capsys, *words)
    names = {path.name} | {"c": {"w____x_.h"}, "wasm": {path.with_suffix(".mjs").name}}.get(
        suffix, set()
    )
    assert {p.name for p in path.parent.iterdir()} == names
    assert r"w-\xff [x]" in out
    if suffix == "c":
        code = path.read_text("ascii")
        assert "int x" not in c_code(code)
        assert r"w-\xff [x].c" in code


def test_report_extract_and_figures_write_the_right_files(folder, capsys):
    (one,) = folder.glob("runs/*pmp*")
    out = said(capsys, "report", one, "-o", folder / "r\udcff.html")
    assert out.rstrip("\n").endswith(r"r\xff.html")
    page = (folder / "r\udcff.html").read_text("utf-8")
    assert "&lt;b&gt;" in page
    assert "<b>|" not in page
    said(capsys, "report", one, "-o", folder / "r\udcff.html", "--json")
    (net,) = folder.glob("runs/*mrmp*")
    said(capsys, "extract", net, "--rate", "0.3", "-o", folder / "s\udcff.bandstop")
    assert (folder / "s\udcff.bandstop").exists()


def test_a_finished_run_is_found_again(folder, capsys):
    words = ["design", "--data", f"csv:{folder}/data", *SMALL, "pmp", "--runs", f"{folder}/runs"]
    assert cli.run([*words, "--no-figures"]) == 0
    assert "is finished already" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["a\nerror: b", "\x1b[31mred", "\udcff", "[/]", "a\u202eb"])
def test_an_error_about_any_name_is_one_printable_line(name, capsys, tmp_path):
    for words in (
        ["predict", tmp_path / name, tmp_path / name],
        ["compile", tmp_path / name],
        ["report", tmp_path / name],
        ["figures", tmp_path / name],
        ["data", "check", tmp_path / name],
        ["design", "--config", tmp_path / name],
        ["design", "--data", f"csv:{tmp_path / name}"],
        ["design", "--quiet", "--fold", name],
        ["design", "--quiet", "--exempt", name],
        ["design", "--method", name],
        ["table", name],
        [name],
        ["predict", f"--{name}"],
    ):
        assert cli.run([str(w) for w in words]) == 2
        text = capsys.readouterr().err
        assert text.startswith("error: ")
        assert text.endswith("\n")
        assert text.count("\n") == 1
        assert all(map(printable, text[:-1]))
