"""NaN, infinity and overflow: every engine refuses alike, and what is answered is right."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making import bundle
from safetensors.torch import load, save

from bandstop.bundle import Bundle
from bandstop.bundle.export.elastic import compiled_elastic
from bandstop.bundle.reading import from_bytes
from bandstop.cli import main as cli
from bandstop.compile import Graph, lower, run
from bandstop.compile.api import Options
from bandstop.data.describe import Description
from bandstop.data.normalise import Normalisation
from bandstop.digest import digest
from bandstop.errors import BadInput
from bandstop.nn import Shape, reach
from bandstop.skeleton import layouts

from .conftest import STORAGES, build, bundle_of, skeleton_of, source_of
from .engines import ANSWERS, FRAMES, SIGNAL, STREAM, UNCHECKED, Answered, answers, record
from .many import many_of
from .test_toolchains import need

NOT_FINITE = -1


@dataclass(frozen=True)
class Kind:
    """A bundle, the graph that its C must compute, and the C as a program."""

    bundle: Bundle
    graph: Graph
    ask: object


def _two_bodies(fusion: str = "sum") -> Bundle:
    return bundle(fusion, 0.6)


def _ordinary() -> Bundle:
    shape = Shape(heads=4, nodes=30, features=12, filters=16, classes=8)
    return bundle_of(shape, Description(layouts.SBU, 4), dict.fromkeys(shape.tensors, 0.4))


def _loud() -> Bundle:
    """Weights so large that only small signals are within reach."""
    b = _two_bodies()
    with torch.no_grad():
        for name in ("attention", "filters", "dense"):
            getattr(b.net.net, name).mul_(1e8)
    return Bundle(b.net, b.description, b.normalisation, b.classes, b.facts)


KINDS = {
    "float": (_two_bodies, Options(), ()),
    "concat": (
        lambda: _two_bodies("concat"),
        Options("mix first", STORAGES[2]),
        ("-march=native",),
    ),
    "multiplied out": (_two_bodies, Options("multiplied out"), ("-march=native",)),
    "filter first": (_two_bodies, Options("filter first", STORAGES[1]), ("-mavx2", "-mfma")),
    "8 bits": (_two_bodies, Options("mix first", STORAGES[4], int8=True), ("-march=native",)),
    "8 bits, dense": (_two_bodies, Options("filter first", STORAGES[1], int8=True), ()),
    "ordinary": (_ordinary, Options(), ("-march=native",)),
    "ordinary, 8 bits": (_ordinary, Options(int8=True), ("-march=native", "-O3")),
    "plain C": (_ordinary, Options(), ("-DBANDSTOP_PLAIN_C",)),
    "reckless": (_two_bodies, Options(), ("-O3", "-march=native", "-ffast-math")),
    "32 bits": (_two_bodies, Options("mix first", STORAGES[3]), ("-m32",)),
    "large weights": (_loud, Options(), ()),
    "elastic": (None, None, ("-march=native",)),
}


@pytest.fixture(scope="session")
def kinds(tmp_path_factory):
    @functools.cache
    def made(name: str) -> Kind:
        make, options, flags = KINDS[name]
        if "-m32" in flags:
            need("gcc", "32 bits without SSE", "c11")
        folder = tmp_path_factory.mktemp("finite")
        if make is None:
            description = Description(skeleton_of(5, 2), 2)
            b = many_of(Shape(3, 10, 6, 8, 5), description, 0.4, 0.9)
            source = compiled_elastic(b, "wave", "a test")[0]
            graph = lower(b.net, b.description, b.normalisation, b.classes)
        else:
            b = make()
            source = source_of(b, options)
            lowered = lower(b.net, b.description, b.normalisation, b.classes)
            graph = options.arranged(lowered, (b.net.nodes, b.net.all_features))
        program = build(folder, source, ANSWERS, "gcc", "-O2", *flags)
        return Kind(b, graph, lambda given: answers(program, given, len(b.classes)))

    return made


POISON = [np.nan, np.inf, -np.inf, 3.4e38, -3.4e38, 1e30, -1e22, 1e19, 1e9, 0.0, 1e-30, 1e-45, 3.0]


@st.composite
def hostile(draw: st.DrawFn) -> tuple[int, float, list[tuple[float, float]], int]:
    """A seed, how large it all is, values planted at places, how many frames."""
    scale = 10.0 ** draw(st.one_of(st.just(0), st.integers(-45, 38)))
    planted = draw(
        st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from(POISON)), max_size=3)
    )
    return draw(st.integers(0, 9999)), scale, planted, draw(st.integers(2, 9))


def values(how, shape: tuple[int, ...]) -> np.ndarray:
    seed, scale, planted, _ = how
    with np.errstate(over="ignore"):
        made = (np.random.default_rng(seed).normal(size=shape) * scale).astype(np.float32)
    for place, value in planted:
        made.reshape(-1)[int(place * made.size)] = value
    return made


def sizes(graph: Graph, name: str, value: np.ndarray) -> tuple[np.ndarray, float]:
    """Right logits, and how large the numbers are that they are sums of: rounding is relative to it."""
    found = run(graph, name, value)
    weights = {n: c.data for n, c in graph.constants.items()}
    dense = np.abs(weights["dense"]).sum((0, 1))
    if "class_scale" in weights:
        dense = dense * weights["class_scale"]
    inner = found["h"] if "h" in found else found["mixed"]
    signal = float(np.abs(found["signal"]).max())
    size = float(np.abs(inner).max() * dense.max()) + float(np.abs(found["logits"]).max())
    return found["logits"], size + signal * _gain(graph)


def _gain(graph: Graph) -> float:
    """How much the network can make of a signal of 1, at most."""
    sizes = {n: replace(c, data=np.abs(c.data)) for n, c in graph.constants.items()}
    loud = replace(graph, constants=sizes)
    shape = graph.inputs["signal"]
    one, none = (run(loud, "signal", np.full(shape, x))["logits"] for x in (1.0, 0.0))
    return float((one - none).max())


def right(found: Answered, logits: np.ndarray, size: float) -> None:
    assert np.abs(found.logits - logits).max() <= 1e-5 * size + 1e-37
    assert found.label == int(found.logits.argmax())
    assert abs(float(found.probabilities.sum()) - 1) < 1e-4


def takes_frames(kind: Kind, frames: np.ndarray) -> bool:
    """Python's verdict."""
    try:
        said = kind.bundle.predict(frames)
    except BadInput:
        return False
    assert sum(said.probabilities.values()) == pytest.approx(1, abs=1e-4)
    return True


@settings(max_examples=40)
@given(st.lists(hostile(), min_size=1, max_size=12))
@pytest.mark.parametrize("name", KINDS)
def test_c_and_python_refuse_the_same_recordings_and_what_c_answers_is_right(kinds, name, cases):
    kind = kinds(name)
    takes = [values(how, (how[3], kind.bundle.skeleton.nodes, 3)) for how in cases]
    if name == "reckless":  # -ffast-math takes denormal numbers for 0
        takes = [np.where(np.abs(t) < np.finfo(np.float32).tiny, 0, t) for t in takes]
    whole = kind.ask(b"".join(record(FRAMES, t) for t in takes))
    pushed = kind.ask(b"".join(record(STREAM, t) for t in takes))
    for take, found, stream in zip(takes, whole, pushed, strict=True):
        assert found.code in (0, NOT_FINITE)
        assert (found.code == 0) == takes_frames(kind, take)
        assert found.written == (found.code == 0)
        assert (stream.code, stream.written) == (found.code, found.written)
        if found.code == 0:
            right(found, *sizes(kind.graph, "frames", take))


@settings(max_examples=40)
@given(st.lists(hostile(), min_size=1, max_size=12))
@pytest.mark.parametrize("name", KINDS)
def test_a_signal_is_answered_right_exactly_within_the_networks_reach(kinds, name, cases):
    kind = kinds(name)
    signals = [values(how, kind.graph.inputs["signal"]) for how in cases]
    limit = reach(kind.bundle.net.net)
    for signal, found in zip(
        signals, kind.ask(b"".join(record(SIGNAL, s) for s in signals)), strict=True
    ):
        within = bool((np.abs(signal.astype(np.float64)) <= limit).all())
        assert found.code == (0 if within else NOT_FINITE)
        assert found.written == within
        if within:
            right(found, *sizes(kind.graph, "signal", signal))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [n for n in KINDS if n != "reckless"])
def test_without_any_check_what_is_not_finite_stays_so_up_to_the_logits(kinds, name, value):
    """A relu that takes NaN for nothing would give a class."""
    kind = kinds(name)
    signal = np.full(kind.graph.inputs["signal"], value, dtype=np.float32)
    signal[::2, 1::2] = -value  # so that sums meet both infinities
    found = kind.ask(record(UNCHECKED, signal))[0]
    dense = kind.bundle.net.net.weights()["dense"]
    wanted = (dense != 0).any(0).any(0).numpy()
    assert np.isnan(found.logits[wanted]).all() or (
        not np.isnan(value) and not np.isfinite(found.logits[wanted]).all()
    )


def test_a_relu_that_loses_nan_is_seen(tmp_path):
    """The guard of the test above, in both ways of writing it."""
    b = _two_bodies()
    signal = np.full((6, 6), np.nan, dtype=np.float32)
    for i, (old, new, flag) in enumerate(
        [
            ("(mask)x & ~(x < zero)", "(mask)x & (x > zero)", "-O2"),
            (
                "x.at[i] < 0.0f ? 0.0f : x.at[i]",
                "x.at[i] > 0.0f ? x.at[i] : 0.0f",
                "-DBANDSTOP_PLAIN_C",
            ),
        ]
    ):
        source = source_of(b, Options("mix first"))
        assert old in source.source
        folder = tmp_path / str(i)
        folder.mkdir()
        worse = replace(source, source=source.source.replace(old, new))
        program = build(folder, worse, ANSWERS, "gcc", flag)
        found = answers(program, record(UNCHECKED, signal), 3)[0]
        assert np.isfinite(found.logits).all()


STDS = [0.0, -0.0, -1.0, 1e-45, 1e-39, np.nan, np.inf, -np.inf]


@pytest.mark.parametrize("std", STDS)
def test_a_std_that_nothing_can_be_divided_by_is_refused_where_it_is_made_and_where_it_is_read(std):
    with pytest.raises(BadInput, match="std must be finite and at least"):
        Normalisation(torch.zeros(6, 6), torch.tensor([std]))
    with pytest.raises(BadInput):
        from_bytes(altered(bundle().to_bytes(), "std", torch.tensor([std])))


@pytest.mark.parametrize("mean", [np.nan, np.inf, 3e38, -1e30])
def test_a_mean_that_no_recording_comes_near_is_refused(mean):
    with pytest.raises(BadInput, match=r"mean|overflow"):
        from_bytes(altered(bundle().to_bytes(), "mean", torch.full((6, 6), mean)))


@pytest.mark.parametrize("name", ["attention", "filters", "dense", "filter_bias", "class_bias"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_weights_that_overflow_are_refused(name, value):
    b = bundle()
    with torch.no_grad():
        b.net.net.get_parameter(name).fill_(value)
    with pytest.raises(BadInput, match="every recording would overflow"):
        Bundle(b.net, b.description, b.normalisation, b.classes)
    with pytest.raises(BadInput):
        from_bytes(b.to_bytes())


def altered(content: bytes, name: str, value: torch.Tensor) -> bytes:
    """A bundle with another tensor and a right checksum."""
    length = int.from_bytes(content[:8], "little")
    text = json.loads(content[8 : 8 + length])["__metadata__"]["bandstop"]
    tensors = {**load(content), name: value.float()}
    return save(tensors, {"bandstop": text, "sha256": digest(text, tensors)})


@pytest.mark.parametrize("value", [3e38, -3e38, 1e25])
@pytest.mark.parametrize("how", [[], ["--json"]])
def test_predict_says_one_sentence_and_no_class(value, how, tmp_path, capsys):
    bundle().save(tmp_path / "net.bandstop")
    take = np.random.default_rng(0).normal(size=(8, 6, 3)).astype(np.float32)
    take[3, 2, 1] = value
    np.save(tmp_path / "take.npy", take)
    args = ["predict", str(tmp_path / "net.bandstop"), str(tmp_path / "take.npy"), *how]
    assert cli.run(args) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "overflow" in said.err


def test_what_no_signal_within_reach_can_make_overflow_is_answered(kinds):
    """The reach is not needlessly small: an ordinary network takes everything up to 2^64."""
    assert reach(_ordinary().net.net) == 2.0**64
    assert 1 <= reach(_loud().net.net) < 2.0**64
