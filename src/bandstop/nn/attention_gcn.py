"""The multi-head attention graph convolutional network (PMP, arXiv 2305.19343).

    h = relu( fusion_k A_k U W_k + b ),   logits = D h + d

U a graph signal (nodes x features), A_k a learned attention matrix shared by all inputs, W_k filters,
D a dense layer over all filters at all nodes. Heads are summed, or concatenated before D.

Every tensor is kept as a unit-variance latent and scaled when it is used, W = c * latent with
c = gain / sqrt(fan-in), so that one threshold means the same in every layer (our choice).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bandstop.errors import BadInput, listed, short

FUSIONS = ("sum", "concat")


@dataclass(frozen=True)
class Shape:
    """The sizes of the network; everything else is derived.

    nodes are read, outputs are computed (0: as many; after compaction either may be fewer);
    with fusion "concat" the dense layer sees heads x filters channels, with "sum" only filters.
    """

    heads: int
    nodes: int
    features: int
    filters: int
    classes: int
    fusion: str = "sum"
    outputs: int = 0

    def __post_init__(self) -> None:
        if self.outputs == 0:
            object.__setattr__(self, "outputs", self.nodes)
        problems = [
            f"{name} must be a whole number of at least 1, not {short(value)}"
            for name, value in asdict(self).items()
            if name != "fusion" and (type(value) is not int or value < 1)
        ]
        if self.fusion not in FUSIONS:
            problems.append(f"fusion must be one of {', '.join(FUSIONS)}, not {short(self.fusion)}")
        if problems:
            raise BadInput(f"network shape: {listed(problems)}")

    @property
    def channels(self) -> int:
        """Filters as the dense layer sees them."""
        return self.filters * (self.heads if self.fusion == "concat" else 1)

    @property
    def tensors(self) -> dict[str, tuple[int, int, int]]:
        """The three prunable tensors: (heads, output node, node), (heads, feature, filter),
        (channel, output node, class)."""
        return {
            "attention": (self.heads, self.outputs, self.nodes),
            "filters": (self.heads, self.features, self.filters),
            "dense": (self.channels, self.outputs, self.classes),
        }

    @property
    def weights(self) -> int:
        """Prunable weights; the biases (channels + classes) are not among them."""
        return sum(a * b * c for a, b, c in self.tensors.values())

    @property
    def scales(self) -> dict[str, float]:
        """c = gain / sqrt(fan-in) of each tensor; gain sqrt 2 before the relu, else 1."""
        summed = self.heads if self.fusion == "sum" else 1
        return {
            "attention": self.nodes**-0.5,
            "filters": (2.0 / (self.features * summed)) ** 0.5,
            "dense": (self.channels * self.outputs) ** -0.5,
        }


def logits(
    signal: Float[Tensor, "batch node feature"],
    attention: Float[Tensor, "head output node"],
    filters: Float[Tensor, "head feature filter"],
    dense: Float[Tensor, "channel output class"],
    filter_bias: Float[Tensor, " channel"],
    class_bias: Float[Tensor, " class"],
    fusion: str,
) -> Float[Tensor, "batch class"]:
    """The network as one function of its weights: three matrix products, batch innermost.

    Laid out as (feature, node, batch) no product needs its operand rearranged: A U is one product a
    feature, the sum over heads and features is inside one product with all filters, and the dense
    layer is one product. A training step takes about 0.6 of the time that the
    formula written as einsum takes (benchmarks/bench_step.py).
    """
    heads, outputs, nodes = attention.shape
    features, count = filters.shape[1], filters.shape[2]
    batch = signal.shape[0]
    u = signal.permute(2, 1, 0).contiguous()
    mixed = torch.bmm(
        attention.reshape(1, heads * outputs, nodes).expand(features, -1, -1), u
    )  # (feature, head x output, batch)
    if fusion == "sum":
        weights = filters.permute(2, 1, 0).reshape(count, features * heads)
        z = weights @ mixed.view(features * heads, outputs * batch)
    else:
        by_head = mixed.view(features, heads, outputs * batch).transpose(0, 1)
        z = torch.bmm(filters.transpose(1, 2), by_head).view(heads * count, outputs * batch)
    h = torch.relu(z + filter_bias[:, None])
    wide = dense.reshape(-1, dense.shape[2]).t() @ h.view(-1, batch)
    return (wide + class_bias[:, None]).t()


class AttentionGCN(nn.Module):
    """See the module's words. Parameters: `attention`, `filters`, `dense` (latents, unit variance),
    `filter_bias`, `class_bias`. Biases are not prunable.

    scales  c of each tensor; default: the shape's own. All 1 in a compacted network, whose
            parameters are the weights themselves.
    """

    def __init__(
        self,
        shape: Shape,
        generator: torch.Generator | None = None,
        scales: dict[str, float] | None = None,
    ) -> None:
        super().__init__()
        self.shape = shape
        self.scales = shape.scales if scales is None else scales
        for name, size in shape.tensors.items():
            self.register_parameter(name, nn.Parameter(torch.randn(size, generator=generator)))
        self.filter_bias = nn.Parameter(torch.zeros(shape.channels))
        self.class_bias = nn.Parameter(torch.zeros(shape.classes))

    def weights(self) -> dict[str, Tensor]:
        """The three tensors as they enter the products: c * latent, gates included."""
        return {name: c * getattr(self, name) for name, c in self.scales.items()}

    def forward(self, signal: Float[Tensor, "batch node feature"]) -> Float[Tensor, "batch class"]:
        """Class logits. Errors: BadInput if nodes or features are not the network's."""
        if signal.shape[1:] != (self.shape.nodes, self.shape.features):
            raise BadInput(
                f"the network reads {self.shape.nodes} nodes x {self.shape.features} features, "
                f"not {tuple(signal.shape[1:])}; describe the recording with the network's own chunks"
            )
        return logits(
            signal,
            **self.weights(),
            filter_bias=self.filter_bias,
            class_bias=self.class_bias,
            fusion=self.shape.fusion,
        )
