"""Signals of averages over chunks as frames: what a temporal network reads when a recording is described.

A description with as many chunks as frames are wanted samples a recording of any length and rate evenly:
where a chunk is one frame long its average is that frame (our choice).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

AXES, SPEEDS = 3, 2
"""Numbers of a node at a moment: its place, and its speeds."""


class FromSignal(nn.Module):
    """A temporal network that reads signals.

    Parameters
    ----------
    net : reads (batch, person, frame, node, channel)
    persons : that the signal's nodes are divided among; 1 where several bodies are one graph
    frames : of a signal
    """

    def __init__(self, net: nn.Module, persons: int, frames: int) -> None:
        super().__init__()
        self.net, self.persons, self.frames = net, persons, frames

    def forward(self, signal: Tensor) -> Tensor:
        """Class logits.

        Parameters
        ----------
        signal : (batch, node, feature); feature 3 k + c is coordinate c in frame k, feature
            3 frames + s frames + k speed s in frame k

        Returns
        -------
        Tensor of shape (batch, class)
        """
        batch, nodes, features = signal.shape
        each = signal.view(batch, self.persons, nodes // self.persons, features)
        places = each[..., : AXES * self.frames].unflatten(-1, (self.frames, AXES))
        moved = each[..., AXES * self.frames :].unflatten(-1, (-1, self.frames))
        x = torch.cat([places, moved.transpose(-1, -2)], -1) if moved.numel() else places
        return self.net(x.permute(0, 1, 3, 2, 4))
