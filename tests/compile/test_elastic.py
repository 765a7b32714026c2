"""The elastic kernel: one file, every rate of the trained range, each as `bundle.at(rate)` computes it."""

from __future__ import annotations

import ctypes
import subprocess
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from making import bundle

from bandstop.bundle.export.elastic import compiled_elastic, to_elastic
from bandstop.cli import main as cli
from bandstop.compile import check_signals
from bandstop.compile.elastic import Ranked, plan, tables
from bandstop.compile.native import CodeError
from bandstop.data.describe import Description
from bandstop.errors import BadInput
from bandstop.nn import Shape

from .conftest import COMPILERS, build, objects, skeleton_of
from .many import many, many_of

TWO_WAYS = [plan.MOST_SLOTS, 0]
"""The products multiplied out where that is cheaper, and never."""


def ordinary(seed: int = 0):
    description = Description(skeleton_of(15, 2), chunks=2)
    nodes, features = description.size
    return many_of(Shape(4, nodes, features, 24, 5), description, 0.4, 0.97, seed)


@pytest.fixture(scope="module")
def ready():
    b = ordinary()
    return b, *compiled_elastic(b, "wave", "a test")


def worst(b, elastic, rate) -> float:
    signals = check_signals(b.net.nodes, b.net.all_features, 8)
    elastic.rate = rate
    expected = b.at(rate).net(torch.from_numpy(signals)).detach().numpy()
    return float(np.abs(elastic(signals) - expected).max() / np.abs(expected).max())


def all_ways_agree(b, most: int, rates: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "MOST_SLOTS", most)
        elastic = compiled_elastic(b, "wave", "a test")[1]
    for share in rates:
        rate = b.order.lowest + share * (b.order.highest - b.order.lowest)
        assert worst(b, elastic, rate) <= 1e-5


SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=4)


@settings(max_examples=6, deadline=None)
@given(many(), st.sampled_from(TWO_WAYS), SHARES)
def test_at_any_rate_a_random_small_network_agrees(b, most, rates):
    all_ways_agree(b, most, rates)


@pytest.mark.parametrize("fusion", ["sum", "concat"])
@pytest.mark.parametrize("most", TWO_WAYS)
def test_a_feature_that_nothing_reads_is_still_one_of_the_signal(fusion, most):
    description = Description(skeleton_of(34, 1), chunks=6)
    b = many_of(Shape(1, 34, 18, 3, 2, fusion), description, 0.5, 0.98, 977555)
    assert len(b.net.features) < 18
    all_ways_agree(b, most, [0.0, 0.5, 1.0])


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(many(), st.sampled_from(TWO_WAYS), SHARES)
def test_many_random_small_networks_agree_at_any_rate(b, most, rates):
    all_ways_agree(b, most, rates)


def test_the_header_says_what_each_layer_costs_at_the_lowest_rate(ready):
    b, made, _ = ready
    shape, weights = b.net.net.shape, b.net.net.weights()
    left = {n: int((w != 0).sum()) for n, w in weights.items()}
    macs = left["attention"] * shape.features + left["filters"] * shape.outputs + left["dense"]
    assert made.macs == macs
    assert f"MACs      {macs} at rate 0.4" in made.header
    total = f" * {'all':<46}{made.flash:>9}{made.scratch:>9}{macs:>9}"
    assert total in made.header.splitlines()
    assert sum(layer.ram for layer in made.layers) >= made.scratch - 512


def test_raw_frames_are_proven_too(ready):
    assert "frames: rules and C at rate 0.4: relative error" in ready[1].facts["proof"]
    assert ready[2].rate == 0.97


def test_rates_in_any_order_agree_on_both_sides_of_the_switch(ready):
    b, made, elastic = ready
    assert "multiplied out from rate" in made.source
    for rate in (0.97, 0.4, 0.95, 0.401, 0.9, 0.97, 0.6543, 0.93, 0.5):
        assert worst(b, elastic, rate) <= 1e-5


def test_a_rate_keeps_the_last_weight_of_its_budget_and_no_more(ready):
    b, _, elastic = ready
    n, signal = b.order.weights, check_signals(b.net.nodes, b.net.all_features)[:4]
    for keep in (round(0.3 * n), round(0.3 * n) + 1):
        elastic.rate = 1 - keep / n
        expected = b.at(1 - keep / n).net(torch.from_numpy(signal)).numpy()
        assert np.allclose(elastic(signal), expected, atol=1e-4)


@pytest.mark.parametrize("rate", [0.0, 0.399, 0.971, 1.0, -1.0, 7.0, float("nan"), float("inf")])
def test_a_rate_outside_the_trained_range_is_an_error_code_and_changes_nothing(ready, rate):
    b, _, elastic = ready
    elastic.rate = 0.8
    signals = check_signals(b.net.nodes, b.net.all_features, 3)
    before = elastic(signals)
    assert elastic.set_rate(rate) == -6
    with pytest.raises(BadInput, match=r"within 0\.4 to 0\.97"):
        elastic.rate = rate
    assert elastic.rate == 0.8
    assert (elastic(signals) == before).all()


def test_without_a_rate_there_is_an_error_code_and_no_class(ready):
    b, _, elastic = ready
    native = elastic.native
    native._scratch[:] = 255
    try:
        frames = np.random.default_rng(0).normal(size=(9, b.skeleton.nodes, 3))
        with pytest.raises(CodeError) as error:
            native.frames(frames)
        assert error.value.code == -7
        assert np.isnan(native(check_signals(b.net.nodes, b.net.all_features, 3)[0])).all()
    finally:
        elastic.rate = 0.97


def test_raw_frames_are_answered_at_the_rate_that_is_set(ready):
    b, _, elastic = ready
    frames = np.random.default_rng(0).normal(size=(20, b.skeleton.nodes, 3)).cumsum(0)
    for rate in (0.5, 0.96):
        elastic.rate = rate
        said, meant = elastic.native.frames(frames), b.at(rate).predict(frames.astype(np.float32))
        assert np.allclose(said.probabilities, list(meant.probabilities.values()), atol=1e-4)


def test_two_scratch_memories_have_rates_of_their_own(ready):
    b, made, elastic = ready
    library = ctypes.CDLL(str(elastic.native.path))
    set_rate, logits = library.wave_set_rate, library.wave_logits
    set_rate.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_double)
    logits.argtypes = (ctypes.c_void_p,) * 3
    signal = np.ascontiguousarray(check_signals(b.net.nodes, b.net.all_features, 3)[2])
    memories = {r: np.zeros(made.scratch, dtype=np.uint8) for r in (0.5, 0.95)}
    for rate, memory in memories.items():
        assert set_rate(memory.ctypes.data, memory.nbytes, rate) == 0
        assert set_rate(memory.ctypes.data, memory.nbytes - 1, rate) == -4
    for rate, memory in memories.items():
        found = np.zeros(len(b.classes), dtype=np.float32)
        logits(signal.ctypes.data, memory.ctypes.data, found.ctypes.data)
        expected = b.at(rate).net(torch.from_numpy(signal)[None])[0].numpy()
        assert np.allclose(found, expected, atol=1e-4)


def test_entries_of_a_row_stand_in_rising_rank_and_lanes_too(ready):
    b = ready[0]
    order = b.order
    ranked = Ranked({n: r.numpy() for n, r in order.ranks.items()}, order.weights, 0.4, 0.97)
    weights = {n: w.numpy() for n, w in b.net.net.weights().items()}
    arrays = {a.name: a.data for a in tables.filter_arrays(weights["filters"], ranked, True)}
    first, rank = arrays["filter_first"], arrays["filter_rank"].astype(int)
    for begin, end in pairwise(first):
        assert (np.diff(rank[begin:end]) > 0).all()
    for name, made in [
        ("mix", tables.attention_arrays(weights["attention"], ranked)),
        ("dense", tables.dense_arrays(weights["dense"], ranked)),
    ]:
        arrays = {a.name: a.data for a in made}
        lanes = arrays[f"{name}_rank"].reshape(-1, 16).astype(int)
        starts = arrays[f"{name}_first"]
        assert (arrays[f"{name}_least"] == lanes.min(1)).all()
        for begin, end in pairwise(starts):
            assert (np.diff(lanes[begin:end], axis=0) >= 0).all()


def test_every_weight_is_stored_once(ready):
    b = ready[0]
    order = b.order
    ranked = Ranked({n: r.numpy() for n, r in order.ranks.items()}, order.weights, 0.4, 0.97)
    weights = {n: w.numpy() for n, w in b.net.net.weights().items()}
    for name, made in [
        ("attention", tables.attention_arrays(weights["attention"], ranked)),
        ("filters", tables.filter_arrays(weights["filters"], ranked, True)),
        ("dense", tables.dense_arrays(weights["dense"], ranked)),
    ]:
        stored = next(a.data for a in made if a.name.endswith("_weight"))
        assert sorted(stored[stored != 0]) == sorted(weights[name][weights[name] != 0].ravel())


@pytest.mark.parametrize("target", [(), ("-march=native",), ("-DBANDSTOP_PLAIN_C",)])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_it_compiles_without_a_warning(ready, compiler, target, tmp_path):
    done = objects(tmp_path, ready[1], compiler, "-O2", *target)
    assert done.returncode == 0, done.stderr


MAIN = r"""
#include "wave.h"
#include <stdlib.h>
int main(void)
{
    size_t bytes = WAVE_SCRATCH_BYTES;
    void *scratch = malloc(bytes);
    float signal[WAVE_NODES * WAVE_FEATURES];
    wave_answer answer;
    for (int i = 0; i < WAVE_NODES * WAVE_FEATURES; i++) signal[i] = (float)(i % 7) - 3.0f;
    for (int i = 0; i <= 200; i++) {
        double rate = WAVE_LOWEST_RATE + (WAVE_HIGHEST_RATE - WAVE_LOWEST_RATE) * (i * 37 % 201) / 200.0;
        if (wave_set_rate(scratch, bytes, rate)) return 1;
        if (wave_from_signal(signal, WAVE_NODES, WAVE_FEATURES, scratch, bytes, &answer)) return 2;
    }
    if (wave_set_rate(scratch, bytes, 1.5) != WAVE_RATE_OUTSIDE) return 3;
    if (wave_set_rate(NULL, bytes, 0.5) != WAVE_NULL) return 4;
    free(scratch);
    return 0;
}
"""


@pytest.mark.parametrize("target", [("-march=native",), ("-DBANDSTOP_PLAIN_C",)])
def test_setting_two_hundred_rates_stays_within_the_scratch_memory(ready, target, tmp_path):
    flags = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", *target)
    program = build(tmp_path, ready[1], MAIN, "gcc", *flags)
    done = subprocess.run([str(program)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_plan_that_is_too_small_is_seen_by_the_compiler(ready, tmp_path):
    small = ready[1].source.replace("sizeof(rate_plan) <= ", "sizeof(rate_plan) > ")
    done = objects(tmp_path, replace(ready[1], source=small), "gcc", "-O1")
    assert done.returncode != 0
    assert "the_plan_must_fit" in done.stderr


def test_the_command_writes_a_source_and_a_header(tmp_path, capsys):
    ordinary().save(tmp_path / "net.bandstop")
    args = ["compile", str(tmp_path / "net.bandstop"), "--target", "elastic"]
    assert cli.run([*args, "-o", str(tmp_path / "wave.c")]) == 0
    assert "9 rates" in capsys.readouterr().out
    assert "int wave_set_rate(" in (tmp_path / "wave.h").read_text()
    assert cli.run([*args, "-o", str(tmp_path / "other.c"), "--rate", "0.9"]) == 2
    assert "leave --rate out" in capsys.readouterr().err
    assert not (tmp_path / "other.c").exists()


def test_a_bundle_of_one_rate_is_refused(tmp_path):
    with pytest.raises(BadInput, match="one rate"):
        to_elastic(bundle(), tmp_path / "wave.c")
    with pytest.raises(BadInput, match=r"\.c file"):
        to_elastic(ordinary(), tmp_path / "wave.txt")
    assert not list(tmp_path.iterdir())
