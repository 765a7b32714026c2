"""Torch-Pruning beside our structured methods, as far as it applies.

    pip install torch-pruning
    python benchmarks/bench_torch_pruning.py --data sbu:DIR --folds 1,2,3,4,5 --ratios 0.5,0.75,0.9

Torch-Pruning removes channels of standard layers, and follows them through the graph of a network. Our
network is written for it as three of them: the attention as a parameter, the filters of all heads as one
1 x 1 convolution, the dense layer as a linear one. Filters are the only channels that it finds: heads,
features and nodes lie across a view that joins (feature, head, node), which its dependency graph cannot
follow, so the attention stays whole, and with it the rate below 1 - attention / all: 0.79 with 8 heads and
64 filters. That is why this is a benchmark and no row of the method table.

Half of the steps train the dense network, then its filters are pruned by the magnitude of their group,
then the other half trains what is left: the steps of `mp-finetune`. `structured` is designed at the rate
that came about. Prints a line for each ratio: means over folds.
"""

from __future__ import annotations

import argparse
import math
import statistics
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch_pruning
from torch import Tensor, nn

from bandstop.data import Dataset, load
from bandstop.job import design
from bandstop.job.batches import Batches
from bandstop.job.machine import calm_torch
from bandstop.job.task import Task
from bandstop.measure import accuracy, dense_macs, predictions
from bandstop.nn import Shape
from bandstop.record import Config

RATE = 0.003
"""Learning rate: 0.03 on latents of unit variance is about this on weights of a tenth."""


class Standard(nn.Module):
    """The network as a parameter and two standard layers; the formula is that of `AttentionGCN`."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.attention = nn.Parameter(
            torch.randn(shape.heads * shape.outputs, shape.nodes) * shape.nodes**-0.5
        )
        self.filters = nn.Conv1d(shape.heads * shape.features, shape.filters, 1)
        self.dense = nn.Linear(shape.filters * shape.outputs, shape.classes)

    def forward(self, signal: Tensor) -> Tensor:
        s = self.shape
        mixed = (self.attention @ signal).view(-1, s.heads, s.outputs, s.features)
        wide = mixed.transpose(2, 3).reshape(-1, s.heads * s.features, s.outputs)
        return self.dense(torch.relu(self.filters(wide)).flatten(1))

    @property
    def left(self) -> Shape:
        return replace(self.shape, filters=self.filters.out_channels)


def steps(net: Standard, batches: Batches, first: int, last: int) -> None:
    """Adam along half a cosine over all steps, as ours."""
    optimiser = torch.optim.Adam(net.parameters(), lr=RATE)
    total = batches.tasks[0].config.steps
    for step in range(first, last):
        for group in optimiser.param_groups:
            group["lr"] = RATE * 0.5 * (1 + math.cos(math.pi * step / total))
        signals, labels = batches(step)
        loss = nn.functional.cross_entropy(net(signals[0]), labels[0])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def pruned(task: Task, ratio: float) -> tuple[float, Shape]:
    """Test accuracy, and the sizes of what is left."""
    torch.manual_seed(task.config.seed)
    net, batches, half = Standard(task.shape), Batches([task]), task.config.steps // 2
    steps(net, batches, 0, half)
    torch_pruning.pruner.MagnitudePruner(
        net,
        task.train.signals[:2],
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=ratio,
        ignored_layers=[net.dense],
        unwrapped_parameters=[(net.attention, 0)],
        root_module_types=[nn.Conv1d],
    ).step()
    steps(net, batches, half, task.config.steps)
    right = accuracy(predictions(net.eval(), task.test.signals), task.test.labels)
    return right, net.left


def line(config: Config, dataset: Dataset, folds: list[str], ratio: float, runs: Path) -> str:
    """One ratio over the folds, and `structured` at the rate that it gave."""
    made = []
    for fold in folds:
        task = Task.of(dataset, replace(config, fold=fold), torch.device("cpu"))
        right, left = pruned(task, ratio)
        rate = 1 - left.weights / task.shape.weights
        ours = design(replace(config, fold=fold, method="structured", rate=rate), runs, dataset)
        result = ours.record.result
        made.append((rate, right, dense_macs(left), result["accuracy"], result["macs"]))
    rate, right, macs, our_right, our_macs = map(statistics.fmean, zip(*made, strict=True))
    return (
        f"| {ratio:g} | {rate:.3f} | {100 * right:.1f} | {macs:.0f} "
        f"| {100 * our_right:.1f} | {our_macs:.0f} |"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--data", default="synthetic")
    arguments.add_argument("--folds", default="1")
    arguments.add_argument("--ratios", default="0.5,0.75,0.9")
    arguments.add_argument("--steps", type=int, default=Config().steps)
    given = arguments.parse_args()
    config, dataset = Config(data=given.data, steps=given.steps), load(given.data)
    print(f"torch-pruning {torch_pruning.__version__}; {dataset.name}, folds {given.folds}, seed 0")
    print("| filters pruned | rate | torch-pruning, % | dense MACs | structured, % | dense MACs |")
    print("|---:|---:|---:|---:|---:|---:|")
    with TemporaryDirectory() as runs, calm_torch():
        for ratio in map(float, given.ratios.split(",")):
            print(line(config, dataset, given.folds.split(","), ratio, Path(runs)), flush=True)


if __name__ == "__main__":
    main()
