"""The skeletons, and temporal chunking: how a recording of any length becomes one signal on the nodes.

The recording is a made-up one: a standing person of the canonical pose who waves. Nothing recorded is
in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bandstop.report.poses import CAPTIONS, SBU_POSE, pose
from bandstop.report.style import (
    BLUE,
    DPI,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PAPER,
    SHADE,
    SMALL,
    SOFT,
    TEXT,
    WIDTH,
    drawn,
)  # fmt: skip
from bandstop.skeleton import LAYOUTS, Skeleton

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRAMES = 90
ELBOW, HAND = 7, 8
"""Joints of the arm that waves, in the layout of SBU."""


def waving(frames: int = FRAMES) -> np.ndarray:
    """(frames, joints, 2) metres: the right arm rises, waves twice and falls; the body sways."""
    time = np.linspace(0, 1, frames)
    motion = np.repeat(np.array(SBU_POSE)[None], frames, axis=0)
    raised = np.clip(np.minimum(time, 1 - time) / 0.22, 0, 1) ** 2
    turn = 0.7 * np.sin(5 * np.pi * np.clip((time - 0.2) / 0.6, 0, 1))
    shoulder = motion[:, 6]
    upper = -1.05 + 1.5 * raised  # angle from the horizontal
    fore = upper + raised * (1.1 + turn) - 0.15
    motion[:, ELBOW] = shoulder + 0.29 * np.stack([-np.cos(upper), np.sin(upper)], axis=1)
    motion[:, HAND] = motion[:, ELBOW] + 0.27 * np.stack([-np.cos(fore), np.sin(fore)], axis=1)
    motion[:, :, 0] += 0.02 * np.sin(2 * np.pi * time)[:, None] * motion[:, :, 1]
    return motion


def chunk_means(motion: np.ndarray, chunks: int) -> np.ndarray:
    """(chunks, joints, axes): the duration in equal parts, every coordinate averaged in each (PMP).

    Boundaries may fall inside a frame, whose share then counts.

    >>> chunk_means(np.arange(3.0).reshape(3, 1, 1), 2).ravel().tolist()
    [0.3333333333333333, 1.6666666666666667]
    """
    integral = np.concatenate([np.zeros_like(motion[:1]), motion.cumsum(axis=0)])
    edges = np.linspace(0, len(motion), chunks + 1)
    low = np.minimum(edges.astype(int), len(motion) - 1)
    share = (edges - low)[:, None, None]
    at = integral[low] + share * motion[low]
    return np.diff(at, axis=0) * chunks / len(motion)


@drawn
def chunking(chunks: int) -> Figure:
    """Above: the frames of each chunk, faint, and their average. Middle: one joint's coordinates over
    time with the averages as steps. Below: these averages as that node's features."""
    from matplotlib.figure import Figure

    motion = waving()
    means = chunk_means(motion, chunks)
    figure = Figure(figsize=(WIDTH, 5.4), dpi=DPI, layout="constrained")
    above, middle, below = figure.subplots(3, 1, height_ratios=[2.0, 1.5, 0.6])
    _poses(above, motion, means)
    _curves(middle, motion, means)
    _features(below, means)
    return figure


def _poses(axes: Axes, motion: np.ndarray, means: np.ndarray) -> None:
    chunks, skeleton = len(means), LAYOUTS["sbu"]
    place = FRAMES / chunks
    scale = 0.8 * place / 1.05
    for n, mean in enumerate(means):
        frames = motion[round(n * place) : round((n + 1) * place) : 3]
        for points, colour, width in [*((f, FAINT, 0.8) for f in frames), (mean, INK, 1.6)]:
            moved = points * [scale, 1] + [(n + 0.5) * place, 0]
            for parent, child in skeleton.bones:
                axes.plot(*moved[[parent, child]].T, color=colour, lw=width)
        axes.plot(*(mean[HAND] * [scale, 1] + [(n + 0.5) * place, 0]), "o", color=ORANGE, ms=5)
        axes.text((n + 0.5) * place, -0.12, f"chunk {n + 1}", fontsize=SMALL, color=SOFT,
                  ha="center", va="top")  # fmt: skip
        if n % 2:
            axes.axvspan(n * place, (n + 1) * place, color=SHADE, lw=0, zorder=0, alpha=0.6)
    axes.set_xlim(0, FRAMES)
    axes.set_ylim(-0.35, 2.05)
    axes.set_axis_off()
    axes.set_title("frames of a made-up recording, and their average in each chunk")


def _curves(axes: Axes, motion: np.ndarray, means: np.ndarray) -> None:
    chunks = len(means)
    edges = np.linspace(0, FRAMES, chunks + 1)
    for axis, (name, colour) in enumerate((("across", BLUE), ("up", GREEN))):
        axes.plot(np.arange(FRAMES) + 0.5, motion[:, HAND, axis], color=colour, lw=1.2, alpha=0.6,
                  label=name)  # fmt: skip
        axes.stairs(means[:, HAND, axis], edges, baseline=None, color=colour, lw=2.2)
    for n in range(1, chunks, 2):
        axes.axvspan(edges[n], edges[n + 1], color=SHADE, lw=0, zorder=0, alpha=0.6)
    axes.set_xlim(0, FRAMES)
    axes.set_ylabel("metres")
    axes.set_xlabel("frame")
    axes.set_title("right hand: coordinates, and their averages as steps")
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, borderaxespad=0.1)


def _features(axes: Axes, means: np.ndarray) -> None:
    values = means[:, HAND, :].reshape(-1)
    top = max(1.0, float(np.abs(values).max()))
    for n, value in enumerate(values):
        colour = BLUE if n % 2 == 0 else GREEN
        box = (n / len(values), 0.0)
        axes.bar(box[0], 1, width=0.94 / len(values), align="edge", color=colour,
                 alpha=0.15 + 0.75 * abs(value) / top)  # fmt: skip
        axes.text(box[0] + 0.47 / len(values), -0.12, f"{value:.1f}", fontsize=7.5, color=SOFT,
                  ha="center", va="top")  # fmt: skip
    axes.set_xlim(0, 1)
    axes.set_ylim(-0.5, 1)
    axes.set_axis_off()
    axes.set_title("the hand's node features: these averages in a row (depth left out)")


@drawn
def skeletons(names: tuple[str, ...]) -> Figure:
    """Each layout in its canonical pose, with the numbers of its joints; bodies side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.4), dpi=DPI, layout="constrained")
    shown = [LAYOUTS[name] for name in names]
    bodies = [skeleton.bodies for skeleton in shown]
    for axes, skeleton in zip(
        figure.subplots(1, len(shown), width_ratios=bodies, squeeze=False)[0], shown, strict=True
    ):
        _layout(axes, skeleton)
    return figure


def _layout(axes: Axes, skeleton: Skeleton) -> None:
    points, _ = pose(skeleton)
    for body in range(skeleton.bodies):
        moved = points + np.array([0.95 * body, 0.0])
        for parent, child in skeleton.bones:
            axes.plot(*moved[[parent, child]].T, color=FAINT, lw=4, zorder=1)
        axes.plot(*moved.T, "o", color=BLUE, ms=13, mec=PAPER, zorder=2)
        for joint, (x, y) in enumerate(moved):
            number = body * len(points) + joint
            axes.text(x, y, f"{number}", fontsize=7.5, color=PAPER, ha="center", va="center")
    axes.set_aspect("equal")
    axes.margins(0.12)
    axes.set_axis_off()
    joints = f"{len(points)} joints"
    words = f"{skeleton.bodies} x {joints}" if skeleton.bodies > 1 else joints
    axes.set_title(f"{skeleton.name}: {words}", fontsize=TEXT)
    if note := CAPTIONS.get(skeleton.name):
        axes.text(0.5, -0.02, note, fontsize=SMALL, color=SOFT, ha="center", va="top",
                  transform=axes.transAxes)  # fmt: skip
