"""A gated training that was saved goes on to the same weights, as docs/how-to/your-own-network.md has it."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

import bandstop as bs

STEPS, SETTLED = 40, 30


class Run:
    """Model, optimiser and gates of one training, and how to make some steps of it."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.gates = bs.gate.attach(self.model, bs.BandStop(rate=0.5))

    def train(self, first: int, last: int) -> None:
        x = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
        for step in range(first, last):
            if step == SETTLED:
                bs.prune.settle(self.model, self.gates)
            self.gates.update(step / STEPS)
            self.optimiser.zero_grad()
            nn.functional.cross_entropy(self.model(x), (x[:, 0] > 0).long()).backward()
            self.optimiser.step()

    def finished(self) -> list[torch.Tensor]:
        bs.prune.finish(self.model, self.gates)
        return [p.detach().clone() for p in self.model.parameters()]


@pytest.mark.parametrize("stopped", [1, 20, SETTLED, 35])
def test_what_was_saved_is_loaded_after_attaching_and_goes_on_to_the_same_weights(stopped):
    whole, begun, resumed = Run(), Run(), Run()
    whole.train(0, STEPS)
    begun.train(0, stopped)
    file = io.BytesIO()
    torch.save({"model": begun.model.state_dict(), "optimiser": begun.optimiser.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file)
    if stopped > SETTLED:
        bs.prune.settle(resumed.model, resumed.gates)
    resumed.model.load_state_dict(saved["model"])
    resumed.optimiser.load_state_dict(saved["optimiser"])
    resumed.train(stopped, STEPS)
    assert all(map(torch.equal, resumed.finished(), whole.finished()))


def test_a_finished_model_is_loaded_into_a_plain_one():
    run = Run()
    run.train(0, STEPS)
    expected = run.finished()
    plain = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    plain.load_state_dict(run.model.state_dict())
    assert all(map(torch.equal, plain.parameters(), expected))
