"""Are these human movements? Bone lengths and jumps, one pure function a check."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import dataclass

import numpy as np

from bandstop.data.doctor.checks import Finding, counted
from bandstop.data.sequence import Sequence, absent
from bandstop.skeleton import Skeleton

HUMAN = {"sbu": (40.0, 700.0), "hand21": (5.0, 140.0)}
"""Shortest and longest plausible bone in mm, by skeleton; others use `ANY`."""
ANY = (3.0, 900.0)
MILLIMETRES = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
ASYMMETRY = 0.25
"""Left and right may differ by this share of the longer one."""
VARIATION = 0.35
"""A bone may vary within a sequence by this much: its standard deviation over its mean."""
JUMP = 0.35
"""A joint may move this far against its body between two frames, as a share of the body's extent."""


@dataclass(frozen=True)
class Bone:
    """A bone over all recordings, in the skeleton's unit: medians of what single sequences show.

    low, high  shortest and longest median of a sequence
    variation  within a sequence: standard deviation over mean
    """

    name: str
    median: float
    low: float
    high: float
    variation: float


def bone_lengths(skeleton: Skeleton, positions: np.ndarray) -> np.ndarray:
    """(frames, bones of all bodies), from (frames, nodes, 3)."""
    parents, children = np.array(skeleton.node_bones, dtype=int).reshape(-1, 2).T
    away = positions[:, children].astype(np.float64) - positions[:, parents]
    return np.asarray(np.sqrt((away**2).sum(axis=-1)))


def bones(
    skeleton: Skeleton, sequences: Seq[Sequence], in_order: bool = True
) -> tuple[tuple[Bone, ...], list[Finding]]:
    """Every bone of one body over all recordings, and what is not human about them. Bodies count where
    they are present; `in_order`: whether the joints stand in the order of the skeleton."""
    names = [f"{skeleton.joints[p]} - {skeleton.joints[c]}" for p, c in skeleton.bones]
    if not names or not sequences:
        return (), []
    count = len(names)
    medians = np.full((len(sequences), skeleton.bodies, count), np.nan)
    varied = np.full_like(medians, np.nan)
    for i, s in enumerate(sequences):
        lengths = bone_lengths(skeleton, s.positions).reshape(s.frames, skeleton.bodies, count)
        here = ~absent(s.positions, skeleton.bodies)
        for b in np.flatnonzero(here.any(axis=0)):
            x = lengths[here[:, b], b]
            medians[i, b] = np.median(x, axis=0)
            varied[i, b] = x.std(axis=0) / np.maximum(x.mean(axis=0), 1e-9)
    flat = medians.reshape(-1, count)
    flat = flat[~np.isnan(flat[:, 0])]
    if not len(flat):
        return (), []
    found = tuple(
        Bone(
            name,
            float(np.median(flat[:, k])),
            float(flat[:, k].min()),
            float(flat[:, k].max()),
            float(np.nanmedian(varied[..., k])),
        )
        for k, name in enumerate(names)
    )
    findings = _implausible(skeleton, sequences, medians, names, in_order)
    findings += _asymmetric(skeleton, sequences, medians, names)
    index = np.argwhere(varied > VARIATION)
    if len(index):
        index = index[np.argsort(-varied[tuple(index.T)])]
        where = tuple(
            f"{sequences[i].name}: {_body(skeleton, b)}{names[k]} by {varied[i, b, k]:.0%}"
            for i, b, k in index
        )
        touched = counted(len(set(index[:, 0])), "sequence")
        words = f"bones vary by more than {VARIATION:.0%} (deviation over mean) within {touched}"
        findings.append(Finding("bone variation", words, where))
    return found, findings


def _body(skeleton: Skeleton, body: int) -> str:
    return f"body {body + 1}, " if skeleton.bodies > 1 else ""


def _implausible(
    skeleton: Skeleton,
    sequences: Seq[Sequence],
    medians: np.ndarray,
    names: list[str],
    in_order: bool,
) -> list[Finding]:
    scale = MILLIMETRES.get(skeleton.unit)
    if scale is None:
        return []
    low, high = (limit / scale for limit in HUMAN.get(skeleton.name, ANY))
    index = np.argwhere((medians < low) | (medians > high))
    if not len(index):
        return []
    where = tuple(
        f"{sequences[i].name}: {_body(skeleton, b)}{names[k]} is {medians[i, b, k]:.3g} "
        f"{skeleton.unit}"
        for i, b, k in index
    )
    touched = counted(len(set(index[:, 0])), "sequence")
    usual = np.nanmedian(medians)
    hint = ": is the unit right?" if in_order and not low <= usual <= high else ""
    words = f"bones are outside {low:g} to {high:g} {skeleton.unit}, what a person has, in {touched}{hint}"
    return [Finding("bone length", words, where)]


def _asymmetric(
    skeleton: Skeleton, sequences: Seq[Sequence], medians: np.ndarray, names: list[str]
) -> list[Finding]:
    at = {bone: k for k, bone in enumerate(skeleton.bones)}
    mirrored = [at.get((skeleton.mirror[p], skeleton.mirror[c])) for p, c in skeleton.bones]
    pairs = [(k, m) for k, m in enumerate(mirrored) if m is not None and k < m]
    if not pairs:
        return []
    left, right = medians[..., [k for k, _ in pairs]], medians[..., [m for _, m in pairs]]
    unequal = np.abs(left - right) / np.maximum(np.maximum(left, right), 1e-9)
    index = np.argwhere(unequal > ASYMMETRY)
    if not len(index):
        return []
    index = index[np.argsort(-unequal[tuple(index.T)])]
    where = tuple(
        f"{sequences[i].name}: {_body(skeleton, b)}{names[pairs[k][0]]} {left[i, b, k]:.3g}, "
        f"{names[pairs[k][1]]} {right[i, b, k]:.3g} {skeleton.unit}"
        for i, b, k in index
    )
    touched = counted(len(set(index[:, 0])), "sequence")
    words = f"left and right differ by more than {ASYMMETRY:.0%} in {touched}"
    return [Finding("asymmetry", words, where)]


def jumps(skeleton: Skeleton, sequences: Seq[Sequence]) -> list[Finding]:
    """Joints that leave their body, and bodies that leave their place, between two frames."""
    cases: list[tuple[float, str]] = []
    touched, total = 0, 0
    for s in sequences:
        bodies = s.positions.reshape(s.frames, skeleton.bodies, -1, 3).astype(np.float64)
        here = ~absent(s.positions, skeleton.bodies)
        size = np.where(here, np.linalg.norm(np.ptp(bodies, axis=2), axis=-1), np.nan)
        seen: np.ndarray = np.asarray(here.any(axis=0))
        extent = np.array(
            [np.nanmedian(size[:, b]) if seen[b] else np.inf for b in range(len(seen))]
        )
        moved = np.diff(bodies, axis=0) * (here[1:] & here[:-1])[:, :, None, None]
        common = np.median(moved, axis=2, keepdims=True)
        own = np.linalg.norm(moved - common, axis=-1) / np.maximum(extent, 1e-9)[:, None]
        whole = np.linalg.norm(common, axis=-1) / np.maximum(extent, 1e-9)[:, None]
        for steps, limit, what in ((own, JUMP, skeleton.joints), (whole, 1.0, ("all of it",))):
            if (steps > limit).any() and extent.min() > 0:
                touched, total = touched + 1, total + int((steps > limit).sum())
                frame, body, joint = np.unravel_index(int(steps.argmax()), steps.shape)
                far = float(steps.max() * extent[body])
                where = f"{_body(skeleton, int(body))}{what[int(joint)]}"
                after = f"by {far:.3g} {skeleton.unit} after frame {frame + 1}"
                cases.append((far, f"{s.name}: {where} {after}"))
    if not cases:
        return []
    words = (
        f"between two frames a joint moves by more than {JUMP:.0%} of its body's extent against the "
        f"body, or the body by more than all of it: {counted(total, 'time')} in "
        f"{counted(touched, 'sequence')}"
    )
    return [Finding("jumps", words, tuple(text for _, text in sorted(cases, reverse=True)))]
