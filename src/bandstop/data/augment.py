"""Augmentation: pure functions of (positions, draw), and one seeded recipe that draws and applies them.

All work on chunk averages, (batch, chunk, node, xyz). Rotation, mirroring, exchange and scale are
linear, so they commute with averaging over time; cropping in time is done where the chunks are cut
(`chunk_means`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from bandstop.data.describe import (
    Averages,
    Description,
    Recordings,
    about,
    chunk_means,
    turned,
)  # fmt: skip
from bandstop.data.normalise import Normalisation
from bandstop.errors import BadInput, listed
from bandstop.skeleton import Skeleton


@cache
def _orders(skeleton: Skeleton) -> Int[Tensor, "four node"]:
    """Node orders: as they are; mirrored; bodies exchanged; both. Row = mirror + 2 * exchange."""
    joints = len(skeleton.joints)
    rows = []
    for exchanged in (False, True):
        for mirrored in (False, True):
            bodies = range(skeleton.bodies)
            rows.append(
                [
                    b * joints + (skeleton.mirror[j] if mirrored else j)
                    for b in (reversed(bodies) if exchanged else bodies)
                    for j in range(joints)
                ]
            )
    return torch.tensor(rows)


def reorder(
    averages: Averages,
    skeleton: Skeleton,
    mirrored: Bool[Tensor, " batch"],
    exchanged: Bool[Tensor, " batch"],
) -> Averages:
    """Mirror some samples (left and right joints exchanged, the side coordinate negated) and exchange
    the bodies of some; where there is one body, `exchanged` changes nothing."""
    orders = _orders(skeleton).to(averages.device)
    order = orders[mirrored.long() + 2 * exchanged.long()]
    out = averages.gather(2, order[:, None, :, None].expand_as(averages))
    sign = torch.ones(len(averages), 1, 1, averages.shape[3], device=averages.device)
    sign[:, 0, 0, skeleton.side] = 1 - 2 * mirrored.to(sign.dtype)
    return out * sign


def mirror(averages: Averages, skeleton: Skeleton) -> Averages:
    """Every sample as seen in a mirror: its own inverse."""
    every = torch.ones(len(averages), dtype=torch.bool, device=averages.device)
    return reorder(averages, skeleton, mirrored=every, exchanged=~every)


def exchange(averages: Averages, skeleton: Skeleton) -> Averages:
    """Every sample with the order of its bodies reversed: its own inverse."""
    every = torch.ones(len(averages), dtype=torch.bool, device=averages.device)
    return reorder(averages, skeleton, mirrored=~every, exchanged=every)


def scale(averages: Averages, factor: Float[Tensor, " batch"]) -> Averages:
    """Make each sample larger by its factor: all its lengths, and so its speeds."""
    return averages * factor[:, None, None, None]


def rotations(
    up: int,
    settings: Augmentation,
    angle: Float[Tensor, " batch"],
    tilt: Float[Tensor, " batch"],
    way: Float[Tensor, " batch"],
) -> Float[Tensor, "batch three three"]:
    """Turned about the vertical, then tilted about a horizontal axis, as drawn: uniform in [0, 1).

    R_v(angle) R_v(way) R_h(tilt) R_v(-way), R_h about a fixed horizontal axis.
    """
    full = torch.pi / 180
    turn = (2 * angle - 1) * settings.rotation * full
    if not settings.tilt:
        return about(up, turn)
    lean, towards = (2 * tilt - 1) * settings.tilt * full, way * torch.pi
    return about(up, turn + towards) @ about((up + 1) % 3, lean) @ about(up, -towards)


@dataclass(frozen=True)
class Augmentation:
    """How much of each; zero switches one off.

    mirror, exchange  probability; only skeletons with left and right joints are mirrored
    rotation          largest angle about the vertical, degrees, uniform
    scale             standard deviation of the logarithm of the size
    noise             standard deviation added to every chunk average, in units of the signal's std
    crop              largest fraction of the duration cut off at each end, uniform
    tilt              largest angle about a horizontal axis, degrees, uniform as the axis is

    Errors: BadInput, naming every value out of range.
    """

    mirror: float = 0.5
    exchange: float = 0.5
    rotation: float = 30.0
    scale: float = 0.1
    noise: float = 0.03
    crop: float = 0.15
    tilt: float = 15.0

    def __post_init__(self) -> None:
        problems = [
            f"{name} must be in [0, {top:g}], not {getattr(self, name)}"
            for name, top in LARGEST.items()
            if not 0 <= getattr(self, name) <= top
        ]
        if problems:
            raise BadInput(f"augmentation: {listed(problems)}")


LARGEST = {
    "mirror": 1.0, "exchange": 1.0, "rotation": 180.0, "scale": 1.0, "noise": 10.0, "crop": 0.45,
    "tilt": 180.0,
}  # fmt: skip

NONE = Augmentation(mirror=0, exchange=0, rotation=0, tilt=0, scale=0, noise=0, crop=0)


@dataclass(frozen=True, eq=False)
class Draws:
    """The random numbers behind a batch; leading axes (steps, runs) as one likes.

    uniform  in [0, 1): cut at the start, cut at the end, mirrored, exchanged, angle, tilt, which way
    normal   logarithm of the size, in standard deviations
    noise    which pattern of `noise_patterns` each sample gets
    """

    uniform: Float[Tensor, "*more batch seven"]
    normal: Float[Tensor, "*more batch"]
    noise: Int[Tensor, "*more batch"]

    @staticmethod
    def of(shape: tuple[int, ...], generator: torch.Generator) -> Draws:
        """Drawn on the generator's device (the CPU, so that a GPU sees the same numbers)."""
        return Draws(
            torch.rand(*shape, UNIFORM, generator=generator),
            torch.randn(shape, generator=generator),
            torch.randint(PATTERNS, shape, generator=generator),
        )


UNIFORM, PATTERNS = 7, 1024


@cache
def noise_patterns(
    nodes: int, features: int, device: torch.device
) -> Float[Tensor, "pattern node feature"]:
    """Standard normal noise, drawn once: picking a pattern costs a copy, drawing it anew several."""
    generator = torch.Generator().manual_seed(0)
    return torch.randn(PATTERNS, nodes, features, generator=generator).to(device)


def augmented_signal(
    recordings: Recordings,
    rows: Int[Tensor, "*more batch"],
    description: Description,
    normalisation: Normalisation,
    settings: Augmentation,
    draws: Draws,
) -> Float[Tensor, "*more batch node feature"]:
    """Normalised signals of the rows, each varied as drawn; the same draws, the same signals.

    With a leading axis of runs the normalisation has it too.
    """
    skeleton = description.skeleton
    start, end, mirrored, exchanged, *angles = draws.uniform.flatten(0, -2).unbind(1)
    size = (settings.scale * draws.normal.flatten()).exp()
    averages = chunk_means(
        recordings,
        rows.flatten(),
        description.chunks,
        settings.crop * start,
        1 - settings.crop * end,
    )
    averages = reorder(
        averages,
        skeleton,
        (mirrored < settings.mirror) & skeleton.sided,
        exchanged < settings.exchange,
    )
    averages = scale(turned(averages, rotations(skeleton.up, settings, *angles)), size)
    signal = normalisation(description.signal(averages).unflatten(0, rows.shape))
    if settings.noise:
        patterns = noise_patterns(*signal.shape[-2:], signal.device)
        signal = signal + settings.noise * patterns[draws.noise]
    return signal
