"""No text gets out of where it stands in the code that is made: forged past every check, it stays a
comment or a string."""

from __future__ import annotations

import copy
import json
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hostile import ANYTHING, TRICKS, c_code, js_code
from hypothesis import given, settings
from making import bundle

from bandstop.compile import Options, compile_c
from bandstop.compile.c import text as c_text
from bandstop.compile.c.emit import emit
from bandstop.compile.cross import wasm
from bandstop.compile.elastic import Ranked
from bandstop.compile.elastic.emit import emit_elastic
from bandstop.compile.lower import lower
from bandstop.compile.onnx.model import model as onnx_model
from bandstop.compile.passes import EXACT, FoldNormalisation, run_passes
from bandstop.data.describe import Description
from bandstop.nn import Shape
from bandstop.text import shown

from .conftest import COMPILERS, WARNINGS, skeleton_of
from .many import many_of

c_emit, elastic_emit = (sys.modules[f.__module__] for f in (emit, emit_elastic))
PLAIN = "plain"
ONE = bundle()
MANY = many_of(Shape(2, 3, 6, 4, 3), Description(skeleton_of(3, 1), chunks=2), 0.2, 0.6)


def lowered(b, text):
    return lower(b.net, b.description, b.normalisation, (text, "b", "c"))


def in_c(text):
    shape = (ONE.net.nodes, ONE.net.all_features)
    graph = run_passes(lowered(ONE, text), Options().passes(shape))
    return emit(graph, "wave", {"command": text, "bundle": text}, text)


def in_elastic(text):
    ranks = {n: r.numpy() for n, r in MANY.order.ranks.items()}
    ranked = Ranked(ranks, MANY.order.weights, MANY.order.lowest, MANY.order.highest)
    graph = run_passes(lowered(MANY, text), (FoldNormalisation(),))
    return emit_elastic(graph, ranked, "wave", {"command": text}, text)


def in_loader(text):
    return wasm.loader_of((3, 6), (text, "b", "c"), text, text)


KINDS = {
    "C": (in_c, lambda made: made.source, (c_code, lambda t: c_code(t, True))),
    "header": (in_c, lambda made: made.header, (c_code, lambda t: c_code(t, True))),
    "elastic C": (in_elastic, lambda made: made.source, (c_code, lambda t: c_code(t, True))),
    "elastic header": (in_elastic, lambda made: made.header, (c_code, lambda t: c_code(t, True))),
    "JavaScript": (in_loader, str, (js_code,)),
}


def escapes(kind: str, text: str) -> bool:
    """Whether code depends on a text."""
    write, part, readings = KINDS[kind]
    made = part(write(text))
    return not made.isascii() or tuple(read(made) for read in readings) != without(kind)


@cache
def without(kind: str) -> tuple[str, ...]:
    """The code of a file whose texts are all harmless."""
    write, part, readings = KINDS[kind]
    plain = part(write(PLAIN))
    return tuple(read(plain) for read in readings)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(text=ANYTHING)
def test_code_is_the_same_whatever_the_texts_are(kind, text):
    assert not escapes(kind, text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", TRICKS)
def test_none_of_the_known_tricks_gets_out(kind, text):
    assert not escapes(kind, text)


PLANTED = {
    "the comment at the head": (c_text, "in_comment", str, "C"),
    "the unit in the header": (c_emit, "in_comment", str, "header"),
    "the names of classes": (c_emit, "in_c_string", '"{}"'.format, "C"),
    "the comment at the elastic head": (c_text, "in_comment", str, "elastic C"),
    "the unit in the elastic header": (elastic_emit, "in_comment", str, "elastic header"),
    "the loader's comment": (wasm, "in_comment", str, "JavaScript"),
    "the loader's classes": (
        wasm, "in_javascript", lambda names: "[" + ", ".join(f'"{n}"' for n in names) + "]", "JavaScript",
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", PLANTED)
def test_with_any_one_escape_taken_away_a_trick_gets_out(where, monkeypatch):
    module, name, instead, kind = PLANTED[where]
    monkeypatch.setattr(module, name, instead)
    assert any(escapes(kind, text) for text in TRICKS)


def test_every_class_is_read_back_from_c_and_from_javascript_as_it_was():
    for text in TRICKS:
        text = shown(text)
        quoted = re.search(r"wave_classes\[3\] = \{(\".*?\"), \"b\"", in_c(text).source)[1]
        said = re.sub(r"\\([0-7]{3})", lambda o: chr(int(o[1], 8)), quoted[1:-1])
        assert said.encode("latin-1").decode() == text
        names = re.search(r"export const classes = (.*);", in_loader(text))[1]
        assert json.loads(names) == [text, "b", "c"]


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("standard", ["c99", "c11", "gnu11"])
def test_compilers_warn_of_nothing_with_every_trick_at_once(compiler, standard, tmp_path):
    every = " ".join(TRICKS)
    for number, text in enumerate((every, every + "\\", every + "??/", every[::-1])):
        for name, made in ((f"a{number}", in_c(text)), (f"b{number}", in_elastic(text))):
            (tmp_path / f"{name}.c").write_text(made.source)
            (tmp_path / f"{made.name}.h").write_text(made.header)
            flags = [*WARNINGS, "-Wcomment", "-Wtrigraphs"]
            if standard == "c99":  # what else it says of C99 is not about texts
                flags = ["-Wall", "-Wextra", "-Werror", "-Wno-pedantic"]
            done = subprocess.run(
                [compiler, f"-std={standard}", *flags, "-fsyntax-only", f"{name}.c"],
                cwd=tmp_path, capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("node") is None, reason="node is missing")
def test_node_reads_the_loader_and_its_classes_with_every_trick(tmp_path):
    for number, text in enumerate(TRICKS):
        (tmp_path / f"{number}.mjs").write_text(in_loader(text), "utf-8")
    (tmp_path / "run.mjs").write_text(
        f"for (let i = 0; i < {len(TRICKS)}; i++)\n"
        "  console.log(JSON.stringify((await import(`./${i}.mjs`)).classes[0]))"
    )
    done = subprocess.run(["node", "run.mjs"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    whole = [text.replace("\udcff", r"\xff") for text in TRICKS]
    assert [json.loads(line) for line in done.stdout.rstrip("\n").split("\n")] == whole


@settings(max_examples=40)
@given(text=ANYTHING)
def test_an_onnx_model_is_the_same_but_for_its_metadata_and_passes_the_checker(text):
    onnx = pytest.importorskip("onnx")

    def parsed(text):
        graph = run_passes(lowered(ONE, text), EXACT)
        return onnx.load_from_string(onnx_model(graph, "wave", {"command": text}))

    made = parsed(text)
    assert {p.key: p.value for p in made.metadata_props} == {"command": shown(text)}
    assert made.graph == parsed(PLAIN).graph


def test_a_forged_unit_runs_nothing_when_it_is_compiled_loaded_and_called(tmp_path, monkeypatch):
    """As in the issue, past every check: the text stands in the C and is a comment."""
    pwned = tmp_path / "pwned"
    for begin in ("mm */\n", "mm *\\\n/\n"):
        unit = (
            f"{begin}#include <stdlib.h>\n__attribute__((constructor)) static void f(void)"
            f' {{ if (system("touch {pwned}")) {{}} }}\n/*'
        )
        forged = copy.deepcopy(bundle())
        object.__setattr__(forged.skeleton, "unit", unit)
        made, native, _ = compile_c(
            forged.net, forged.description, forged.normalisation, forged.classes,
            facts={"command": unit},
        )  # fmt: skip
        native.frames(np.ones((4, forged.skeleton.nodes, 3)))
        assert "__attribute__((constructor))" in made.header
        assert not pwned.exists()


def test_the_same_when_it_is_cross_compiled_to_a_loader(tmp_path):
    pwned = tmp_path / "pwned"
    run = f'import("node:fs").then(fs => fs.writeFileSync({str(pwned)!r}, ""))'
    for begin in ("mm\n", "mm\r", "mm\u2028", "mm\u2029"):
        (tmp_path / "net.mjs").write_text(
            wasm.loader_of((3, 6), ("a", "b"), f"{begin}{run} //", begin + run), "utf-8"
        )
        if shutil.which("node"):
            subprocess.run(["node", "net.mjs"], cwd=tmp_path, check=True)
        assert not pwned.exists()


def test_a_folder_whose_name_leaves_the_comment_stays_in_it(tmp_path, monkeypatch):
    from bandstop.cli.main import run

    folder = tmp_path / "a*\\\nint x = 1;"
    folder.mkdir()
    bundle().save(folder / "net.bandstop")
    monkeypatch.setattr("sys.argv", ["bandstop", "compile", str(folder / "net.bandstop")])
    assert run(["compile", str(folder / "net.bandstop"), "-o", str(folder / "w.c")]) == 0
    made = Path(folder / "w.c").read_text()
    assert r"a*\\\x0aint x = 1;/net.bandstop" in made
    assert "int x" not in c_code(made)
