"""The generated C under other compilers, standards, languages and widths: no warning, the same answers.

A compiler or C library that is not there is a skip with its name; CI has them all.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from making import bundle

from bandstop.bundle.export.elastic import compiled_elastic
from bandstop.compile import CSource, check_signals, lower, run
from bandstop.data.describe import Description
from bandstop.nn import Shape

from .conftest import WARNINGS, skeleton_of, source_of
from .engines import ANSWERS, answers, signals_of
from .many import many_of
from .test_c import CHOICES, EXERCISE

MACHINES = {
    "64 bits": ("-m64",),
    "32 bits without SSE": ("-m32",),
    "32 bits with SSE": ("-m32", "-msse2", "-mfpmath=sse"),
    "this processor": ("-m64", "-march=native"),
    "plain C": ("-m64", "-DBANDSTOP_PLAIN_C"),
}
STANDARDS = ("c99", pytest.param("c17", marks=pytest.mark.slow), "c++17")
"""C11 is in test_c and test_elastic, and C17 is its corrected print."""


@functools.cache
def missing(compiler: str, machine: str, standard: str) -> str:
    """Why this cannot be tried here; empty where it can."""
    if not shutil.which(compiler):
        return f"{compiler} is not installed"
    header = "cmath" if standard == "c++17" else "math.h"
    program = f"#include <{header}>\nint main() {{ return 0; }}\n"
    done = subprocess.run(
        [compiler, *language(standard), *MACHINES[machine], "-", "-o", "/dev/null", "-lm"],
        input=program, capture_output=True, text=True,
    )  # fmt: skip
    said = done.stderr.partition("\n")[0]
    return f"{compiler} {' '.join(MACHINES[machine])} {standard} cannot: {said}" if said else ""


def language(standard: str) -> tuple[str, ...]:
    return (f"-std={standard}", "-x", "c++" if standard.startswith("c++") else "c")


def need(compiler: str, machine: str, standard: str) -> None:
    why = missing(compiler, machine, standard)
    if why:
        pytest.skip(why)


@pytest.fixture(scope="module")
def sources() -> dict[str, CSource]:
    """One of every kind of file: each order and storage, 8 bits, without a front that turns, elastic."""
    found = {
        f"kind{i}": source_of(bundle(("sum", "concat")[i % 2]), choice)
        for i, choice in enumerate(CHOICES)
    }
    single = Description(skeleton_of(9, 1), 2, view="camera")
    ranked = many_of(Shape(3, 9, 6, 8, 5), single, 0.4, 0.9)
    found["elastic"] = compiled_elastic(ranked, "wave", "a test")[0]
    return found


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_no_warning_in_any_language(compiler, machine, standard, sources, tmp_path):
    need(compiler, machine, standard)
    for name, source in sources.items():
        (tmp_path / f"{name}.c").write_text(source.source.replace("wave.h", f"{name}.h"))
        (tmp_path / f"{name}.h").write_text(source.header)
    flags = (*language(standard), *WARNINGS, *MACHINES[machine], "-O0", "-c")
    files = [f"{name}.c" for name in sources]
    done = subprocess.run([compiler, *flags, *files], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:3000]


FAULTS = {
    "a name that hides another": (
        "static float *aligned(void *scratch)\n{",
        "{ int vec = 0; (void)vec;",
    ),
    "a float made a double": (
        "answer->label = label;",
        "answer->label = label; sum = (float)(sum * 1.0);",
    ),
    "what C99 does not know": ("#define FINITE", "_Alignas(64) static int x;\n#define FINITE"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_warning_is_seen(fault, sources, tmp_path):
    """The guard: the flags refuse each of these."""
    need("gcc", "64 bits", "c99")
    old, new = FAULTS[fault]
    new = new if new.startswith(("answer", "_")) else old + new
    source = sources["kind0"]
    (tmp_path / "wave.c").write_text(source.source.replace(old, new))
    (tmp_path / "wave.h").write_text(source.header)
    assert old in source.source
    flags = (*language("c99"), *WARNINGS, "-c")
    done = subprocess.run(["gcc", *flags, "wave.c"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0


def program(
    folder: Path, source: CSource, main: str, compiler: str, flags: tuple[str, ...]
) -> Path:
    """A program of the file and a main, in one language."""
    for name, text in {
        "wave.c": source.source, "wave.h": source.header, "main.c": main,
    }.items():  # fmt: skip
        (folder / name).write_text(text)
    done = subprocess.run(
        [compiler, *flags, "wave.c", "main.c", "-o", "program", "-lm"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "program"


@pytest.mark.parametrize(
    ("compiler", "machine", "standard"),
    [
        ("gcc", "32 bits without SSE", "c11"),
        ("gcc", "32 bits without SSE", "c99"),
        ("gcc", "32 bits with SSE", "c17"),
        ("clang", "32 bits without SSE", "c11"),
        ("gcc", "64 bits", "c++17"),
        ("clang", "64 bits", "c++17"),
        ("gcc", "plain C", "c99"),
    ],
)
@pytest.mark.parametrize("choice", [0, 2, 3, 7])
def test_everywhere_it_computes_the_same(compiler, machine, standard, choice, tmp_path):
    """Also where the processor's own registers are wider than a float (32 bits without SSE)."""
    need(compiler, machine, standard)
    b = bundle(("sum", "concat")[choice % 2])
    flags = (*language(standard), *MACHINES[machine], "-O2")
    made = program(tmp_path, source_of(b, CHOICES[choice]), ANSWERS, compiler, flags)
    graph = CHOICES[choice].arranged(
        lower(b.net, b.description, b.normalisation, b.classes), (b.net.nodes, b.net.all_features)
    )
    signals = check_signals(b.net.nodes, b.net.all_features, 20)
    expected = np.stack([run(graph, "signal", s)["logits"] for s in signals])
    found = answers(made, signals_of(signals), len(b.classes))
    assert [f.code for f in found] == [0] * len(signals)
    logits = np.stack([f.logits for f in found])
    assert np.abs(logits - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", ["kind0", "kind3", "elastic"])
@pytest.mark.parametrize(
    ("compiler", "machine"),
    [("gcc", "64 bits"), ("clang", "this processor"), ("gcc", "32 bits without SSE")],
)
def test_every_promise_and_every_misuse_under_sanitizers(
    compiler, machine, name, sources, tmp_path
):
    need(compiler, machine, "c11")
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O0", "-g")
    made = program(
        tmp_path, sources[name], EXERCISE, compiler, (*language("c11"), *MACHINES[machine], *flags)
    )
    done = subprocess.run([made], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "kept\n"), done.stdout + done.stderr


def test_the_header_is_included_from_cxx_beside_the_file_compiled_as_c(sources, tmp_path):
    need("gcc", "64 bits", "c++17")
    source = sources["kind0"]
    for name, text in {"wave.c": source.source, "wave.h": source.header, "main.cpp": CXX}.items():
        (tmp_path / name).write_text(text)
    for command in (
        ["gcc", "-std=c99", "-c", "wave.c"],
        ["g++", "-std=c++17", *WARNINGS, "main.cpp", "wave.o", "-o", "program", "-lm"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    assert subprocess.run([tmp_path / "program"]).returncode == 0


CXX = r"""
#include "wave.h"
#include <vector>
int main()
{
    std::vector<char> scratch(WAVE_SCRATCH_BYTES);
    std::vector<float> frames(4 * WAVE_FRAME_FLOATS, 1.0f);
    for (std::size_t i = 0; i < frames.size(); i++) frames[i] = static_cast<float>(i % 7);
    wave_answer answer;
    const int code = wave_from_frames(frames.data(), 4, WAVE_NODES, scratch.data(), scratch.size(), &answer);
    return code || answer.label < 0 || !wave_classes[answer.label];
}
"""


def test_a_check_that_is_left_out_is_seen(sources, tmp_path):
    """The guard: without the look at the mark, a stream that was never begun is used."""
    source = sources["kind0"]
    worse = source.source.replace("stream->begun == BEGUN && stream->frames &&", "")
    assert worse != source.source
    made = program(tmp_path, replace(source, source=worse), EXERCISE, "gcc", ("-std=c11",))
    assert subprocess.run([made], capture_output=True).returncode != 0
