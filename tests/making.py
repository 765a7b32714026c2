"""Small things that many tests need: random networks, masks, ordinary modules, a bundle.

What is random is drawn by hypothesis or comes from a seed; nothing here checks anything.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from bandstop.budget import Budget
from bandstop.bundle import Bundle, Order
from bandstop.data import Sequence
from bandstop.data.describe import Description, describe
from bandstop.data.normalise import Normalisation
from bandstop.gate import prunable
from bandstop.graph import GraphNet, trace
from bandstop.networks import NETWORKS, FromSignal
from bandstop.nn import AttentionGCN, Shape
from bandstop.prune import NEVER, GraphTopology, compact, masked_graph, shrunk
from bandstop.skeleton import Skeleton

FUSIONS = ("sum", "concat")
SIDED = Skeleton(
    "three", ("head", "left hand", "right hand"), ((0, 1), (0, 2)), (0, 2, 1), bodies=2
)
"""Two bodies of three joints each, left and right."""


def normalisation(description: Description, seed: int = 0, std: float = 0.7) -> Normalisation:
    """A random mean; positions of this std, speeds of others."""
    kinds = torch.tensor([std, 1.3, 0.9])
    mean = torch.randn(description.size, generator=seeded(seed))
    return Normalisation(mean, kinds if description.speeds else kinds[:1])


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@st.composite
def shapes(draw: st.DrawFn, largest: int = 5, classes: int = 1) -> Shape:
    """Any sizes from 1 to `largest`, at least `classes` classes, either fusion."""
    size = st.integers(1, largest)
    return Shape(
        heads=draw(size),
        nodes=draw(size),
        features=draw(size),
        filters=draw(size),
        classes=draw(st.integers(classes, max(classes, largest))),
        fusion=draw(st.sampled_from(FUSIONS)),
        outputs=draw(size),
    )


@st.composite
def networks(draw: st.DrawFn, largest: int = 5, dtype: torch.dtype = torch.float64) -> AttentionGCN:
    """A network with random latents and biases of both signs."""
    generator = seeded(draw(st.integers(0, 2**20)))
    net = AttentionGCN(draw(shapes(largest)), generator)
    with torch.no_grad():
        net.filter_bias.copy_(torch.randn(net.filter_bias.shape, generator=generator))
        net.class_bias.copy_(torch.randn(net.class_bias.shape, generator=generator))
    return net.to(dtype)


@st.composite
def masks_for(draw: st.DrawFn, shape: Shape) -> dict[str, Tensor]:
    """Masks of any density, from empty to full, with some whole slices emptied."""
    masks = {}
    for name, size in shape.tensors.items():
        generator = seeded(draw(st.integers(0, 2**20)))
        mask = torch.rand(size, generator=generator) < draw(
            st.sampled_from([0.0, 0.1, 0.3, 0.6, 1.0])
        )
        for axis in draw(st.lists(st.integers(0, 2), max_size=3)):
            mask.select(axis, draw(st.integers(0, size[axis] - 1))).fill_(False)
        masks[name] = mask
    return masks


def masked(net: AttentionGCN, masks: dict[str, Tensor], signal: Tensor) -> Tensor:
    """The masked network's logits, by the formula as METHODS writes it: the oracle."""
    w = {name: weight * masks[name] for name, weight in net.weights().items()}
    return formula(net, w, signal)


def formula(net: AttentionGCN, w: dict[str, Tensor], signal: Tensor) -> Tensor:
    """h = relu(fusion_k A_k U W_k + b), logits = D h + d, as einsum."""
    by_head = torch.einsum("kij,bjs,ksf->bkfi", w["attention"], signal, w["filters"])
    z = by_head.sum(1) if net.shape.fusion == "sum" else by_head.flatten(1, 2)
    h = torch.relu(z + net.filter_bias[:, None])
    return torch.einsum("bfi,fic->bc", h, w["dense"]) + net.class_bias


class Tied(nn.Module):
    """Two layers that are one parameter, and a third of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.last = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Nested(nn.Module):
    """Names with dots in them, a parameter of its own, one layer used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.mixing = nn.Parameter(torch.randn(6, 6))
        inner = nn.Linear(6, 6)
        self.blocks = nn.ModuleDict(
            {"a": nn.Sequential(nn.Linear(6, 6), nn.Tanh(), inner), "again": inner}
        )
        self.norm = nn.LayerNorm(6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.blocks["again"](self.blocks["a"](x @ self.mixing)))


def model(kind: str, seed: int = 0) -> tuple[nn.Module, Tensor]:
    """One of MODELS with random weights, and an input for it."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return MODELS[kind]()


MODELS = {
    "attention gcn, sum": lambda: (
        AttentionGCN(Shape(heads=2, nodes=5, features=4, filters=6, classes=3)),
        torch.randn(7, 5, 4),
    ),
    "attention gcn, concat": lambda: (
        AttentionGCN(Shape(heads=2, nodes=5, features=4, filters=6, classes=3, fusion="concat")),
        torch.randn(7, 5, 4),
    ),
    "linear": lambda: (nn.Linear(9, 5), torch.randn(7, 9)),
    "conv1d": lambda: (nn.Conv1d(4, 6, 3), torch.randn(7, 4, 8)),
    "tied": lambda: (Tied(), torch.randn(7, 6)),
    "nested": lambda: (Nested(), torch.randn(7, 6)),
}


def recordings(count: int = 8, skeleton: Skeleton = SIDED, seed: int = 0) -> list[Sequence]:
    """Random walks of different durations."""
    random = np.random.default_rng(seed)
    return [
        Sequence(
            f"take {i}",
            random.normal(size=(int(random.integers(2, 30)), skeleton.nodes, 3)).cumsum(0),
            label=i % 3,
        )
        for i in range(count)
    ]


def bundle(fusion: str = "sum", keep: float = 0.3, seed: int = 0, view: str = "facing") -> Bundle:
    """A bundle of a random network with a fraction `keep` of its weights."""
    generator = seeded(seed)
    description = Description(SIDED, chunks=2, view=view)
    nodes, features = description.size
    net = AttentionGCN(
        Shape(heads=2, nodes=nodes, features=features, filters=4, classes=3, fusion=fusion),
        generator,
    )
    with torch.no_grad():
        net.filter_bias.copy_(torch.randn(net.filter_bias.shape, generator=generator))
    masks = {
        name: torch.rand(size, generator=generator) < keep
        for name, size in net.shape.tensors.items()
    }
    return Bundle(
        compact(net, masks).requires_grad_(False),
        description,
        Normalisation.of(describe(recordings(), description)),
        ("wave", "push", "bow"),
        {"method": "mp", "rate": 1 - keep},
    )


@functools.cache
def graph_bundle(
    kind: str = "st-gcn++", keep: float = 0.4, seed: int = 0, lowest: float = 0.2
) -> Bundle:
    """A bundle of a temporal network with a fraction `keep` of each of its tensors; 1: of every rate
    from `lowest` to 0.8."""
    description = Description(SIDED, chunks=4, speeds=True)
    nodes, features = description.size
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = NETWORKS[kind](nodes, SIDED.node_bones, 3, 5, 1, (6, 12))
        for module in net.modules():
            if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                nn.init.normal_(module.running_mean)
                nn.init.normal_(module.bias)
        graph = trace(FromSignal(net, 1, 4).eval(), torch.zeros(1, nodes, features))
        weights = prunable(FromSignal(net, 1, 4))
    scores = {n: t.detach().abs() for n, t in weights.items()}
    ranks, facts = None, {"method": "mp", "rate": 1 - keep}
    if keep < 1:
        made = shrunk(graph, {n: s >= s.quantile(1 - keep) for n, s in scores.items()})
        small, facts = made.net, facts | {"weights_kept": made.kept}
    else:
        topology = GraphTopology(graph, {n: tuple(s.shape) for n, s in scores.items()})
        ranks = topology.order(scores, Budget(lowest), Budget(0.8))
        small = GraphNet(masked_graph(graph, {n: r < NEVER for n, r in ranks.items()}))
    total = sum(s.numel() for s in scores.values())
    raw = describe(recordings(), description)
    return Bundle(
        small.eval().requires_grad_(False),
        description,
        Normalisation.of(raw, speeds=True),
        ("wave", "push", "bow"),
        facts,
        None if ranks is None else Order(ranks, total, lowest, 0.8),
    )
