"""Temporal chunking: from a recording of any length to one fixed-size signal on the nodes.

A sequence is taken as a piecewise constant function of time, one step a frame. Its duration, or a part
of it, is cut into M equal chunks, and each node's coordinates are averaged over each chunk; boundaries
may fall inside a frame, whose share then counts. So any duration and any frame rate give M averages,
also where there are fewer frames than chunks. (Chunk averages as node features: PMP, arXiv 2305.19343;
fractional boundaries: our choice.)

The averages are differences of one running integral, so a crop costs no more than the whole.
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bandstop.data.sequence import Sequence
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

Positions = Float[Tensor, "batch chunk node xyz"]


@dataclass(frozen=True, eq=False)
class Recordings:
    """Many sequences as one padded tensor of running integrals, ready to be cut into chunks.

    integral  (sequences, longest + 1, nodes * 3): sum of the frames before time t, positions taken
              relative to the sequence's own centre (the mean of all nodes in all frames)
    frames    (sequences,) number of frames
    """

    integral: Float[Tensor, "sequence time coordinate"]
    frames: Int[Tensor, " sequence"]

    @staticmethod
    def of(sequences: Seq[Sequence]) -> Recordings:
        """Pack the sequences; memory is sequences x longest x nodes x 3 floats."""
        longest = max(s.frames for s in sequences)
        nodes = sequences[0].positions.shape[1]
        integral = torch.zeros(len(sequences), longest + 1, nodes * 3, dtype=torch.float64)
        for i, s in enumerate(sequences):
            positions = torch.from_numpy(s.positions.copy()).double()
            positions -= positions.mean(dim=(0, 1))
            integral[i, 1 : s.frames + 1] = positions.flatten(1).cumsum(dim=0)
        return Recordings(integral.float(), torch.tensor([s.frames for s in sequences]))

    def to(self, device: torch.device | str) -> Recordings:
        return Recordings(self.integral.to(device), self.frames.to(device))

    def __len__(self) -> int:
        return len(self.frames)


def chunk_means(
    recordings: Recordings,
    rows: Int[Tensor, " batch"],
    chunks: int,
    start: Float[Tensor, " batch"] | None = None,
    end: Float[Tensor, " batch"] | None = None,
) -> Positions:
    """Average position of every node in every chunk of the chosen rows.

    m_k = (I(b_{k+1}) - I(b_k)) / (b_{k+1} - b_k),  b_k = start + (end - start) k / M, in frames,
    I the running integral, linear between whole frames. `start` and `end` are fractions of the
    duration (0 and 1 where not given), start < end.
    """
    frames = recordings.frames[rows]
    device = frames.device
    lo = torch.zeros(len(rows), device=device) if start is None else start
    hi = torch.ones(len(rows), device=device) if end is None else end
    steps = torch.linspace(0, 1, chunks + 1, device=device)
    time = (lo[:, None] + (hi - lo)[:, None] * steps) * frames[:, None]
    floor = torch.minimum(time.floor().long(), frames[:, None] - 1)
    width = recordings.integral.shape[1]
    table = recordings.integral.view(-1, recordings.integral.shape[2])
    index = (rows[:, None] * width + floor).flatten()
    before, after = table.index_select(0, index), table.index_select(0, index + 1)
    integral = torch.lerp(before, after, (time - floor).view(-1, 1)).view(len(rows), chunks + 1, -1)
    length = (hi - lo) * frames / chunks
    means = (integral[:, 1:] - integral[:, :-1]) / length[:, None, None]
    return means.view(len(rows), chunks, -1, 3)


def centre(positions: Positions) -> Positions:
    """Positions relative to the centre of the whole group: all nodes, all chunks (our choice)."""
    return positions - positions.mean(dim=(1, 2), keepdim=True)


def rotate(positions: Positions, up: int, angle: Float[Tensor, " batch"]) -> Positions:
    """Turn each sample by its angle (radians) about the vertical coordinate `up`."""
    a, b = (up + 1) % 3, (up + 2) % 3
    matrix = torch.zeros(len(positions), 3, 3, device=positions.device)
    matrix[:, up, up] = 1
    matrix[:, a, a] = matrix[:, b, b] = angle.cos()
    matrix[:, a, b] = angle.sin()
    matrix[:, b, a] = -angle.sin()
    return torch.bmm(positions.flatten(1, 2), matrix).view_as(positions)


TOUCHING = 1e-3
"""Of the size of the whole group: two bodies that stand closer together have no side (our choice). A
thousandth of it is less than a millimetre for two people, and four orders above what rounding leaves."""


def face(positions: Positions, skeleton: Skeleton) -> Positions:
    """Turn each sample about the vertical until its second body stands on the side axis from the first.

    So two people are seen from the same side wherever the camera was (our choice). A sample of one
    body, or of two that coincide or stand right above each other, stays as it is: their horizontal
    distance is at most TOUCHING times the size, size^2 = var_n(mean over chunks of node n) +
    var_k(mean over nodes in chunk k), each summed over x, y, z.
    """
    if skeleton.bodies < 2:
        return positions
    up, joints = skeleton.up, len(skeleton.joints)
    a, b = (up + 1) % 3, (up + 2) % 3
    middle, moving = positions.mean(dim=1).double(), positions.mean(dim=2).double()
    size = sum(each.var(dim=1, correction=0).sum(dim=1) for each in (middle, moving))
    # joint from joint, before any mean: exactly zero for bodies that coincide exactly
    between = (middle[:, joints : 2 * joints] - middle[:, :joints]).mean(dim=1)
    apart = between[:, a].square() + between[:, b].square() > TOUCHING**2 * size
    angle = -torch.atan2(between[:, b], between[:, a])
    if skeleton.side == b:
        angle = angle + torch.pi / 2
    return rotate(positions, up, torch.where(apart, angle, 0.0).to(positions.dtype))


VIEWS = ("facing", "camera")


@dataclass(frozen=True)
class Description:
    """How recordings become signals: everything but the normalisation.

    chunks  M, the temporal chunks
    view    "facing": turned so that two bodies face each other along the side axis; "camera": as seen
    trim    share of the duration left out at either end of a whole recording; with half the largest
            crop a recording is described as the mean of what was trained with (our choice)

    Errors: BadInput for fewer than one chunk, an unknown view or a trim outside [0, 0.5).
    """

    skeleton: Skeleton
    chunks: int = 8
    view: str = "facing"
    trim: float = 0.0

    def __post_init__(self) -> None:
        if self.chunks < 1:
            raise BadInput(f"description: chunks must be at least 1, not {self.chunks}")
        if self.view not in VIEWS:
            raise BadInput(
                f"description: view must be one of {', '.join(VIEWS)}, not {self.view!r}"
            )
        if not 0 <= self.trim < 0.5:
            raise BadInput(f"description: trim must be in [0, 0.5), not {self.trim!r}")

    @property
    def size(self) -> tuple[int, int]:
        """(nodes, features) of a signal."""
        return self.skeleton.nodes, 3 * self.chunks

    def signal(self, positions: Positions) -> Float[Tensor, "batch node feature"]:
        """Centre, turn, and concatenate each node's chunk averages: feature 3 k + c is coordinate c
        in chunk k."""
        placed = centre(positions)
        if self.view == "facing":
            placed = face(placed, self.skeleton)
        return placed.permute(0, 2, 1, 3).flatten(2)


@dataclass(frozen=True, eq=False)
class Normalisation:
    """signal -> (signal - mean) / std: a mean for each element, one std for all (our choice).

    Errors: BadInput for a mean that is not finite, or a std that is not finite, not positive, or below
    the smallest normal number, by which nothing can be divided.
    """

    mean: Float[Tensor, "*run node feature"]
    std: Float[Tensor, ...]

    def __post_init__(self) -> None:
        if not self.mean.isfinite().all():
            raise BadInput("normalisation: the mean has NaN or infinite values; fit it again")
        least = torch.finfo(self.std.dtype).tiny
        if not ((self.std >= least) & self.std.isfinite()).all():
            raise BadInput(
                f"normalisation: std must be finite and at least {least:.3g}, not "
                f"{self.std.flatten().tolist()}; fit it to recordings that vary"
            )

    @staticmethod
    def of(signals: Float[Tensor, "batch node feature"]) -> Normalisation:
        """Fitted to training signals. One std keeps the proportions of the body, and an element that
        never varies stays at zero. Errors: BadInput where nothing varies at all."""
        mean = signals.mean(dim=0)
        std = (signals - mean).square().mean().sqrt()
        if not std > 0:
            raise BadInput("the training signals are all equal; there is nothing to learn from")
        return Normalisation(mean, std)

    @staticmethod
    def stacked(several: Seq[Normalisation]) -> Normalisation:
        """Those of several runs, for signals (run, batch, node, feature)."""
        mean = torch.stack([n.mean for n in several])[:, None]
        return Normalisation(mean, torch.stack([n.std for n in several])[:, None, None, None])

    def __call__(
        self, signal: Float[Tensor, "*run batch node feature"]
    ) -> Float[Tensor, "*run batch node feature"]:
        return (signal - self.mean) / self.std

    def farthest(self, reach: float) -> float:
        """The largest |coordinate| of a recording that is described; not above 0 where none can be.

        It lies at most twice as far from the centre, sqrt 2 times that when turned, so that with
        |signal| <= (3 farthest + max |mean|) / std no element exceeds `reach`. Beyond 2^32 std, where
        neighbouring float32 numbers lie 256 std apart, there is no movement left to be seen (nor in the
        last bits of double precision); beyond 2^56 sums of coordinates are no longer far from the
        largest float32.
        """
        std = float(self.std)
        within_reach = (reach * std - float(self.mean.abs().max())) / 3
        return min(within_reach, 2.0**32 * std, 2.0**56)

    def to(self, device: torch.device | str) -> Normalisation:
        return Normalisation(self.mean.to(device), self.std.to(device))


def describe(
    sequences: Seq[Sequence], description: Description
) -> Float[Tensor, "batch node feature"]:
    """The signals of sequences, trimmed but not normalised: (sequences, nodes, 3 x chunks)."""
    rows = torch.arange(len(sequences))
    trim = torch.full((len(sequences),), description.trim)
    means = chunk_means(Recordings.of(sequences), rows, description.chunks, trim, 1 - trim)
    return description.signal(means)
