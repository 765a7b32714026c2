"""A traced module computes what the module does, and what cannot be followed is named."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

import bandstop as bs
from bandstop.graph import Graph, run, trace
from bandstop.graph.trace import elementwise, layers, moves, reductions
from bandstop.graph.trace.program import READERS


class Applies(nn.Module):
    """A function, with the modules and parameters that it is handed."""

    def __init__(self, f: Callable, *parts: nn.Module | Tensor) -> None:
        super().__init__()
        self.f, self.names = f, [f"part{i}" for i in range(len(parts))]
        for name, part in zip(self.names, parts, strict=True):
            setattr(self, name, nn.Parameter(part) if isinstance(part, Tensor) else part)

    def forward(self, *inputs: Tensor):
        return self.f(*inputs, *(getattr(self, name) for name in self.names))


class Tied(nn.Module):
    """One weight in two layers, a buffer beside it, and calls that are counted."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(4, 4), nn.Linear(4, 4)
        self.other.weight = self.one.weight
        self.register_buffer("shift", torch.randn(4))
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.other(torch.tanh(self.one(x) + self.shift))


def normed(norm: nn.Module) -> nn.Module:
    """A normalisation with numbers of its own."""
    for tensor in norm.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    return norm


def persons(x: Tensor, conv: nn.Module) -> Tensor:
    """(sample, channel, frame, node, person): persons go along with the batch."""
    n, c, t, v, m = x.shape
    y = conv(x.permute(0, 4, 1, 2, 3).contiguous().view(n * m, c, t, v))
    return y.view(n, m, *y.shape[1:]).mean(1)


P = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
SQUARE = P[:, :3]
VECTOR, IMAGE, SERIES = (4,), (4, 6, 5), (4, 7)

MODULES: dict[str, tuple[Callable[[], nn.Module], Sequence[tuple[int, ...]]]] = {
    "dense": (
        lambda: nn.Sequential(
            nn.Linear(4, 3), nn.ReLU(inplace=True), nn.Dropout(), nn.Linear(3, 2, bias=False)
        ),
        [VECTOR],
    ),
    "dense, along the last axis": (lambda: nn.Linear(7, 3), [SERIES]),
    "numbers": (
        lambda: Applies(
            lambda x: (1 - x, 2 / x, x - 1, x / 2, 3 * x, x + 1, -x, torch.rsub(x, 2, alpha=3),
                       torch.add(x, 2, alpha=3), torch.sub(x, 2, alpha=3), 1 / (2 - x), 0.5 - x / 4)
        ),
        [VECTOR],
    ),
    "two values": (
        lambda: Applies(
            lambda x, y: (x + y, x - y, x * y, x / y, torch.add(x, y, alpha=2),
                          torch.sub(x, y, alpha=-2), torch.rsub(x, y), y[:, :1] * x, x - y[:, :1]),
        ),
        [VECTOR, VECTOR],
    ),
    "in place": (
        lambda: Applies(lambda x, y: ((x + 0).relu_().add_(y).mul_(2).sub_(1), functional.relu(y, True))),
        [VECTOR, VECTOR],
    ),
    "an input that is changed in place": (lambda: Applies(lambda x: x.relu_() + 1), [VECTOR]),
    "functions": (
        lambda: Applies(
            lambda x: (
                torch.tanh(x), torch.sigmoid(x), functional.gelu(x), functional.gelu(x, approximate="tanh"),
                functional.silu(x), functional.leaky_relu(x), functional.leaky_relu(x, 0.3),
                functional.elu(x), functional.elu(x, 0.5), functional.hardswish(x),
                functional.hardtanh(x), functional.hardtanh(x, -0.2, 0.3), torch.exp(x), torch.sqrt(x),
                torch.abs(x), x**2, x**-1.0, x**0.5, torch.clamp(x, min=1.0), torch.clamp(x, max=1.0),
                torch.clamp(x, 0.9, 1.1), x.square(), x.rsqrt(), x.reciprocal(), functional.relu6(9 * x),
            )
        ),
        [VECTOR],
    ),
    "functions, as modules": (
        lambda: nn.Sequential(
            nn.Tanh(), nn.GELU("tanh"), nn.SiLU(), nn.LeakyReLU(0.2), nn.ELU(), nn.Hardswish(),
            nn.Hardtanh(-1, 2), nn.ReLU6(), nn.Sigmoid(), nn.Softmax(-1), nn.Identity(), nn.Dropout(),
        ),
        [VECTOR],
    ),
    "sums": (
        lambda: Applies(
            lambda x: (x.sum(1), x.sum(-1, keepdim=True), x.mean((1, -1)), x.mean((-2, -1), keepdim=True),
                       x.sum((1, 2, 3)), x.mean(-3))
        ),
        [IMAGE],
    ),
    "maxima": (
        lambda: Applies(
            lambda x: (x.amax(1), x.amax((-1, -2), keepdim=True), x.max(-1)[0], x.max(1, keepdim=True).values,
                       x.max(2).values, torch.amax(x, (1, 2, 3)))
        ),
        [IMAGE],
    ),
    "softmax": (lambda: Applies(lambda x: (x.softmax(-1), functional.softmax(x, 1))), [SERIES]),
    "shapes": (
        lambda: Applies(
            lambda x: (x.flatten(1), x.flatten(-2), x.reshape(len(x), -1, 2), x.unsqueeze(-1).squeeze(-1),
                       x.unflatten(1, (2, -1)), x.transpose(-1, 1), x.permute(0, -1, 1, 2), x.mT,
                       x.transpose(1, 2).contiguous().view(len(x), 24, 5), x.clone(), x[:, None],
                       x.unsqueeze(1).expand(-1, 2, -1, -1, -1), x.permute(1, 2, 0, 3).flatten(1, 2).sum(0),
                       x.to(x.dtype), x.detach())
        ),
        [IMAGE],
    ),
    "parts": (
        lambda: Applies(
            lambda x: (x[:, 1], x[..., -1], x[:, 1:3], x[:, ::2], x[:, -3:, 1:-1:2], x.select(-2, -1),
                       x.narrow(1, 1, 2), *x.unbind(-1), *x.chunk(3, 2), *x.chunk(3, -1),
                       *x.split(4, 2), *x.split([1, 2, 1], -3), x[:, :100])
        ),
        [IMAGE],
    ),
    "places": (
        lambda: Applies(
            lambda x: (x[:, [2, 0, -1]], x[:, :, [[0, 1], [2, 0]]], x[..., [1]], x.flip(-1), x.flip([1, 2]),
                       x.roll(2, -1), x.roll((1, -1), (1, 2)), x.repeat(1, 2, 1, 3),
                       x.index_select(2, torch.tensor([1, 1, 0])), x.tile(1, 1, 2, 1), x.tile(2, 3),
                       x.flip([]), x.index_select(1, torch.tensor([1, 0], dtype=torch.int)))
        ),
        [IMAGE],
    ),
    "constants like a value": (
        lambda: Applies(
            lambda x: (x + torch.zeros_like(x), x * torch.full_like(x, 2.0), x - torch.ones_like(x[:, :1]),
                       torch.cat([x, x.new_zeros(len(x), 1, 7)], 1), x * x.new_ones(4, 1),
                       x + x.new_full((len(x), 4, 1), 0.5))
        ),
        [SERIES],
    ),
    "spread": (
        lambda: Applies(
            lambda x: (x.var(1), x.var((1, 2), keepdim=True), x.var(2, correction=0), x.std(-1),
                       x.std(1, correction=0, keepdim=True), x.var(1, unbiased=False), x.std((1, 2), False))
        ),
        [SERIES],
    ),
    "together": (
        lambda: Applies(
            lambda x, y: (torch.cat([x, y], 1), torch.cat([x, y, x], -1), torch.stack([x, y], 1),
                          torch.stack([x, y], -1), torch.cat([x, torch.zeros(len(x), 2, 7)], 1))
        ),
        [SERIES, SERIES],
    ),
    "of another size": (
        lambda: Applies(lambda x, y, p: (x @ p, y + 1, torch.cat([x @ p, y], 1)), P.T.clone()),
        [VECTOR, (2,)],
    ),
    "zeros around": (
        lambda: Applies(
            lambda x: (functional.pad(x, (1, 2)), functional.pad(x, (0, 1, 2, 0)), nn.ZeroPad1d(2)(x))
        ),
        [SERIES],
    ),
    "einsum": (
        lambda: Applies(
            lambda x, p: (torch.einsum("nct,vc->nvt", x, p), torch.einsum("nct, vc -> nvt", x, p),
                          torch.einsum("Nct,vc", x, p), torch.einsum("vc,nct", p, x),
                          torch.einsum("nct->nc", x), torch.einsum("nct,nkt->nck", x, x)),
            P,
        ),
        [SERIES],
    ),
    "matrices": (
        lambda: Applies(
            lambda x, y, p, q: (p @ x, x.mT @ p.T, torch.matmul(x.mT, p.T), torch.bmm(x, y),
                                torch.mm(x[:, 0, :3], p), torch.addmm(p[0], x[:, 0, :3], p),
                                x @ y, p.t() @ q),
            P, SQUARE,
        ),
        [SERIES, (7, 2)],
    ),
    "convolutions over time": (
        lambda: nn.Sequential(
            nn.Conv1d(4, 6, 3, stride=2, padding=2), nn.Conv1d(6, 4, 2, groups=2), nn.ReLU(),
            nn.Conv1d(4, 4, 3, padding="same", dilation=2), nn.Conv1d(4, 2, 1, bias=False),
            nn.Conv1d(2, 2, 1, padding="valid"),
        ),
        [SERIES],
    ),
    "convolutions over frames and nodes": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 6, (3, 1), (2, 1), (2, 0), (2, 1)), nn.Conv2d(6, 6, (1, 3), padding="same"),
            nn.Conv2d(6, 6, 2, groups=6, bias=False), nn.Conv2d(6, 3, 1),
        ),
        [IMAGE],
    ),
    "convolutions over space": (lambda: nn.Conv3d(2, 3, 2, 1, (1, 0, 1)), [(2, 3, 3, 3)]),
    "convolution of a function": (
        lambda: Applies(lambda x, w: functional.conv1d(x, w[:, :, None], stride=2), P), [SERIES],
    ),
    "normalisation": (
        lambda: nn.Sequential(normed(nn.BatchNorm2d(4)), normed(nn.BatchNorm2d(4, affine=False)),
                              nn.Flatten(), normed(nn.BatchNorm1d(120)), nn.Linear(120, 3),
                              normed(nn.BatchNorm1d(3, eps=0.1))),
        [IMAGE],
    ),
    "normalisation of series": (lambda: nn.Sequential(normed(nn.BatchNorm1d(4)), nn.ReLU()), [SERIES]),
    "normalisation of layers": (
        lambda: nn.Sequential(normed(nn.LayerNorm(7)), normed(nn.LayerNorm((4, 7), eps=0.1)),
                              nn.LayerNorm(7, elementwise_affine=False), normed(nn.LayerNorm(7, bias=False))),
        [SERIES],
    ),
    "pools": (
        lambda: Applies(
            lambda x: (functional.max_pool2d(x, 2), functional.max_pool2d(x, (3, 2), 1, 1),
                       functional.max_pool2d(x, 2, ceil_mode=True), functional.max_pool2d(x, 2, dilation=2),
                       functional.avg_pool2d(x, 2), functional.avg_pool2d(x, (3, 1), 2, (1, 0)),
                       functional.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
                       functional.adaptive_avg_pool2d(x, 1), functional.adaptive_avg_pool2d(x, (3, None)),
                       nn.MaxPool2d(3, 2, 1)(x), nn.AvgPool2d(2, ceil_mode=True)(x))
        ),
        [IMAGE],
    ),
    "pools over time": (
        lambda: Applies(
            lambda x: (functional.max_pool1d(x, 3, 2, 1), functional.avg_pool1d(x, 2, 1),
                       functional.avg_pool1d(x, 3, padding=1), functional.adaptive_avg_pool1d(x, 1),
                       nn.AdaptiveAvgPool1d(7)(x), functional.max_pool1d(x, 2, ceil_mode=True))
        ),
        [SERIES],
    ),
    "windows": (
        lambda: Applies(lambda x: (functional.unfold(x, (3, 1), padding=(1, 0)),
                                   functional.unfold(x, 2, dilation=2, stride=(1, 2)))),
        [IMAGE],
    ),
    "persons beside the batch": (
        lambda: Applies(persons, nn.Sequential(nn.Conv2d(3, 4, (3, 1)), normed(nn.BatchNorm2d(4)))),
        [(3, 5, 4, 2)],
    ),
    "tied": (Tied, [VECTOR]),
    "tables of names": (lambda: Applies(lambda x: {"a": x + 1, "b": (x * 2, None)}), [VECTOR]),
}  # fmt: skip
"""Name -> module, and the shapes of its inputs without the batch."""


def outputs(made) -> list[Tensor]:
    return [t for t in torch.utils._pytree.tree_leaves(made) if isinstance(t, Tensor)]


def batch(shapes: Sequence[tuple[int, ...]], size: int, like=torch.float32) -> tuple[Tensor, ...]:
    return tuple((torch.rand(size, *shape) + 0.5).to(like) for shape in shapes)


class Noticing(dict):
    """Readers, and which of them were asked for."""

    def __init__(self, readers: dict) -> None:
        super().__init__(readers)
        self.used: set[str] = set()

    def get(self, name, default=None):
        self.used.add(name)
        return super().get(name, default)


@functools.cache
def traced(name: str) -> tuple[nn.Module, torch.dtype, Graph, set[str]]:
    """A module of the table, its type and graph, and the readers that it took."""
    make, shapes = MODULES[name]
    dtype = torch.float64 if name in ("dense", "normalisation") else torch.float32
    model = make().eval().to(dtype)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(trace.__globals__, "READERS", readers := Noticing(READERS))
        graph = trace(model, batch(shapes, 1 if len(name) % 2 else 3, dtype))
    return model, dtype, graph, readers.used


@pytest.mark.parametrize("name", MODULES)
def test_a_graph_computes_what_its_module_does_for_any_batch(name):
    model, dtype, graph, _ = traced(name)
    for size in (1, 2, 5):
        inputs = batch(MODULES[name][1], size, dtype)
        here = run(graph, [x.clone() for x in inputs])
        there = outputs(model(*(x.clone() for x in inputs)))
        assert len(here) == len(there)
        for one, other in zip(here, there, strict=True):
            assert one.shape == other.shape
            assert one.dtype == other.dtype
            torch.testing.assert_close(one, other)


OTHER_VERSIONS = {
    "_adaptive_avg_pool2d", "_softmax", "_to_copy", "chunk", "constant_pad_nd", "contiguous", "dropout",
    "flatten", "lift_fresh_copy", "max_pool2d_with_indices", "native_layer_norm", "reshape", "to",
    "unflatten",
}  # fmt: skip
"""Readers of what other versions of torch.export write."""


def test_no_two_modules_read_one_operation():
    parts = (moves.READERS, layers.READERS, elementwise.READERS, reductions.READERS)
    assert sum(map(len, parts)) == len(READERS)


def test_the_table_above_asks_for_every_reader():
    used = set().union(*(traced(name)[3] for name in MODULES))
    assert set(READERS) - used <= OTHER_VERSIONS


REFUSED: dict[str, tuple[Callable, str]] = {
    "rounding": (lambda x: torch.div(x, 2, rounding_mode="floor"), "div"),
    "a power of a number": (lambda x: 2**x, "pow"),
    "scaled elu": (lambda x: torch.ops.aten.elu(x, 1.6, 1.05), "elu"),
    "noise": (lambda x: x + torch.randn(4), "randn, which is random"),
    "places of two dimensions": (
        lambda x: x[:, None][:, [0, 0], [1, 2]], "index.* several dimensions at once"
    ),
    "samples in another order": (lambda x: x.flip(0), "flip over the batch"),
    "samples in turn": (lambda x: x.roll(1, 0), "roll over the batch"),
    "flat": (lambda x: x.roll(1), "roll without dimensions"),
    "samples again": (lambda x: x.repeat(2, 1), "repeat over the batch"),
    "more dimensions": (lambda x: x.repeat(2, 1, 1), "repeat along a new dimension"),
    "one value's variance": (lambda x: x[:, :1].var(1), "var.* of so few values"),
    "variance of samples": (lambda x: x.var(0), "var.* over the batch"),
    "every other sample": (lambda x: x[::2], "slice.* over the batch"),
    "one sample": (lambda x: x + x[0], "select.* over the batch"),
    "samples apart": (lambda x: x.unbind(0)[0], "unbind.* over the batch"),
    "a maximum of samples": (lambda x: x - x.amax(0), "amax over the batch"),
    "samples compete": (lambda x: x.softmax(0), "softmax.* over the batch"),
    "a mean of samples": (lambda x: x - x.mean(0), "mean.* over the batch"),
    "pairs of samples": (lambda x: x @ x.T, "every pair of samples"),
    "a sum of products of samples": (lambda x: x @ (x.T @ x), "matmul over the batch"),
    "an equation over samples": (lambda x: torch.einsum("nc,nd->cd", x, x), "einsum over the batch"),
    "samples behind samples": (lambda x: torch.cat([x, x]), "cat over the batch"),
    "samples as channels": (
        lambda x: functional.max_pool1d(x.T[None], 2), "max_pool1d over the batch",
    ),
    "another type": (lambda x: x.double() + 1, "a change of type"),
    "where the maximum is": (lambda x: x.max(1).indices + 0, "result 1 of"),
    "a maximum of two": (lambda x: torch.max(x, -x), "max.* of two values"),
    "a vector": (lambda x: x @ torch.ones(4), "matmul of a vector|mv"),
    "an ellipsis": (lambda x: torch.einsum("...c->...", x), "ellipsis"),
}  # fmt: skip
"""What a graph would get wrong -> what is said of it."""


@pytest.mark.parametrize("name", REFUSED)
def test_what_a_graph_would_get_wrong_is_refused(name):
    f, words = REFUSED[name]
    with pytest.raises(bs.BadInput, match=words):
        trace(Applies(f), torch.rand(3, 4))


def test_unknown_operations_are_named_together_with_their_places():
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Sequential(nn.Linear(4, 4), Applies(torch.erf))

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x).cumsum(1)

    with pytest.raises(bs.BadInput) as caught:
        trace(Outer(), torch.rand(3, 4))
    said = str(caught.value)
    assert "erf in inner.1" in said
    assert "cumsum in the module" in said
    assert "\n" not in said


def test_a_module_that_looks_at_values_is_refused_with_the_reason_in_one_line():
    with pytest.raises(
        bs.BadInput, match=r"torch\.export cannot follow this module: \w+"
    ) as caught:
        trace(Applies(lambda x: x if x.sum() > 0 else -x), torch.rand(3, 4))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "example", [(), torch.zeros(()), torch.zeros(0, 4), [torch.rand(3, 4), 1.0]]
)
def test_an_example_is_a_batch_of_something(example):
    with pytest.raises(bs.BadInput, match="example"):
        trace(nn.Linear(4, 3), example)


def test_a_module_is_left_as_it_was():
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(), nn.Linear(3, 2))
    model[1].eval()
    before = {name: t.clone() for name, t in model.state_dict().items()}
    modes = [m.training for m in model.modules()]
    trace(model, torch.rand(3, 4))
    with pytest.raises(bs.BadInput):
        trace(nn.Sequential(model, Applies(torch.erf)), torch.rand(3, 4))
    with pytest.raises(bs.BadInput):
        trace(nn.Sequential(model, Applies(lambda x: x.sum().item())), torch.rand(3, 4))
    assert [m.training for m in model.modules()] == modes
    assert all(torch.equal(t, before[name]) for name, t in model.state_dict().items())
    assert all(p.requires_grad and p.grad is None for p in model.parameters())


def test_calls_that_are_counted_do_not_count_a_trace():
    model = Tied()
    graph = trace(model, torch.rand(3, 4))
    assert float(model.calls) == 0
    assert len(graph.outputs) == 1
    assert "one.weight" in graph.tensors
    assert "other.weight" not in graph.tensors


def test_a_parameter_may_be_called_as_an_input_or_an_operation_is():
    class Named(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.x = nn.Parameter(torch.rand(4))
            self.add = nn.ParameterList([torch.rand(4), torch.rand(4)])

        def forward(self, x: Tensor) -> Tensor:
            return x + self.x + self.add[0] + self.add[1]

    model, x = Named(), torch.rand(3, 4)
    torch.testing.assert_close(run(trace(model, x), (x,))[0], model(x))


@pytest.mark.parametrize("frames", [58, 2018])
def test_a_size_that_could_be_a_batch_is_none(frames):
    """Half of the frames are a prime that batches are looked at with."""
    model = Applies(
        lambda x: functional.max_pool1d(x[..., :-1] if frames % 4 else x, 2),
    )
    x = torch.rand(3, 2, frames + 1)
    here, there = run(trace(model, x), (x,))[0], model(x)
    assert here.shape == there.shape
    assert torch.equal(here, there)


def test_a_run_wants_as_many_inputs_of_the_shapes_that_it_was_traced_with():
    graph = trace(nn.Linear(4, 3), torch.rand(3, 4))
    with pytest.raises(bs.BadInput, match="takes 1 inputs, not 2"):
        run(graph, (torch.rand(3, 4), torch.rand(3, 4)))
    with pytest.raises(bs.BadInput, match=r"\(batch, 4\), not \(3, 5\)"):
        run(graph, (torch.rand(3, 5),))
