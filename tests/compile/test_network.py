"""Any network as C: random graphs, networks after published ones, strict compilers, sanitizers."""

from __future__ import annotations

import copy
import functools
import shutil
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from graphs import graphs, inputs_of, masked, with_masks
from hypothesis import HealthCheck, given, settings
from torch import nn

from bandstop.compile.build import find_compiler
from bandstop.compile.network import NetworkNative, compile_network, emit, write_c
from bandstop.compile.network import api as network_api
from bandstop.compile.network.elements import WITH_NUMBERS
from bandstop.compile.network.lower import LOWER
from bandstop.errors import BadInput, Failure
from bandstop.graph import Graph, GraphNet, run, shrink, trace
from bandstop.networks import NETWORKS as OURS

from .conftest import COMPILERS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))
from foreign_networks import NETWORKS  # noqa: E402

pytestmark = pytest.mark.skipif(not shutil.which("gcc"), reason="gcc is not installed")
WARNINGS = (
    "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wdouble-promotion",
    "-Werror",
)  # fmt: skip
BONES = [(joint, joint + 1) for joint in range(6)]
FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
MANY = settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))


def require_same(graph) -> None:
    """C against torch in double precision: as near as torch is in single, or 1e-5."""
    native = NetworkNative(emit(graph))
    for seed in range(3):
        inputs = inputs_of(graph, 1, seed)
        exact = run(graph, inputs)
        single = graph.float()
        near = run(single, [x.float() for x in inputs])
        found = native(*(x[0].float().numpy() for x in inputs))
        found = found if isinstance(found, tuple) else (found,)
        for meant, rounded, ours in zip(exact, near, found, strict=True):
            if not meant.isfinite().all() or meant.abs().max() > 1e6:
                continue  # a quotient by nearly nothing
            off = np.abs(meant[0].numpy() - ours).max()
            allowed = 1e-5 * float(meant.abs().max().clamp(min=1e-3))
            assert off <= allowed + 20 * float((meant - rounded).abs().max())


@FEW
@given(case=masked())
def test_random_graphs_give_what_torch_gives(case):
    require_same(with_masks(*case))


@FEW
@given(case=masked())
def test_and_so_do_small_ones(case):
    require_same(shrink(with_masks(*case)))


@pytest.mark.slow
@MANY
@given(graph=graphs())
def test_a_thousand_random_graphs(graph):
    require_same(graph)


@functools.cache
def whole(name: str) -> tuple[nn.Module, torch.Tensor, Graph]:
    """A network, its statistics and starting zeros replaced by noise, an input and the graph."""
    torch.manual_seed(0)
    net = NETWORKS[name](7, BONES, 5).eval()
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                assert module.running_mean is not None
                assert module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
                module.bias.normal_()
        for p in net.parameters():
            if not p.any():
                p.normal_()
    x = torch.randn(2, 3, 16, 7)
    return net, x, trace(net, x)


def foreign(name: str, rate: float) -> tuple[nn.Module, torch.Tensor, Graph]:
    """The same with its smallest weights gone: tracing sees shapes, so one graph serves every rate."""
    net, x, graph = copy.deepcopy(whole(name))
    small = dict(net.named_parameters())
    with torch.no_grad():
        for p in small.values():
            if p.ndim > 1 and rate:
                p.mul_(p.abs() >= p.abs().quantile(rate))
    return net, x, graph.with_tensors({n: p for n, p in small.items() if n in graph.tensors})


WHOLE = ("ctrgcn", "tcn")
"""Networks that are built as they are shipped without a zero too; of the others `make slow` builds them."""


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        pytest.param(name, rate, marks=() if rate or name in WHOLE else pytest.mark.slow)
        for name in NETWORKS
        for rate in (0.0, 0.8)
    ],
)
def test_networks_after_published_ones(name, rate):
    net, x, graph = foreign(name, rate)
    small = GraphNet(shrink(graph))
    native = compile_network(small)
    with torch.no_grad():
        meant = net(x)[1].numpy()
    assert np.abs(native(x[1].numpy()) - meant).max() <= 1e-5 * np.abs(meant).max()


@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_compilers_have_nothing_to_say(name, compiler, tmp_path):
    _, _, graph = foreign(name, 0.5)
    made = emit(graph, "wave")
    (tmp_path / "wave.c").write_text(made.source)
    (tmp_path / "wave.h").write_text(made.header)
    for plain in ((), ("-DBANDSTOP_PLAIN_C",)):
        command = [compiler, *WARNINGS, "-O1", *plain, "-c", "wave.c", "-o", "wave.o"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[:2000]


MAIN = r"""
#include "wave.h"
#include <stdio.h>
#include <stdlib.h>
int main(void)
{
    float *in = malloc(sizeof(float) * $IN), *out = malloc(sizeof(float) * $OUT);
    void *scratch = aligned_alloc(64, (WAVE_SCRATCH_BYTES + 63) / 64 * 64);
    for (int i = 0; i < $IN; i++) in[i] = (float)(i % 7) - 3.0f;
    wave_run(in, out, scratch);
    for (int i = 0; i < $OUT; i++) printf("%.9g\n", (double)out[i]);
    free(in);
    free(out);
    free(scratch);
    return 0;
}
"""


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_no_byte_outside_its_memory_is_touched(name, plain, tmp_path):
    net, x, graph = foreign(name, 0.5)
    made = emit(graph, "wave")
    main = MAIN.replace("$IN", str(x[0].numel())).replace("$OUT", "5")
    for file, text in (("wave.c", made.source), ("wave.h", made.header), ("main.c", main)):
        (tmp_path / file).write_text(text)
    flags = ("-O0", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    more = ("-DBANDSTOP_PLAIN_C",) if plain else ("-march=native",)
    command = ["gcc", *flags, *more, "wave.c", "main.c", "-o", "wave", "-lm"]
    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr[:2000]
    done = subprocess.run(["./wave"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:2000]
    given_ = torch.tensor([(i % 7) - 3.0 for i in range(x[0].numel())]).view(1, *x.shape[1:])
    with torch.no_grad():
        meant = net(given_)[0].numpy()
    found = np.array([float(line) for line in done.stdout.split()])
    assert np.abs(found - meant).max() <= 1e-5 * np.abs(meant).max()


def test_a_file_is_written_with_its_header_and_answers(tmp_path):
    net, x, _ = foreign("tcn", 0.5)
    made = write_c(net, tmp_path / "wave.c", x)
    assert (tmp_path / "wave.c").read_text() == made.source
    assert (tmp_path / "wave.h").read_text() == made.header
    assert made.inputs == ((3, 16, 7),)
    assert made.outputs == ((5,),)
    assert made.weights <= sum(int(p.count_nonzero()) for p in net.parameters())


def test_what_disagrees_is_not_written(tmp_path, monkeypatch):
    net, x, _ = foreign("tcn", 0.5)
    right = network_api.emit

    def wrong(graph, name):
        first = next(n for n, t in graph.tensors.items() if t.ndim > 1)
        return right(graph.with_tensors({first: 1.01 * graph.tensors[first]}), name)

    monkeypatch.setattr(network_api, "emit", wrong)
    with warnings.catch_warnings(), pytest.raises(Failure, match="nothing is written"):
        write_c(net, tmp_path / "wave.c", x)
    assert not list(tmp_path.iterdir())


class Rounded(nn.Module):
    """What is left of it in single precision is rounding."""

    def forward(self, x):
        return (x.square() + 1e8).sqrt() - 1e4


def test_what_single_precision_cannot_tell_is_not_proven(tmp_path):
    with pytest.raises(Failure, match="nothing is proven"):
        write_c(Rounded(), tmp_path / "wave.c", torch.ones(1, 5))
    assert not list(tmp_path.iterdir())


class Steep(nn.Module):
    """Beyond 5, where only the largest noise comes, single precision is off by more than C may be."""

    def __init__(self, slope: float = 1.0) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, x):
        return x + ((self.slope * torch.relu(x - 5)).square() + 1e6).sqrt() - 1e3


def test_where_single_precision_is_off_c_must_still_be_as_near(tmp_path, monkeypatch):
    x = torch.ones(1, 5)
    write_c(Steep(), tmp_path / "right.c", x)
    right, other = network_api.emit, trace(Steep(1.1), x)
    monkeypatch.setattr(network_api, "emit", lambda graph, name: right(other, name))
    with pytest.raises(Failure, match="torch and C disagree"):
        write_c(Steep(), tmp_path / "wrong.c", x)
    assert not list(tmp_path.glob("wrong*"))


EDGES = (
    0.0,
    -0.0,
    1e-30,
    0.6249999,
    0.625,
    9.0,
    50.0,
    87.0,
    88.0,
    88.29,
    88.31,
    500.0,
    1e30,
    np.inf,
)


@pytest.mark.parametrize(
    ("function", "absolute"),
    [(torch.tanh, 0.0), (torch.sigmoid, 1e-38), (nn.functional.silu, 1e-36), (torch.exp, 1e-38),
     (nn.functional.gelu, 1e-6), (partial(nn.functional.gelu, approximate="tanh"), 1e-6)],
)  # fmt: skip
@pytest.mark.parametrize("flags", ["-O3", "-O3 -ffast-math", "-O0"])
def test_functions_are_right_everywhere(function, absolute, flags):
    """Vectors of own functions, and what is left over after them; NaN stays NaN."""
    compiler, reckless = find_compiler(f"gcc {flags}"), "fast" in flags

    class Net(nn.Module):
        def forward(self, x):
            return function(x)

    x = np.concatenate([np.linspace(-20, 20, 4001), EDGES, np.negative(EDGES)]).astype(np.float32)
    graph = trace(Net(), torch.ones(1, len(x)))
    found = NetworkNative(emit(graph), compiler)(x)
    meant = function(torch.from_numpy(x).double()).numpy()
    with np.errstate(all="ignore"):
        near = np.abs(found - meant) <= 1e-6 * np.abs(meant) + absolute
    whole = np.isfinite(meant) & (np.abs(meant) < 3e38)
    if reckless:  # numbers without infinities, and denormal ones for 0
        whole &= (np.abs(x) < 80) & (np.abs(x) > 1e-20)
    assert (near | (found == meant.astype(np.float32)) | ~whole).all(), x[~near & whole]
    assert sys.float_info.min / 2 > 0, "loading it changed this process"
    nothing = NetworkNative(emit(graph), compiler)(np.full_like(x, np.nan))
    assert np.isnan(nothing).all() or reckless


def test_what_cannot_be_compiled_says_so(tmp_path, monkeypatch):
    net, x, _ = foreign("tcn", 0.5)
    with pytest.raises(BadInput, match=r"ends in \.c"):
        write_c(net, tmp_path / "wave.h", x)
    with pytest.raises(BadInput, match="needs an example"):
        write_c(net, tmp_path / "wave.c")
    monkeypatch.delitem(WITH_NUMBERS, "gelu")
    monkeypatch.delitem(LOWER, "softmax")
    with pytest.raises(BadInput, match="there is no C for gelu, softmax yet"):
        write_c(
            nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Softmax(1)),
            tmp_path / "wave.c",
            torch.ones(1, 3),
        )
    with pytest.raises(BadInput, match="takes"):
        compile_network(net, x)(np.zeros((3, 16, 8)))


@pytest.mark.parametrize("persons", [1, 2])
@pytest.mark.parametrize("name", OURS)
def test_our_own_networks_of_one_person_and_of_two(name, persons):
    torch.manual_seed(0)
    net = OURS[name](7, BONES, 5, 3, persons, (12, 24)).eval()
    for parameter in net.parameters():
        if not parameter.any():  # what starts at 0 would hide what is behind it
            nn.init.normal_(parameter)
        if parameter.ndim > 1:
            parameter.data.mul_(parameter.abs() >= parameter.abs().quantile(0.5))
    x = torch.randn(2, persons, 8, 7, 3)
    native = compile_network(GraphNet(shrink(trace(net, x))))
    with torch.no_grad():
        meant = net(x)[1].numpy()
    assert np.abs(native(x[1].numpy()) - meant).max() <= 1e-5 * np.abs(meant).max()


def test_a_constant_that_differs_from_sample_to_sample_is_no_bias_of_rows():
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 1)
            self.shift = nn.Parameter(torch.randn(2, 1, 1, 1))

        def forward(self, x):  # (batch, 2, 3, 5, 6)
            y = self.conv(x.flatten(0, 1)).unflatten(0, (-1, 2)) + self.shift[None]
            return torch.relu(y).sum((2, 3, 4))

    net, x = Net().eval(), torch.randn(1, 2, 3, 5, 6)
    compile_network(GraphNet(trace(net, x)))
