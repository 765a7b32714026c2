"""README's snippet on networks that are not ours: scales that start anywhere, BatchNorm, residuals."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import bandstop as bs
from bandstop import gate

README = Path(__file__).parents[2] / "README.md"
NODES, FRAMES, CLASSES = 10, 12, 5


def snippet() -> str:
    """README's lines for any PyTorch network, with a step of training where it has dots."""
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    (block,) = [b for b in blocks if "bs.gate.attach(model" in b]
    return re.sub(r"^( *)\.\.\..*$", r"\1train_step(step)", block, flags=re.MULTILINE)


def recordings(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """(count, 3, frame, node) and classes: which nodes swing, and whether together or in turn."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % CLASSES
    time = torch.linspace(0, 6.3, FRAMES)[:, None]
    x = 0.5 * torch.randn(count, 3, FRAMES, NODES, generator=rng)
    for i, label in enumerate(labels.tolist()):
        phase, size = 6.3 * torch.rand(1, generator=rng), 0.7 + 0.6 * torch.rand(1, generator=rng)
        nodes = (torch.arange(4) + 2 * (label // 2)) % NODES
        turn = torch.arange(4) * (1.5 if label % 2 else 0.0)
        x[i, label % 3, :, nodes] += size * torch.sin(2 * time + phase + turn)
    return x, labels


def temporal(channels: int) -> nn.Module:
    return nn.Sequential(
        nn.BatchNorm2d(channels),
        nn.ReLU(),
        nn.Conv2d(channels, channels, (9, 1), padding=(4, 0)),
        nn.BatchNorm2d(channels),
    )


class Block(nn.Module):
    """Spatial and temporal convolution of an ST-GCN, its adjacency learned, a residual around both."""

    def __init__(self, inputs: int, outputs: int, start: Callable[[int], Tensor]) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(start(NODES))
        self.register_buffer("graph", torch.eye(NODES).roll(1, 0) + torch.eye(NODES))
        self.space, self.time = nn.Conv2d(inputs, outputs, 1), temporal(outputs)
        around = nn.Sequential(nn.Conv2d(inputs, outputs, 1), nn.BatchNorm2d(outputs))
        self.around = around if inputs != outputs else nn.Identity()

    def mixing(self) -> Tensor:
        return self.graph + self.adjacency

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.time(self.space(x) @ self.mixing()) + self.around(x))


class Weighted(Block):
    """The graph is fixed and its edges are weighted."""

    def mixing(self) -> Tensor:
        return self.graph * self.adjacency


STARTS: dict[str, tuple[type[Block], Callable[[int], Tensor]]] = {
    "spread": (Block, lambda n: torch.randn(n, n) / n**0.5),
    "all 1e-6": (Block, lambda n: torch.full((n, n), 1e-6)),
    "within 1e-6 of 0": (Block, lambda n: torch.empty(n, n).uniform_(-1e-6, 1e-6)),
    "all 1": (Block, lambda n: torch.ones(n, n)),
    "edge weights of 1": (Weighted, lambda n: torch.ones(n, n)),
    "large": (Block, lambda n: 50 * torch.randn(n, n)),
}


def network(kind: str) -> nn.Module:
    block, start = STARTS[kind]
    torch.manual_seed(0)
    return nn.Sequential(
        nn.BatchNorm2d(3),
        block(3, 16, start),
        block(16, 16, start),
        block(16, 24, start),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, CLASSES),
    )


def step_of(model: nn.Module, rate: float, x: Tensor, y: Tensor) -> Callable[[int], None]:
    """One step of training by its number."""
    optimiser = torch.optim.Adam(model.parameters(), lr=rate)

    def train_step(step: int) -> None:
        batch = torch.randint(len(x), (32,), generator=torch.Generator().manual_seed(step))
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimiser.step()

    return train_step


@torch.no_grad()
def accuracy(model: nn.Module, x: Tensor, y: Tensor) -> float:
    return 100 * float((model.eval()(x).argmax(1) == y).float().mean())


def trained(kind: str, rate: float, steps: int, code: str) -> tuple[nn.Module, float]:
    """A network trained by the code, and its accuracy in eval mode."""
    x, y = recordings(320, 1)
    model = network(kind)
    space = {"torch": torch, "bs": bs, "model": model, "steps": steps, "batches": x.split(64)}
    exec(code, space | {"train_step": step_of(model, rate, x, y)})
    return model, accuracy(model, *recordings(400, 2))


FAST = ("spread", "edge weights of 1")
DENSE = "for step in range(steps): train_step(step)"


@pytest.mark.filterwarnings("ignore::bandstop.gate.GateWarning")
@pytest.mark.parametrize(
    "kind",
    [k if k in FAST else pytest.param(k, marks=pytest.mark.slow) for k in STARTS],
)
def test_readmes_snippet_keeps_the_accuracy_at_rate_0_9_wherever_the_adjacency_starts(kind):
    dense = trained(kind, 0.01, 150, DENSE)[1]
    model, pruned = trained(kind, 0.01, 150, snippet())
    assert dense > 90
    assert pruned > dense - 2
    tensors = gate.prunable(model)
    total = sum(t.numel() for t in tensors.values())
    assert sum(int(t.count_nonzero()) for t in tensors.values()) == round(0.1 * total)
    for tensor in tensors.values():
        assert int(tensor.count_nonzero()) >= 0.05 * tensor.numel() - 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::bandstop.gate.GateWarning")
def test_with_a_lower_learning_rate_it_does_so_too():
    dense = trained("spread", 0.003, 250, DENSE)[1]
    assert trained("spread", 0.003, 250, snippet())[1] > dense - 2 > 90


def test_a_snippet_that_ends_without_finishing_is_noticed():
    """The guard of the test above: 0.9 of the weights are to go."""
    code = snippet().replace("bs.prune.finish(model, gates)", "bs.gate.detach(model)")
    model, _ = trained("spread", 0.01, 4, code)
    assert all(t.all() for t in gate.prunable(model).values())


class Beside(nn.Module):
    """The issue's example: an adjacency of one value beside two linear layers."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.adjacency = nn.Parameter(start * torch.ones(25, 25))
        self.first, self.last = nn.Linear(64, 64), nn.Linear(64, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(torch.relu(self.first(self.adjacency @ x)).mean(1))


@pytest.mark.filterwarnings("ignore::bandstop.gate.GateWarning")
@pytest.mark.parametrize("start", [1e-6, 1.0])
def test_an_adjacency_of_one_value_neither_takes_the_budget_nor_gives_it_away(start):
    torch.manual_seed(0)
    y = torch.arange(200) % 5
    x = torch.randn(200, 25, 64) + 0.7 * torch.randn(5, 25, 64)[y]
    model, steps = Beside(start), 100
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    gates = gate.attach(model, bs.BandStop(rate=0.9))
    for step in range(steps):
        gates.update(step / steps)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    masks = bs.prune.finish(model, gates)
    kept = {name: int(mask.sum()) for name, mask in masks.items()}
    assert sum(kept.values()) == 504
    assert all(count >= 0.05 * masks[name].numel() - 1 for name, count in kept.items())
    assert accuracy(model, x, y) > 95


@pytest.mark.filterwarnings("ignore::bandstop.gate.GateWarning")
def test_the_program_of_the_how_to_runs_and_recognises(capsys):
    text = (README.parent / "docs" / "how-to" / "your-own-network.md").read_text()
    program, *_ = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    exec(program, {})
    weights, right = capsys.readouterr().out.splitlines()
    assert weights == "546 weights left"
    assert float(right.split()[0]) > 0.95
