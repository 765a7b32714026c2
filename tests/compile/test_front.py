"""What the front end works out by itself: logarithms, and how fast nodes move, in vectors or without."""

from __future__ import annotations

import ctypes
import functools
import shutil

import numpy as np
import pytest

from bandstop.compile.build import find_compiler
from bandstop.compile.cache import loaded, shared_library
from bandstop.data.describe import Description
from bandstop.data.speed import speeds_of
from bandstop.nn import Shape

from .conftest import bundle_of, skeleton_of, source_of

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
PROBE = """
#include "source.h"
void probe_log(const float *x, float *y, size_t count);
void probe_steps(const float *before, const float *after, float *moved);
void probe_log(const float *x, float *y, size_t count)
{
    for (size_t i = 0; i < count; i++) y[i] = front_log(x[i]);
}
void probe_steps(const float *before, const float *after, float *moved)
{
    front_steps(before, after, moved);
}
"""
FLAGS = ["-O3 -march=native", "-O3 -ffast-math", "-O0", "-O2 -DBANDSTOP_PLAIN_C"]
SIZES = [(15, 2), (16, 1), (21, 1), (3, 2), (1, 1)]


@functools.cache
def probe(joints: int, bodies: int, flags: str):
    """The functions of a network that reads every node, and what it divides lengths by."""
    description = Description(skeleton_of(joints, bodies), chunks=2, speeds=True)
    nodes, features = description.size
    shape = Shape(1, nodes, features, 2, 2)
    bundle = bundle_of(shape, description, dict.fromkeys(shape.tensors, 1.0), compacted=False)
    made = source_of(bundle)
    files = {"wave.h": made.header, "source.h": made.source, "probe.c": PROBE}
    library = loaded(shared_library(files, find_compiler(f"gcc {flags}")))
    library.probe_log.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    library.probe_steps.argtypes = [ctypes.c_void_p] * 3
    return library, float(bundle.normalisation.std[0])


def steps(joints: int, bodies: int, flags: str, before: np.ndarray, after: np.ndarray):
    """Own speeds and speeds beside the body, in the unit of the frames."""
    library, size = probe(joints, bodies, flags)
    moved = np.zeros(2 * len(before), np.float32)
    frames = [np.ascontiguousarray(f, np.float32) for f in (before, after)]
    library.probe_steps(*(f.ctypes.data for f in frames), moved.ctypes.data)
    return size * moved.reshape(2, -1)


@pytest.mark.parametrize("flags", FLAGS)
def test_logarithms_are_right_over_their_range(flags):
    x = np.concatenate([np.geomspace(1e-30, 1e30, 20_001), np.linspace(0.5, 2, 20_001), [1.0]])
    x, y = x.astype(np.float32), np.zeros(len(x), np.float32)
    probe(15, 2, flags)[0].probe_log(x.ctypes.data, y.ctypes.data, len(x))
    meant = np.log(x.astype(np.float64))
    assert (np.abs(y - meant) <= 1e-7 * (1 + np.abs(meant))).all()
    assert y[-1] == 0


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize(("joints", "bodies"), SIZES)
def test_steps_are_those_that_recordings_are_described_by(joints, bodies, flags):
    random = np.random.default_rng(joints)
    for scale in (1e-3, 1.0, 1e3):
        frames = scale * random.normal(size=(2, joints * bodies, 3)).astype(np.float32)
        meant = speeds_of(frames, np.zeros((2, bodies), bool))[1].reshape(2, -1)
        found = steps(joints, bodies, flags, *frames)
        assert np.abs(found - meant).max() <= 1e-6 * meant.max()


@pytest.mark.parametrize("flags", FLAGS)
@pytest.mark.parametrize(("joints", "bodies"), SIZES[:4])
def test_a_body_that_moves_as_a_whole_has_no_speed_beside_itself(joints, bodies, flags):
    """To the last bit: its logarithm is taken with 0.001 added, so that what is lost would be seen."""
    before = np.random.default_rng(7).integers(-999, 999, (joints * bodies, 3)).astype(np.float32)
    own, beside = steps(joints, bodies, flags, before, before + np.float32([3.25, -7.5, 0.125]))
    np.testing.assert_allclose(own, np.sqrt(3.25**2 + 7.5**2 + 0.125**2), rtol=1e-6)
    assert (beside == 0).all()


@pytest.mark.parametrize("flags", FLAGS)
def test_a_body_that_is_absent_does_not_move(flags):
    before, after = np.random.default_rng(1).normal(size=(2, 30, 3)).astype(np.float32)
    after[15:] = 5.0  # all in one point
    own, beside = steps(15, 2, flags, before, after)
    assert (own[15:] == 0).all()
    assert (beside[15:] == 0).all()
    assert (own[:15] > 0).all()
