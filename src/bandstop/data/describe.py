"""Temporal chunking: from a recording of any length to one fixed-size signal on the nodes.

A sequence is taken as a piecewise constant function of time, one step a frame. Its duration, or a part
of it, is cut into M equal chunks, and each node's coordinates are averaged over each chunk; boundaries
may fall inside a frame, whose share then counts. So any duration and any frame rate give M averages,
also where there are fewer frames than chunks. (Chunk averages as node features: PMP, arXiv 2305.19343;
fractional boundaries: our choice.) Where frames are missing, each of the others counts from halfway
after the one before to halfway before the next.

The averages are differences of one running integral, so a crop costs no more than the whole.

Averages of positions hold no speed: a hand that shakes and one that rests have the same. So each node
may also have two speeds (data/speed.py), averaged over the same chunks.

A body that is absent in a frame (`data.sequence.absent`) counts as standing at the centre of those that
are present, all joints in one point: it moves nothing, and nothing turns towards it (our choice).
"""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from bandstop.data.sequence import Sequence, absent
from bandstop.data.speed import SPEEDS, speeds_of
from bandstop.errors import BadInput
from bandstop.skeleton import Skeleton

Positions = Float[Tensor, "batch chunk node xyz"]
Averages = Float[Tensor, "batch chunk node channel"]
"""Channels: x, y, z, and where speeds are asked for those of `SPEEDS`."""
AT_ONCE = 64
"""Sequences that are described at once: enough to be fast, few enough to need little memory."""


@dataclass(frozen=True, eq=False)
class Recordings:
    """Many sequences as running integrals, one below the other, ready to be cut into chunks.

    integral  (rows, nodes * 3): row first + t of a sequence is the sum of its frames before time t,
              positions taken relative to the sequence's own centre (the mean of all nodes that are
              present, in all frames). Then, where they are asked for, nodes columns of each of
              `SPEEDS`. Where a body is absent in any frame of any sequence, a column a body
              follows: how long it was absent before time t
    frames    (sequences,) number of frames
    first     (sequences,) the first of its frames + 1 rows
    begins    (rows,) first + when each frame begins and the last one ends, the whole being as long
              as there are frames; None where all frames of all sequences follow evenly
    bodies    of which the last columns tell the absence; 0 where none is ever absent
    speeds    whether there are columns of speeds
    """

    integral: Float[Tensor, "row column"]
    frames: Int[Tensor, " sequence"]
    first: Int[Tensor, " sequence"]
    begins: Float[Tensor, " row"] | None = None
    bodies: int = 0
    speeds: bool = False

    @staticmethod
    def of(
        sequences: Seq[Sequence],
        bodies: int = 1,
        speeds: bool = False,
        dtype: torch.dtype = torch.float32,
    ) -> Recordings:
        """Pack the sequences; memory is frames x nodes x 3 numbers, those of all sequences together, and
        2 more with speeds."""
        frames = torch.tensor([s.frames for s in sequences])
        first = (frames + 1).cumsum(0) - (frames + 1)
        gone = [absent(s.positions, bodies) for s in sequences]
        told = bodies if any(g.any() for g in gone) else 0
        uneven = any(s.times is not None for s in sequences)
        rows = int((frames + 1).sum())
        nodes = sequences[0].positions.shape[1]
        columns = nodes * (3 + len(SPEEDS) * speeds) + told
        integral = torch.zeros(rows, columns, dtype=dtype)
        begins = torch.zeros(rows, dtype=torch.float64) if uneven else None
        for s, lost, at in zip(sequences, gone, first.tolist(), strict=True):
            bounds = np.arange(s.frames + 1.0) if s.times is None else frame_bounds(s.times)
            parts = [_centred(s.positions, lost)]
            if speeds:
                parts.append(torch.from_numpy(speeds_of(s.positions, lost, s.times)))
            if told:
                parts.append(torch.from_numpy(lost).double())
            each = torch.cat(parts, dim=1)
            if s.times is not None:
                each *= torch.from_numpy(np.diff(bounds))[:, None]
            integral[at + 1 : at + s.frames + 1] = each.cumsum(dim=0)
            if begins is not None:
                begins[at : at + s.frames + 1] = at + torch.from_numpy(bounds)
        return Recordings(integral, frames, first, begins, told, speeds)

    def to(self, device: torch.device | str) -> Recordings:
        begins = None if self.begins is None else self.begins.to(device)
        return Recordings(
            self.integral.to(device), self.frames.to(device), self.first.to(device), begins,
            self.bodies, self.speeds,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.frames)

    def until(
        self, rows: Int[Tensor, " batch"], time: Float[Tensor, "batch bound"]
    ) -> Float[Tensor, "batch bound column"]:
        """The running integral of the chosen sequences at times in frames; linear within a frame."""
        frames, first = self.frames[rows, None], self.first[rows, None]
        if self.begins is None:
            floor = torch.minimum(time.floor().long(), frames - 1)
            index, part = first + floor, time - floor
        else:
            index = torch.searchsorted(self.begins, first + time.double(), right=True) - 1
            index = torch.minimum(torch.maximum(index, first), first + frames - 1)
            begin, end = self.begins[index], self.begins[index + 1]
            within = (time.double() - (begin - first)) / (end - begin).clamp(min=1e-12)
            part = within.clamp(0, 1).to(time.dtype)
        before = self.integral.index_select(0, index.flatten())
        after = self.integral.index_select(0, index.flatten() + 1)
        return torch.lerp(before, after, part.view(-1, 1)).view(*time.shape, -1)


def _centred(positions: np.ndarray, lost: np.ndarray) -> Float[Tensor, "frame column"]:
    """Relative to the mean of what is present; zeros for bodies that are absent."""
    x = torch.from_numpy(positions.copy()).double()
    if not lost.any():
        return (x - x.mean(dim=(0, 1))).flatten(1)
    bodies = x.view(*lost.shape, -1, 3)
    seen = bodies[torch.from_numpy(~lost)]
    if len(seen):
        bodies -= seen.mean(dim=(0, 1))
    bodies[torch.from_numpy(lost)] = 0
    return x.flatten(1)


def frame_bounds(times: np.ndarray) -> np.ndarray:
    """(frames + 1,): when each frame begins and the last one ends, from 0 to the number of frames.

    A frame counts from halfway after the one before to halfway before the next; the first and the last
    reach half an ordinary (median) step beyond.

    >>> frame_bounds(np.array([1.0, 2.0, 3.0, 7.0])).round(3).tolist()
    [0.0, 0.571, 1.143, 2.571, 4.0]
    """
    half = np.median(np.diff(times)) / 2
    middles = times[:-1] + np.diff(times) / 2
    bounds = np.concatenate([[times[0] - half], middles, [times[-1] + half]]) - (times[0] - half)
    return np.asarray(bounds / bounds[-1] * len(times))


def chunk_means(
    recordings: Recordings,
    rows: Int[Tensor, " batch"],
    chunks: int,
    start: Float[Tensor, " batch"] | None = None,
    end: Float[Tensor, " batch"] | None = None,
) -> Averages:
    """Average position, and speeds, of every node in every chunk of the chosen rows.

    m_k = (I(b_{k+1}) - I(b_k)) / (b_{k+1} - b_k),  b_k = start + (end - start) k / M, in frames,
    I the running integral, linear between whole frames. `start` and `end` are fractions of the
    duration (0 and 1 where not given), start < end.
    """
    frames = recordings.frames[rows]
    device, dtype = frames.device, recordings.integral.dtype
    lo = torch.zeros(len(rows), device=device, dtype=dtype) if start is None else start
    hi = torch.ones(len(rows), device=device, dtype=dtype) if end is None else end
    steps = torch.linspace(0, 1, chunks + 1, device=device, dtype=dtype)
    time = (lo[:, None] + (hi - lo)[:, None] * steps) * frames[:, None]
    integral = recordings.until(rows, time)
    length = (hi - lo) * frames / chunks
    means = (integral[:, 1:] - integral[:, :-1]) / length[:, None, None]
    gone = means[..., means.shape[2] - recordings.bodies :]
    means = means[..., : means.shape[2] - recordings.bodies]
    if not recordings.speeds:
        return _filled(means.unflatten(2, (-1, 3)), gone)
    places = means.shape[2] // (3 + len(SPEEDS)) * 3
    speeds = means[..., places:].unflatten(2, (len(SPEEDS), -1)).transpose(2, 3)
    return torch.cat([_filled(means[..., :places].unflatten(2, (-1, 3)), gone), speeds], dim=3)


def _filled(means: Positions, gone: Float[Tensor, "batch chunk body"]) -> Positions:
    """m_kj + a_kb c for joint j of body b, which was absent for a share a_kb of chunk k, with
    c = sum_kj m_kj / (joints sum_kb (1 - a_kb)), the centre of those that are present."""
    bodies = gone.shape[2]
    if not bodies:
        return means
    gone = gone.clamp(0, 1)
    by_body = means.unflatten(2, (bodies, -1))
    present = (1 - gone).sum(dim=(1, 2)).clamp(min=1e-6) * by_body.shape[3]
    middle = by_body.sum(dim=(1, 2, 3)) / present[:, None]
    return (by_body + gone[..., None, None] * middle[:, None, None, None]).flatten(2, 3)


def centre(averages: Averages) -> Averages:
    """Positions relative to the centre of the whole group: all nodes, all chunks (our choice)."""
    middle = averages.mean(dim=(1, 2), keepdim=True)
    middle[..., 3:] = 0  # of speeds
    return averages - middle


def rotate(averages: Averages, up: int, angle: Float[Tensor, " batch"]) -> Averages:
    """Turn each sample by its angle (radians) about the vertical coordinate `up`."""
    return turned(averages, about(up, angle))


def about(axis: int, angle: Float[Tensor, " batch"]) -> Float[Tensor, "batch three three"]:
    """The rotation by an angle about a coordinate axis, x -> x R."""
    a, b = (axis + 1) % 3, (axis + 2) % 3
    matrix = torch.zeros(len(angle), 3, 3, device=angle.device, dtype=angle.dtype)
    matrix[:, axis, axis] = 1
    matrix[:, a, a] = matrix[:, b, b] = angle.cos()
    matrix[:, a, b] = angle.sin()
    matrix[:, b, a] = -angle.sin()
    return matrix


def turned(averages: Averages, matrix: Float[Tensor, "batch three three"]) -> Averages:
    """x -> x R for the positions of each sample; speeds stay as they are."""
    positions = torch.bmm(averages[..., :3].flatten(1, 2), matrix).unflatten(1, averages.shape[1:3])
    return torch.cat([positions, averages[..., 3:]], dim=3)


TOUCHING = 1e-3
"""Of the size of the whole group: two bodies that stand closer together have no side (our choice). A
thousandth of it is less than a millimetre for two people, and four orders above what rounding leaves."""


def face(averages: Averages, skeleton: Skeleton) -> Averages:
    """Turn each sample about the vertical until its second body stands on the side axis from the first.

    So two people are seen from the same side wherever the camera was (our choice). A sample of one
    body, or of two that coincide or stand right above each other, stays as it is: their horizontal
    distance is at most TOUCHING times the size, size^2 = var_n(mean over chunks of node n) +
    var_k(mean over nodes in chunk k), each summed over x, y, z.
    """
    if skeleton.bodies < 2:
        return averages
    positions = averages[..., :3]
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
    return rotate(averages, up, torch.where(apart, angle, 0.0).to(positions.dtype))


VIEWS = ("facing", "camera")


@dataclass(frozen=True)
class Description:
    """How recordings become signals: everything but the normalisation.

    chunks  M, the temporal chunks
    view    "facing": turned so that two bodies face each other along the side axis; "camera": as seen
    speeds  whether a node's speeds stand beside its positions
    trim    share of the duration left out at either end of a whole recording; with half the largest
            crop a recording is described as the mean of what was trained with (our choice)

    Errors: BadInput for fewer than one chunk, an unknown view or a trim outside [0, 0.5).
    """

    skeleton: Skeleton
    chunks: int = 8
    view: str = "facing"
    trim: float = 0.0
    speeds: bool = False

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
        return self.skeleton.nodes, (3 + len(SPEEDS) * self.speeds) * self.chunks

    def signal(self, averages: Averages) -> Float[Tensor, "batch node feature"]:
        """Centre, turn, and concatenate each node's chunk averages: feature 3 k + c is coordinate c
        in chunk k, feature 3 M + M s + k is speed s in chunk k."""
        placed = centre(averages)
        if self.view == "facing":
            placed = face(placed, self.skeleton)
        by_node = placed.permute(0, 2, 1, 3)
        positions = by_node[..., :3].flatten(2)
        if not self.speeds:
            return positions
        return torch.cat([positions, by_node[..., 3:].transpose(2, 3).flatten(2)], dim=2)


def describe(
    sequences: Seq[Sequence], description: Description
) -> Float[Tensor, "batch node feature"]:
    """The signals of sequences, trimmed but not normalised: (sequences, nodes, features)."""
    if not sequences:
        return torch.zeros(0, *description.size)
    bodies, signals = description.skeleton.bodies, []
    for at in range(0, len(sequences), AT_ONCE):
        some = sequences[at : at + AT_ONCE]
        # in double precision: a path of many frames is long beside the steps of a chunk
        packed = Recordings.of(some, bodies, description.speeds, torch.float64)
        rows, trim = torch.arange(len(some)), torch.full((len(some),), description.trim).double()
        means = chunk_means(packed, rows, description.chunks, trim, 1 - trim)
        signals.append(description.signal(means).float())
    return torch.cat(signals)
