"""The predictor for NumPy arrays: a drop-in, cached, safe among threads and processes."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from making import FUSIONS, bundle, recordings

from bandstop.bundle.reading import from_bytes
from bandstop.compile import Compiler, find_compiler, lower, run
from bandstop.compile.build import compiled
from bandstop.compile.cache import shared_library
from bandstop.compile.native import CodeError, Native
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput, Failure
from bandstop.nn import Shape

from .conftest import bundle_of, skeleton_of

WORDS = [np.full((6, 6), "a"), np.full((2, 6, 6), "a")]


@pytest.fixture(scope="module")
def ready():
    b = bundle()
    return b, b.compile()


@pytest.mark.parametrize("fusion", FUSIONS)
def test_it_gives_what_the_network_gives_single_and_batched(fusion):
    b = bundle(fusion)
    native, signals = b.compile(), b.signal(recordings())
    expected = b.net(signals).numpy()
    assert np.allclose(native(signals.numpy()), expected, atol=1e-5)
    for one, wanted in zip(signals.numpy(), expected, strict=True):
        assert native(one).shape == wanted.shape
        assert np.allclose(native(one), wanted, atol=1e-5)


def test_it_takes_arrays_of_any_type_and_order(ready):
    b, native = ready
    signal = b.signal(recordings())[0].numpy()
    wanted = native(signal)
    assert np.allclose(native(signal.astype(np.float64)), wanted)
    assert np.array_equal(native(np.asfortranarray(signal)), wanted)
    assert np.array_equal(native(np.repeat(signal, 2, axis=1)[:, ::2]), wanted)
    assert native(np.zeros((0, *signal.shape), dtype=np.float32)).shape == (0, 3)


def test_a_result_is_the_callers_own(ready):
    b, native = ready
    one, other = b.signal(recordings())[:2].numpy()
    first = native(one)
    kept = first.copy()
    native(other)
    assert np.array_equal(first, kept)


def test_frames_are_answered_as_the_bundle_predicts(ready):
    b, native = ready
    for take in recordings():
        said = b.predict(take)
        found = native.frames(take.positions)
        assert b.classes[found.label] == said.label
        assert found.probabilities == pytest.approx(list(said.probabilities.values()), abs=1e-5)


@pytest.mark.parametrize(
    ("frames", "code", "words"),
    [
        (np.full((5, 6, 3), np.nan), -1, "NaN or infinite"),
        (np.zeros((1, 6, 3)), -2, "fewer than 2 frames"),
        (np.zeros((5, 7, 3)), -3, "another number of nodes"),
    ],
)
def test_a_recording_that_does_not_fit_is_an_error_code_and_no_class(ready, frames, code, words):
    with pytest.raises(CodeError, match=words) as caught:
        ready[1].frames(frames)
    assert caught.value.code == code


def test_frames_so_large_that_the_signal_overflows_are_an_error_code_too(ready):
    b = replace(ready[0], normalisation=Normalisation(torch.zeros(6, 6), torch.tensor([1e-3])))
    frames = np.zeros((4, 6, 3), dtype=np.float32)
    frames[0, 0] = 3e38
    with pytest.raises(CodeError, match="overflows") as caught:
        b.compile().frames(frames)
    assert caught.value.code == -1


@pytest.mark.parametrize("shape", [(6,), (5, 6), (2, 5, 6), (6, 6, 6, 6)])
def test_a_signal_of_another_size_is_refused(ready, shape):
    with pytest.raises(BadInput, match="wants signals of 6 nodes x 6 features"):
        ready[1](np.zeros(shape, dtype=np.float32))


def test_lists_are_taken_as_arrays_are(ready):
    signals = np.random.default_rng(2).normal(size=(3, 6, 6))
    _, native = ready
    assert np.array_equal(native(signals.tolist()), native(signals))
    assert np.array_equal(native(signals[0].tolist()), native(signals[0]))


@pytest.mark.parametrize("given", [None, 3.0, "wave", [[1.0], [2.0, 3.0]], *WORDS])
def test_what_is_no_array_of_numbers_is_refused(ready, given):
    for answer in (ready[1], ready[1].frames):
        with pytest.raises(BadInput):
            answer(given)


def test_frames_without_three_coordinates_are_refused(ready):
    with pytest.raises(BadInput, match=r"\(frames, nodes, 3\)"):
        ready[1].frames(np.zeros((4, 6)))


def test_threads_that_share_it_get_what_one_thread_gets(ready):
    _, native = ready
    signals = np.random.default_rng(0).normal(size=(400, 6, 6)).astype(np.float32)
    expected = native(signals)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(native, signals))
    assert np.array_equal(np.stack(found), expected)


def test_two_threads_with_scratch_memory_of_their_own_give_the_same_answers(ready):
    """No lock here: the C itself is reentrant (ctypes lets go of the interpreter)."""
    _, native = ready
    signals = np.random.default_rng(1).normal(size=(2, 20000, 6, 6)).astype(np.float32)

    def work(part: np.ndarray) -> np.ndarray:
        scratch = np.zeros(native.source.scratch, dtype=np.uint8)
        out = np.zeros((len(part), 3), dtype=np.float32)
        native._batch(part.ctypes.data, len(part), scratch.ctypes.data, out.ctypes.data)
        return out

    alone = [work(part) for part in signals]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(work, signals))
    assert all(np.array_equal(a, t) for a, t in zip(alone, together, strict=True))


def test_a_library_is_built_once(ready, monkeypatch):
    b, native = ready
    monkeypatch.setattr("bandstop.compile.cache.compiled", None)
    assert b.compile().path == native.path


def test_another_network_is_another_library(ready):
    assert bundle(seed=1).compile().path != ready[1].path


def test_where_there_is_no_compiler_it_says_so(monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("bandstop.compile.build.find_spec", lambda name: None)
    with pytest.raises(Failure, match="there is no C compiler") as caught:
        find_compiler()
    assert "bandstop[cross]" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["no-such-cc -O2", "'gcc", "  "])
def test_a_compiler_that_is_not_there_is_named(monkeypatch, name):
    monkeypatch.setenv("CC", name)
    with pytest.raises(BadInput, match=f"{name}.* is not to be found"):
        find_compiler()


def test_a_program_that_cannot_be_run_is_a_failure(tmp_path, monkeypatch):
    broken = tmp_path / "cc"
    broken.write_bytes(b"\0")
    broken.chmod(0o755)
    monkeypatch.setenv("CC", str(broken))
    with pytest.raises(Failure, match="could not be run"):
        find_compiler()


def test_a_compiler_may_be_named_by_a_path_from_here(tmp_path, monkeypatch):
    (tmp_path / "mine").write_text('#!/bin/sh\nexec cc "$@"\n')
    (tmp_path / "mine").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CC", "./mine -g0")
    monkeypatch.setenv("BANDSTOP_CACHE", "cache")
    assert shared_library({"a.c": "int x;"}).exists()


def test_a_full_disk_is_named_and_not_the_c(tmp_path):
    says = "echo final link failed: No space left on device >&2; echo ld: error >&2; exit 1"
    with pytest.raises(Failure, match="no space left"):
        compiled(Compiler(("sh", "-c", says), "none"), {"a.c": "int x;"}, tmp_path / "a.so", ())


def test_a_damaged_library_is_named(ready, tmp_path):
    b, native = ready
    (tmp_path / "a.so").touch()
    with pytest.raises(Failure, match=f"{tmp_path}/a.so: .*delete that file"):
        Native(native.source, tmp_path / "a.so", native.shape, b.classes)


def test_a_compiler_that_writes_nothing_is_a_failure(tmp_path):
    silent = Compiler(("true",), "none")
    with pytest.raises(Failure, match="true refused the generated C"):
        compiled(silent, {"a.c": "int x;"}, tmp_path / "a.so", ())


def test_where_only_zig_is_there_it_is_taken(monkeypatch):
    pytest.importorskip("ziglang")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr("bandstop.compile.build.shutil.which", lambda name: None)
    assert find_compiler().command == (sys.executable, "-m", "ziglang", "cc")


def test_a_compiler_that_hangs_or_crashes_is_a_failure(tmp_path):
    broken = Compiler((str(tmp_path / "gone"),), "none")
    with pytest.raises(Failure, match="could not be run"):
        compiled(broken, {"a.c": "int x;"}, tmp_path / "a.so", ())


def test_a_network_read_back_from_its_file_compiles_to_the_same(ready):
    b, native = ready
    again = from_bytes(b.to_bytes()).compile()
    signal = torch.randn(5, 6, 6).numpy()
    assert np.array_equal(again(signal), native(signal))


@pytest.mark.parametrize("distance", [0.0, 1e-7, 1e-5, 0.3])
@pytest.mark.parametrize("moved", [0.0, 3.0, -200.0])
@pytest.mark.parametrize(("up", "side"), [(1, 0), (1, 2), (2, 0)])
def test_bodies_that_coincide_are_seen_by_c_as_by_python(distance, moved, up, side):
    description = Description(skeleton_of(3, 2, up, side), 2)
    b = bundle_of(
        Shape(2, 6, 6, 5, 4), description, {"attention": 1.0, "filters": 1.0, "dense": 1.0}
    )
    random = np.random.default_rng(0)
    body = random.normal(size=(9, 3, 3)).cumsum(0)
    take = np.concatenate([body, body + distance], axis=1) + moved
    found, said = b.compile().frames(take), b.predict(take)
    still = b.predict(take - moved)
    assert found.probabilities == pytest.approx(list(said.probabilities.values()), abs=1e-4)
    assert list(still.probabilities.values()) == pytest.approx(
        list(said.probabilities.values()), abs=2e-4
    )


@pytest.mark.parametrize("bodies", [1, 2, 3])
@pytest.mark.parametrize("view", ["facing", "camera"])
def test_bodies_that_come_and_go_are_seen_by_c_as_the_rules_say(bodies, view):
    """All joints in one point is a body that is not there: it stands at the centre of the others."""
    description = Description(skeleton_of(4, bodies), 3, view)
    shape = Shape(2, 4 * bodies, 9, 6, 4)
    b = bundle_of(shape, description, dict.fromkeys(shape.tensors, 0.8))
    graph, native = lower(b.net, description, b.normalisation, b.classes), b.compile()
    random = np.random.default_rng(0)
    for case in range(12):
        take = random.normal(size=(case + 2, 4 * bodies, 3)).cumsum(0).astype(np.float32)
        for body in range(bodies):
            begin, end = sorted(random.integers(0, len(take) + 1, size=2))
            take[begin:end, 4 * body : 4 * body + 4] = random.choice([0.0, 3.0])
        if case == 11:
            take[:] = 0  # nobody is there at all
        expected = run(graph, "frames", take)["logits"]
        size = 1 + np.abs(expected).max()
        assert np.abs(native.frames(take).logits - expected).max() <= 1e-5 * size
