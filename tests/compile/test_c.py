"""The generated C: agreement with PyTorch, no warning, no sanitizer report, sizes as predicted."""

from __future__ import annotations

import re
import shutil
import subprocess
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from making import FUSIONS, bundle, recordings

from bandstop.compile.api import Options, compile_c
from bandstop.compile.native import native_of
from bandstop.data.describe import Description
from bandstop.errors import Failure
from bandstop.nn import Shape
from bandstop.skeleton import layouts

from .conftest import COMPILERS, STORAGES, build, bundle_of, bundles, objects, options, source_of
from .conftest import symbols as symbols_of

EXERCISE = (Path(__file__).parent / "exercise.c").read_text()
TARGETS = {
    "this processor": ("-march=native",),
    "no extension of the processor": (),
    "AVX2": ("-mavx2", "-mfma"),
    "plain C": ("-DBANDSTOP_PLAIN_C", "-pedantic"),
}
CHOICES = [
    Options(order, storage, int8)
    for order, storage, int8 in [
        ("", (), False),
        ("mix first", STORAGES[1], False),
        ("mix first", STORAGES[2], True),
        ("mix first", STORAGES[3], False),
        ("mix first", STORAGES[4], True),
        ("filter first", STORAGES[1], True),
        ("filter first", STORAGES[2], False),
        ("multiplied out", (), False),
    ]
]


def agree(b, option) -> None:
    """The proof inside is one check; raw frames through the whole of PyTorch's pipeline another."""
    refusal, native = None, None
    try:
        _, native, _ = compile_c(
            b.net, b.description, b.normalisation, b.classes, options=option
        )  # fmt: skip
    except Failure as error:  # right for a network of a few weights that nearly cancel
        refusal = str(error)
    if option.int8:
        assert refusal is None or "8 bits are too few for this network" in refusal
        return
    assert native is not None, refusal
    for take in recordings(3, b.skeleton, 3):
        with torch.no_grad():
            expected = b.net(b.signal([take]))[0].numpy()
        found = native.frames(take.positions)
        scale = 1 + np.abs(expected).max()
        assert np.abs(found.logits - expected).max() <= 2e-4 * scale  # float32 integrals in PyTorch
        assert found.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert found.label == found.logits.argmax()


@given(bundles(), options())
@settings(max_examples=10, suppress_health_check=list(HealthCheck))
def test_a_random_small_network_agrees(b, option):
    agree(b, option)


@pytest.mark.slow
@given(bundles(), options())
@settings(max_examples=1000, suppress_health_check=list(HealthCheck))
def test_a_thousand_random_small_networks_agree(b, option):
    agree(b, option)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("keep", [0.02, 0.3, 1.0])
def test_a_network_of_ordinary_size_agrees(fusion, keep):
    agree(ordinary(keep, fusion), Options())


def ordinary(keep: float, fusion: str = "sum"):
    shape = Shape(heads=8, nodes=30, features=12, filters=24, classes=8, fusion=fusion)
    return bundle_of(shape, Description(layouts.SBU, 4), dict.fromkeys(shape.tensors, keep))


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("choice", range(len(CHOICES)))
def test_it_compiles_without_a_warning(compiler, target, choice, tmp_path):
    source = source_of(bundle(("sum", "concat")[choice % 2]), CHOICES[choice])
    done = objects(tmp_path, source, compiler, *TARGETS[target], "-O1")
    assert done.returncode == 0, done.stderr


def test_a_warning_is_seen(tmp_path):
    """The guard: the flags above refuse what they should."""
    source = source_of(bundle())
    worse = source.source.replace("int label = 0;", "int label = 0.5f;")
    assert worse != source.source
    done = objects(tmp_path, type(source)(**{**vars(source), "source": worse}), "gcc", "-O1")
    assert done.returncode != 0


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("choice", [0, 1, 3, 4, 6, 7])
def test_every_promise_is_kept_under_sanitizers(target, choice, tmp_path):
    flags = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O0", "-g")
    b = bundle("concat" if choice % 2 else "sum", 0.6)
    program = build(
        tmp_path, source_of(b, CHOICES[choice]), EXERCISE, "gcc", *flags, *TARGETS[target]
    )  # fmt: skip
    done = subprocess.run([program], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "kept\n"), done.stdout + done.stderr


@pytest.mark.skipif(not shutil.which("valgrind"), reason="valgrind is not installed")
@pytest.mark.parametrize("choice", [0, 3, 7])
def test_valgrind_reports_nothing(choice, tmp_path):
    source = source_of(ordinary(0.3), CHOICES[choice])
    program = build(tmp_path, source, EXERCISE, "gcc", "-O1", "-g", "-mavx2", "-mfma")
    done = subprocess.run(
        ["valgrind", "-q", "--error-exitcode=9", "--leak-check=full", program],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (0, "kept\n"), done.stdout + done.stderr


def test_a_broken_promise_is_seen(tmp_path):
    """The guard: the program above fails where a check is left out."""
    source = source_of(bundle())
    worse = source.source.replace("return bad == 0;", "return 1;")
    assert worse != source.source
    program = build(tmp_path, type(source)(**{**vars(source), "source": worse}), EXERCISE)
    done = subprocess.run([program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "WAVE_NOT_FINITE" in done.stdout


def test_scratch_memory_that_is_too_small_is_seen_by_the_sanitizer(tmp_path):
    source = source_of(ordinary(1.0))
    said = int(re.search(r"SCRATCH_BYTES \(\(size_t\)(\d+)\)", source.header).group(1))
    worse = source.header.replace(f"(size_t){said})", f"(size_t){said - 256})")
    assert worse != source.header
    flags = ("-fsanitize=address", "-O0")
    program = build(
        tmp_path, type(source)(**{**vars(source), "header": worse}), EXERCISE, "gcc", *flags
    )
    done = subprocess.run([program], capture_output=True, text=True)
    assert "heap-buffer-overflow" in done.stderr


@pytest.mark.parametrize("choice", range(len(CHOICES)))
@pytest.mark.parametrize("keep", [0.0, 0.3])
def test_the_bytes_of_flash_are_those_of_the_object_file(choice, keep, tmp_path):
    source = source_of(bundle("concat", keep), CHOICES[choice])
    assert objects(tmp_path, source, "gcc", "-O0").returncode == 0
    data = {n: s for n, s in symbols_of(tmp_path).items() if not n.startswith("wave_classes")}
    assert sum(data.values()) == source.flash
    assert f"{source.flash:>9}" in source.source


def test_the_stack_stays_small(tmp_path):
    source = source_of(ordinary(0.3))
    assert objects(tmp_path, source, "gcc", "-O3", "-march=native", "-fstack-usage").returncode == 0
    used = [int(line.split("\t")[1]) for line in (tmp_path / "out.su").read_text().splitlines()]
    assert sum(used) <= 4096


def test_nothing_is_allocated_and_nothing_but_libm_is_needed(tmp_path):
    assert objects(tmp_path, source_of(bundle()), "gcc", "-O2").returncode == 0
    said = subprocess.run(["nm", "-u", "out.o"], cwd=tmp_path, capture_output=True, text=True)
    wanted = set(re.findall(r"U (\w+)", said.stdout))
    assert wanted <= {
        "atan2",
        "cos",
        "sin",
        "sincos",
        "expf",
        "memcpy",
        "memset",
        "__stack_chk_fail",
    }


def test_no_variable_can_be_written_to(tmp_path):
    assert objects(tmp_path, source_of(bundle()), "gcc", "-O2", "-fno-pie").returncode == 0
    said = subprocess.run(["nm", "out.o"], cwd=tmp_path, capture_output=True, text=True).stdout
    assert not re.findall(r" [bBdDcC] \w+", said)


def test_a_098_network_of_the_size_of_sbu_stays_below_25_kilobytes():
    from bandstop.budget import Budget
    from bandstop.nn import AttentionGCN
    from bandstop.prune import choose_live, compact

    shape = Shape(heads=16, nodes=30, features=12, filters=128, classes=8)
    net = AttentionGCN(shape, torch.Generator().manual_seed(0))
    scores = {n: (w / net.scales[n]).abs().detach() for n, w in net.weights().items()}
    small = compact(net, choose_live(scores, Budget(0.98), shape))
    b = ordinary(0.5)
    ready = type(b)(small, b.description, b.normalisation, b.classes)
    assert source_of(ready).flash < 25_000


def test_class_names_of_any_letters_come_through(tmp_path):
    b = bundle()
    odd = type(b)(b.net, b.description, b.normalisation, ('say "hi"', "zwölf\\n", "a??/b*/"))
    main = '#include "wave.h"\n#include <stdio.h>\nint main(void)\n{\n' + (
        "    for (int c = 0; c < WAVE_CLASSES; c++) puts(wave_classes[c]);\n    return 0;\n}\n"
    )
    program = build(tmp_path, source_of(odd), main)
    said = subprocess.run([program], capture_output=True, text=True).stdout
    assert said.splitlines() == list(odd.classes)


def test_the_header_says_where_the_file_comes_from(tmp_path):
    path = tmp_path / "wave.c"
    made = bundle().export(path)
    text = path.read_text()
    for words in ("generated by bandstop", "command", "sha256", "rate", "MACs", "flash", "RAM"):
        assert words in text
    assert made.files == (path, tmp_path / "wave.h")
    assert "1e-05" not in made.proof
    assert "PyTorch and C" in made.proof


def test_a_file_that_does_not_agree_is_not_written(tmp_path, monkeypatch):
    module = import_module("bandstop.compile.c.emit")
    real = module.array
    monkeypatch.setattr(
        module, "array", lambda a: real(a).replace("1", "2") if "weight" in a.name else real(a)
    )
    with pytest.raises(Failure, match=r"disagree: relative error .* the file is not written"):
        bundle(keep=1.0).export(tmp_path / "wave.c")
    assert not list(tmp_path.iterdir())


def test_eight_bit_weights_take_a_quarter_of_the_room(tmp_path):
    b = ordinary(1.0)
    small = source_of(b, Options("mix first", STORAGES[1], int8=True))
    whole = source_of(b, Options("mix first", STORAGES[1]))
    assert small.flash < 0.32 * whole.flash
    assert "int8_t" in small.source
    assert "int8_t mix_weight" not in whole.source


def test_scales_are_fitted_to_what_the_network_is_used_on():
    b = ordinary(0.5)
    signals = np.random.default_rng(0).normal(size=(40, 30, 12)).astype(np.float32)
    signals[:, :, 1:] *= 0.01
    with torch.no_grad():
        expected = b.net(torch.from_numpy(signals)).numpy()

    def error(option: Options) -> float:
        source = source_of(b, option)
        native = native_of(source, (30, 12), b.classes)
        return float(((native(signals) - expected) ** 2).mean())

    assert error(Options(int8=True, signals=signals)) < error(Options(int8=True))


def test_where_8_bits_are_too_few_the_file_is_refused_with_a_remedy(monkeypatch):
    monkeypatch.setattr("bandstop.compile.api.INT8_TOLERANCE", 1e-6)
    b = ordinary(0.5)
    with pytest.raises(Failure, match="8 bits are too few for this network; leave out --int8"):
        compile_c(b.net, b.description, b.normalisation, b.classes, options=Options(int8=True))
