"""Every kind of module and parameter that somebody may bring, as a table: a new kind is a row.

Each row makes a small model, says how it is called, and what `attach` must do with it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations, parametrize, prune

Call = Callable[[nn.Module], Tensor]


@dataclass(frozen=True)
class Row:
    """A model and what becomes of it.

    make      the model, seeded by the caller
    call      an output of it, from an input of its own that is the same every time
    left_out  names that bear no gate -> a word of the reason
    refused   words of the sentence where nothing can be attached at all
    """

    make: Callable[[], nn.Module]
    call: Call
    left_out: dict[str, str] = field(default_factory=dict)
    refused: str = ""


def x(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1)).to(dtype)


def on(*shape: int, dtype: torch.dtype = torch.float32) -> Call:
    """Called with one tensor; a module with several outputs gives the first."""

    def call(model: nn.Module) -> Tensor:
        out = model(x(*shape, dtype=dtype))
        return out[0] if isinstance(out, tuple) else out

    return call


def on_words(model: nn.Module) -> Tensor:
    return model(torch.tensor([[0, 2, 2], [1, 4, 0]]))


def uncompiled(model: nn.Module) -> Tensor:
    """A compiled module as it is, for what checks shapes in tests cannot be compiled."""
    with torch.compiler.set_stance("force_eager"):
        return model(x(*FLAT))


class Beside(nn.Module):
    """A linear layer, and a parameter beside it that takes part."""

    def __init__(self, extra: nn.Parameter, use: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.layer, self.extra, self.use = nn.Linear(6, 6), extra, use

    def forward(self, x: Tensor) -> Tensor:
        return self.use(self.layer(x), self.extra)


def beside(tensor: Tensor, use: Callable[[Tensor, Tensor], Tensor], trained: bool = True):
    return lambda: Beside(nn.Parameter(tensor.clone(), requires_grad=trained), use)


def ignored(x: Tensor, extra: Tensor) -> Tensor:
    return x


class Listed(nn.Module):
    """Weights in a ParameterList and a ParameterDict."""

    def __init__(self) -> None:
        super().__init__()
        self.several = nn.ParameterList([nn.Parameter(torch.randn(6, 6)) for _ in range(2)])
        self.named = nn.ParameterDict({"last": nn.Parameter(torch.randn(6, 3))})

    def forward(self, x: Tensor) -> Tensor:
        for weight in self.several:
            x = torch.tanh(x @ weight)
        return x @ self.named["last"]


class Words(nn.Module):
    """An embedding whose transpose is the last layer, as language models have it."""

    def __init__(self, **options) -> None:
        super().__init__()
        self.words, self.middle = nn.Embedding(5, 6, **options), nn.Linear(6, 6)
        self.last = nn.Linear(6, 5, bias=False)
        self.last.weight = self.words.weight

    def forward(self, words: Tensor) -> Tensor:
        return self.last(torch.tanh(self.middle(self.words(words))))


class LowRank(nn.Module):
    """A parametrization with weights of its own, as adapters have it."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = (nn.Parameter(torch.randn(*s)) for s in ((6, 2), (2, 6)))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + self.a @ self.b


class OwnParameter(nn.Parameter):
    """A Parameter by another name."""


class OwnTensor(torch.Tensor):
    """A subclass that its results inherit."""


class Attends(nn.MultiheadAttention):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x, x, x, need_weights=False)[0]


def net(middle: Callable[[nn.Linear], nn.Module] = lambda layer: layer) -> nn.Module:
    """Three layers, the one in the middle dressed by a function."""
    return nn.Sequential(
        nn.Linear(6, 6), nn.Tanh(), middle(nn.Linear(6, 6)), nn.Tanh(), nn.Linear(6, 3)
    )


def frozen(layer: nn.Linear) -> nn.Linear:
    return layer.requires_grad_(False)


def low_rank(layer: nn.Linear) -> nn.Linear:
    parametrize.register_parametrization(layer, "weight", LowRank())
    return layer


def pruned(layer: nn.Linear) -> nn.Linear:
    return prune.l1_unstructured(layer, "weight", 0.5)


def tied_to_normed() -> nn.Module:
    """A plain layer whose weight is the part of a weight-normed one that gates must not touch."""
    model = net(parametrizations.weight_norm)
    model[0].weight = model[2].parametrizations.weight.original1
    return model


def scaled(by: float, dtype: torch.dtype = torch.float32):
    """One layer of such weights between two plain ones."""

    def make() -> nn.Module:
        model = net().to(dtype)
        with torch.no_grad():
            model[2].weight.mul_(by)
        return model

    return make


def filled(value: float):
    def make() -> nn.Module:
        model = net()
        with torch.no_grad():
            model[2].weight[:] = value
        return model

    return make


def on_two_devices() -> nn.Module:
    return nn.Sequential(nn.Linear(6, 6), nn.Linear(6, 6, device="meta"))


HOOKED = "a hook computes `weight`"
MADE = "parametrized already"
FLAT, HALF, BRAIN = (5, 6), torch.float16, torch.bfloat16
functional = torch.nn.functional

KINDS: dict[str, Row] = {
    # --- gated ---------------------------------------------------------------------------------
    "linear": Row(net, on(*FLAT)),
    "bilinear": Row(lambda: nn.Bilinear(4, 4, 5), lambda m: m(x(3, 4), x(3, 4))),
    "convolution": Row(lambda: nn.Conv2d(3, 4, (9, 1), padding=(4, 0)), on(2, 3, 9, 5)),
    "transposed convolution": Row(lambda: nn.ConvTranspose1d(3, 4, 3), on(2, 3, 8)),
    "convolution by groups": Row(lambda: nn.Conv1d(4, 8, 3, groups=4), on(2, 4, 8)),
    "LSTM": Row(lambda: nn.LSTM(4, 5, 2, bidirectional=True, batch_first=True), on(2, 7, 4)),
    "GRU": Row(lambda: nn.GRU(4, 5), on(7, 2, 4)),
    "RNN cell": Row(lambda: nn.RNNCell(4, 5), on(2, 4)),
    "attention": Row(lambda: Attends(8, 2, batch_first=True), on(2, 5, 8)),
    "transformer": Row(
        lambda: nn.TransformerEncoderLayer(8, 2, 12, dropout=0.0, batch_first=True), on(2, 5, 8)
    ),
    "embedding, tied": Row(Words, on_words),
    "embedding of bounded norm": Row(lambda: nn.Embedding(5, 6, max_norm=1.0), on_words),
    "list and dictionary": Row(Listed, on(*FLAT)),
    "a parameter class of its own": Row(
        lambda: Beside(OwnParameter(x(6, 6)), torch.matmul), on(*FLAT)
    ),
    "a tensor class of its own": Row(
        lambda: Beside(nn.Parameter(x(6, 6).as_subclass(OwnTensor)), torch.matmul), on(*FLAT)
    ),
    "data parallel": Row(lambda: nn.DataParallel(net()), on(*FLAT)),
    "compiled": Row(lambda: torch.compile(net(), backend="eager"), uncompiled),
    "called functionally": Row(
        net, lambda m: functional_call(m, dict(m.named_parameters()), x(*FLAT))
    ),
    "an unused layer": Row(beside(x(4, 4), ignored), on(*FLAT)),
    "another precision each": Row(
        lambda: Beside(nn.Parameter(x(6, 6).double()), lambda y, w: y.double() @ w), on(*FLAT)
    ),
    "half precision": Row(lambda: net().to(HALF), on(*FLAT, dtype=HALF)),
    "half precision, tiny": Row(scaled(1e-5, HALF), on(*FLAT, dtype=HALF)),
    "half precision, huge": Row(scaled(1e3, HALF), on(*FLAT, dtype=HALF)),
    "bfloat16": Row(lambda: net().to(BRAIN), on(*FLAT, dtype=BRAIN)),
    "bfloat16, tiny": Row(scaled(1e-30, BRAIN), on(*FLAT, dtype=BRAIN)),
    "bfloat16, huge": Row(scaled(1e30, BRAIN), on(*FLAT, dtype=BRAIN)),
    "single precision, tiny": Row(scaled(1e-30), on(*FLAT)),
    "single precision, huge": Row(scaled(1e30), on(*FLAT)),
    "double precision, tiny": Row(scaled(1e-200, torch.double), on(*FLAT, dtype=torch.double)),
    "double precision, huge": Row(scaled(1e200, torch.double), on(*FLAT, dtype=torch.double)),
    # --- left out and said so -------------------------------------------------------------------
    "weight norm, by a hook": Row(
        lambda: net(nn.utils.weight_norm), on(*FLAT), {"2.weight_g": HOOKED, "2.weight_v": HOOKED}
    ),
    "weight norm": Row(lambda: net(parametrizations.weight_norm), on(*FLAT), {"2.weight": MADE}),
    "spectral norm, by a hook": Row(
        lambda: net(nn.utils.spectral_norm), on(*FLAT), {"2.weight_orig": HOOKED}
    ),
    "spectral norm": Row(
        lambda: net(parametrizations.spectral_norm), on(*FLAT), {"2.weight": MADE}
    ),
    "orthogonal": Row(lambda: net(parametrizations.orthogonal), on(*FLAT), {"2.weight": MADE}),
    "a pruning of torch's": Row(lambda: net(pruned), on(*FLAT), {"2.weight_orig": HOOKED}),
    "an adapter": Row(lambda: net(low_rank), on(*FLAT), {"2.weight": MADE}),
    "tied to a weight-normed layer": Row(
        tied_to_normed, on(*FLAT), {"0.weight": MADE, "2.weight": MADE}
    ),
    "a frozen layer": Row(lambda: net(frozen), on(*FLAT), {"2.weight": "frozen"}),
    "an embedding with sparse gradients": Row(
        lambda: Words(sparse=True), on_words, {"words.weight": "sparse=False"}
    ),
    "a bag with sparse gradients": Row(
        lambda: nn.Sequential(nn.EmbeddingBag(5, 6, sparse=True), nn.Linear(6, 6)),
        on_words,
        {"0.weight": "sparse=False"},
    ),
    "a normalisation of two dimensions": Row(
        lambda: nn.Sequential(nn.Linear(6, 6), nn.LayerNorm((5, 6))),
        on(*FLAT),
        {"1.weight": "normalisation", "1.bias": "normalisation"},
    ),
    "whole numbers": Row(
        beside(torch.ones(6, 6, dtype=torch.int8), lambda y, w: y * w[0], trained=False),
        on(*FLAT),
        {"extra": "torch.int8"},
    ),
    "complex numbers": Row(
        beside(x(6, 6).to(torch.cfloat), lambda y, w: (y.to(w) @ w).abs()),
        on(*FLAT),
        {"extra": "torch.complex64"},
    ),
    "eight-bit floats": Row(
        beside(x(6, 6).to(torch.float8_e4m3fn), lambda y, w: y * w[0].float(), trained=False),
        on(*FLAT),
        {"extra": "torch.float8_e4m3fn"},
    ),
    "an empty tensor": Row(beside(torch.zeros(0, 6), ignored), on(*FLAT), {"extra": "no elements"}),
    "a part in TorchScript": Row(
        lambda: nn.Sequential(nn.Linear(6, 6), torch.jit.script(nn.Linear(6, 6))),
        on(*FLAT),
        {"1.weight": "TorchScript"},
    ),
    # --- refused ---------------------------------------------------------------------------------
    "nothing of two dimensions": Row(
        lambda: nn.LayerNorm(6), on(*FLAT), refused="no parameter of two or more dimensions"
    ),
    "frozen altogether": Row(
        lambda: net().requires_grad_(False), on(*FLAT), refused="nothing to prune: .*frozen"
    ),
    "one weight-normed layer": Row(
        lambda: nn.utils.weight_norm(nn.Linear(6, 6)),
        on(*FLAT),
        refused="nothing to prune: .*a hook computes `weight`",
    ),
    "a lazy layer": Row(
        lambda: net(lambda layer: nn.LazyLinear(6)),
        on(*FLAT),
        refused="`2.weight` has no shape yet",
    ),
    "no values": Row(
        lambda: net().to("meta"), on(*FLAT), refused="`0.weight` is on the meta device"
    ),
    "two devices": Row(on_two_devices, on(*FLAT), refused="several devices, cpu, meta"),
    "zeros": Row(filled(0.0), on(*FLAT), refused="`2.weight` is all zero"),
    "a constant that is not a number": Row(
        filled(float("nan")), on(*FLAT), refused="`2.weight` holds NaN"
    ),
    "infinity": Row(filled(float("inf")), on(*FLAT), refused="`2.weight` holds NaN or infinite"),
}
