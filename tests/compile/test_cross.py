"""Other machines: what is built for them computes the same, run in node and in emulators."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess

import numpy as np
import pytest
from making import FUSIONS, bundle

from bandstop.bundle.export import to_machine
from bandstop.bundle.export.cross import to_wasm
from bandstop.cli import main as cli
from bandstop.compile import check_signals
from bandstop.compile.cross import MACHINES, objects, wasm, zig
from bandstop.errors import BadInput, Failure

ZIG = pytest.mark.skipif(importlib.util.find_spec("ziglang") is None, reason="ziglang is missing")
NODE = pytest.mark.skipif(shutil.which("node") is None, reason="node is missing")
IMPORTING = b"\0asm\1\0\0\0" + bytes([2, 3, 1, 0, 0])
FRAMES = r"""
import { readFileSync } from "node:fs";
import { load, classes, nodes } from "./wave.mjs";
const net = await load(readFileSync("wave.wasm"));
const frames = new Float32Array(20 * nodes * 3).map((_, i) => Math.sin(i) + i / 50);
const said = net.predict(frames);
if (!classes.includes(said.label)) throw new Error(said.label);
for (const bad of [[NaN, 20], [Infinity, 20], [0, 1]])
  try {
    net.predict(new Float32Array(bad[1] * nodes * 3).fill(bad[0]));
    throw new Error("no error for " + bad);
  } catch (error) { if (!/recording/.test(error.message)) throw error; }
console.log([...said.probabilities].join(" "));
"""


@pytest.mark.slow
@ZIG
@NODE
@pytest.mark.parametrize("fusion", FUSIONS)
def test_the_wasm_module_imports_nothing_and_agrees_under_node(fusion, tmp_path):
    b = bundle(fusion, keep=0.7)
    made = b.export(tmp_path / "wave.wasm")
    assert sorted(p.name for p in made.files) == ["wave.mjs", "wave.wasm"]
    assert "here and as WebAssembly: relative error" in made.proof
    assert wasm.imports((tmp_path / "wave.wasm").read_bytes()) == 0
    (tmp_path / "run.mjs").write_text(FRAMES)
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    n = 20 * b.skeleton.nodes * 3
    frames = (np.sin(np.arange(n)) + np.arange(n) / 50).astype(np.float32)
    meant = b.predict(frames.reshape(20, -1, 3)).probabilities
    found = [float(p) for p in done.stdout.split()]
    assert found == pytest.approx(list(meant.values()), abs=1e-4)


@pytest.mark.slow
@ZIG
@pytest.mark.parametrize("machine", MACHINES)
def test_an_object_file_agrees_in_the_emulator(machine, tmp_path):
    if shutil.which(MACHINES[machine].emulator) is None:
        pytest.skip(f"{MACHINES[machine].emulator} is missing; apt-get install qemu-user-static")
    made = to_machine(bundle(keep=0.7), tmp_path / "wave.c", machine)
    assert [p.name for p in made.files] == ["wave.c", "wave.h", f"wave.{machine}.o"]
    assert f"here and on {MACHINES[machine].target}: relative error" in made.proof
    assert (tmp_path / f"wave.{machine}.o").read_bytes()[:4] == b"\x7fELF"


@pytest.fixture
def without_building(monkeypatch):
    """What ziglang would give, at once."""
    for module in (objects, wasm):
        monkeypatch.setattr(module, "built", lambda *a: b"\0asm\1\0\0\0")


def test_where_the_emulator_is_missing_the_proof_says_so(without_building, tmp_path, monkeypatch):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda n: None if "qemu" in n else which(n))
    made = to_machine(bundle(), tmp_path / "wave.c", "aarch64")
    assert "qemu-aarch64-static is not installed" in made.proof


def test_where_node_is_missing_the_proof_says_so(without_building, tmp_path, monkeypatch):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda n: None if n == "node" else which(n))
    assert "node is not installed" in bundle().export(tmp_path / "wave.wasm").proof


def test_the_loader_names_the_files_as_they_are_called(without_building, tmp_path, monkeypatch):
    which = shutil.which
    monkeypatch.setattr(shutil, "which", lambda n: None if n == "node" else which(n))
    bundle().export(tmp_path / "my-wave.wasm")
    assert 'from "./my-wave.mjs"' in (tmp_path / "my-wave.mjs").read_text()


def test_a_module_that_imports_something_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr(wasm, "built", lambda *a: IMPORTING)
    with pytest.raises(Failure, match="would import 1 functions"):
        bundle().export(tmp_path / "wave.wasm")
    assert not list(tmp_path.iterdir())


def test_a_machine_that_computes_something_else_is_a_failure(
    without_building, tmp_path, monkeypatch
):
    monkeypatch.setattr(shutil, "which", lambda n: f"/usr/bin/{n}")
    wrong = lambda command, classes: lambda s: np.ones((len(s), classes))  # noqa: E731
    monkeypatch.setattr(objects, "in_emulator", wrong)
    with pytest.raises(Failure, match="here and on aarch64-linux-musl disagree"):
        to_machine(bundle(keep=0.7), tmp_path / "wave.c", "aarch64")
    assert not list(tmp_path.iterdir())


def test_an_emulator_that_fails_is_a_failure():
    signals = check_signals(2, 3, 2)
    with pytest.raises(Failure, match="ended with 3"):
        objects.in_emulator(("sh", "-c", "exit 3"), 4)(signals)
    with pytest.raises(Failure, match="could not be run"):
        objects.in_emulator(("no-such-emulator",), 4)(signals)


def test_where_ziglang_is_missing_it_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("bandstop.compile.cross.toolchain.find_spec", lambda name: None)
    with pytest.raises(Failure, match=r"pip install 'bandstop\[cross\]'"):
        zig()
    with pytest.raises(Failure, match="ziglang"):
        bundle().export(tmp_path / "wave.wasm")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--cross", "arm64"], "must be one of aarch64, armv7, riscv64, not 'arm64'"),
        (["--cross", "aarch64", "--target", "wasm"], "leave one of them out"),
        (["--target", "wsm"], "did you mean 'wasm'?"),
        (["--target", "wasm", "-o", "wave.js"], ".wasm"),
        (["--target", "elastic"], "method mrmp"),
        (["--target", "onnx", "--int8"], "not for onnx"),
    ],
)
def test_what_cannot_be_is_one_clear_sentence(arguments, words, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bundle().save("net.bandstop")
    assert cli.run(["compile", "net.bandstop", *arguments]) == 2
    said = capsys.readouterr().err
    assert words in said
    assert said.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["net.bandstop"]


def test_a_wasm_target_of_another_suffix_is_refused(tmp_path):
    with pytest.raises(BadInput, match=r"\.wasm file"):
        to_wasm(bundle(), tmp_path / "wave.js", "a test")
